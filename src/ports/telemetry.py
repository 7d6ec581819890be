"""Logs and metrics: ids and counts, never keys' contents, bodies or tags."""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol


class Metric(StrEnum):
    """The metrics that the service emits; counts unless the name says otherwise."""

    OBJECTS_SKIPPED = "ObjectsSkipped"
    OBJECTS_COPIED = "ObjectsCopied"
    OBJECTS_PUT = "ObjectsPut"
    OBJECTS_INGESTING = "ObjectsIngesting"
    OBJECTS_NOT_TAKEN = "ObjectsNotTaken"
    OBJECTS_NOT_MEDIA = "ObjectsNotMedia"
    TAGS_RESTORED = "TagsRestored"
    OBJECTS_ARCHIVED = "ObjectsArchived"
    OBJECTS_GONE = "ObjectsGone"
    OBJECTS_FAILED = "ObjectsFailed"
    OBJECTS_LISTED = "ObjectsListed"
    CHUNKS_SETTLED = "ChunksSettled"
    CHUNKS_FAILED = "ChunksFailed"
    CHUNKS_RECOVERED = "ChunksRecovered"
    JOBS_ENDED = "JobsEnded"
    JOBS_FAILED = "JobsFailed"
    MESSAGES_MALFORMED = "MessagesMalformed"


class Telemetry(Protocol):
    """Logs and counts for operators. Never raises, and has no effect on results."""

    def event(self, name: str, **facts: str | int | float | bool | None) -> None:
        """Log one event with its fields."""
        ...

    def warning(self, name: str, **facts: str | int | float | bool | None) -> None:
        """Log an event that an operator may want to investigate."""
        ...

    def count(self, metric: Metric, value: int = 1) -> None:
        """Add to a metric."""
        ...

    def invocation(self, request_id: str) -> AbstractContextManager[None]:
        """Mark an invocation: its events have its id, its counts are written at its end.

        An invocation that runs at the same time, in another thread or task, keeps its own id.
        """
        ...
