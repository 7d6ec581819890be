"""The limits of an ingest queue, as attributes of connectors and jobs; at the top of the item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value
from domain.queue_limit import QueueLimit, WatchedQueue, queue_limit_of


def queue_limit_values(limit: QueueLimit | None) -> dict[str, Value | None]:
    """Return the attributes of a limit."""
    return {
        "ingestQueueMaxDepth": None if limit is None else limit.depth_max,
        "ingestQueueMaxAgeSeconds": None if limit is None else limit.age_max_s,
    }


def to_queue_limit(values: Mapping[str, Any]) -> QueueLimit | None:
    """Return the limit of the attributes."""
    return queue_limit_of(
        depth_max=values.get("ingestQueueMaxDepth"),
        age_max_s=values.get("ingestQueueMaxAgeSeconds"),
    )


def watched_queue_values(queue: WatchedQueue | None) -> dict[str, Value | None]:
    """Return the attributes of a job's queue and its limit."""
    if queue is None:
        return {**queue_limit_values(None), "watchedQueueUrl": None}
    return {**queue_limit_values(queue.limit), "watchedQueueUrl": queue.url}


def to_watched_queue(values: Mapping[str, Any]) -> WatchedQueue | None:
    """Return the queue that a job waits for.

    A job of an earlier version waits for the ingest queue that its connector had at its start.
    """
    limit = to_queue_limit(values)
    url = values.get("watchedQueueUrl") or values.get("ingestQueueUrl")
    return None if limit is None or url is None else WatchedQueue(url=url, limit=limit)
