"""Logs, metrics and traces: ids and counts, never keys' contents, bodies or tags."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol


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
    SCHEDULED_RUNS_STARTED = "ScheduledRunsStarted"
    SCHEDULED_RUNS_SKIPPED = "ScheduledRunsSkipped"
    SCHEDULED_RUNS_FAILED = "ScheduledRunsFailed"
    MESSAGES_MALFORMED = "MessagesMalformed"


MEANINGS: Final[Mapping[Metric, str]] = {
    Metric.OBJECTS_SKIPPED: "objects that need nothing: the system knows them",
    Metric.OBJECTS_COPIED: "objects that were triggered, with a known inventory record",
    Metric.OBJECTS_PUT: "objects that were triggered, with neither record known",
    Metric.OBJECTS_INGESTING: "objects that an earlier job triggered, within their grace period",
    Metric.OBJECTS_NOT_TAKEN: "objects that were triggered as often as allowed, and not ingested",
    Metric.OBJECTS_NOT_MEDIA: "objects of a kind that the system does not ingest",
    Metric.TAGS_RESTORED: "skipped objects whose id tags were written again",
    Metric.OBJECTS_ARCHIVED: "objects whose bytes are archived",
    Metric.OBJECTS_GONE: "objects that were deleted after they were listed",
    Metric.OBJECTS_FAILED: "objects that failed",
    Metric.OBJECTS_LISTED: "objects that jobs listed",
    Metric.CHUNKS_SETTLED: "chunks that were completed or failed",
    Metric.CHUNKS_FAILED: "chunks that failed",
    Metric.CHUNKS_RECOVERED: "chunks that the sweep released from a worker that had stopped",
    Metric.JOBS_ENDED: "jobs that ended in any way",
    Metric.JOBS_FAILED: "jobs that ended as FAILED",
    Metric.SCHEDULED_RUNS_STARTED: "scheduled times at which a sync started",
    Metric.SCHEDULED_RUNS_SKIPPED: "scheduled times without a sync, because one was active",
    Metric.SCHEDULED_RUNS_FAILED: "scheduled times at which no sync could start",
    Metric.MESSAGES_MALFORMED: "chunk messages that could not be read",
}
"""What each metric counts, for operators."""


class Span(Protocol):
    """A piece of work that is being traced."""

    def facts(self, **facts: str | int | float | bool | None) -> None:
        """Add what is known only now, as the piece's result."""
        ...


class Telemetry(Protocol):
    """Logs, counts and traces for operators. Never raises, and has no effect on results.

    Traces are optional: without them, spans do nothing.
    """

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

    def span(
        self,
        name: str,
        *,
        job_id: str | None = None,
        parent: str | None = None,
        **facts: str | int | float | bool | None,
    ) -> AbstractContextManager[Span]:
        """Trace a piece of work, and the requests to AWS that it and its tasks make.

        With `job_id` it is part of the job's trace, whichever process does it; the span in which it
        was opened, if that is of another trace, is linked. Otherwise it is part of that span, or of
        `parent`: a caller's `traceparent` (W3C Trace Context). An error that leaves it is recorded
        with its class, and raised.
        """
        ...

    def job_span(
        self,
        job_id: str,
        *,
        began_at: datetime,
        ended_at: datetime,
        **facts: str | int | float | bool | None,
    ) -> None:
        """Trace a whole job when it has ended: the root of its trace, however often it is sent."""
        ...
