"""The limit of a connector's ingest queue, and the queue that a job waits for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimit:
    """Above so many messages no copies are started."""

    depth_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedQueue:
    """The ingest queue that a job waits for while it is above the limit."""

    url: str
    limit: QueueLimit
