"""The JSON form of a connector's limits: one shape for the API and the CLI."""

from __future__ import annotations

from typing import Any

from domain.queue_limit import WatchedQueue
from domain.work_limits import WorkLimits


def limits_view(limits: WorkLimits) -> dict[str, Any]:
    """Return the limits in the API's form."""
    return {
        "concurrency": limits.concurrency,
        "objectsPerSecond": limits.objects_per_second,
        "windows": [
            {
                "days": [day.value for day in window.days],
                "from": f"{window.start:%H:%M}",
                "to": f"{window.end:%H:%M}",
            }
            for window in limits.windows
        ],
        "timeZone": limits.time_zone,
    }


def watched_queue_view(queue: WatchedQueue) -> dict[str, Any]:
    """Return the ingest queue that a job waits for, and its limit, in the API's form."""
    limit = queue.limit
    return {
        "queueUrl": queue.url,
        "maxDepth": limit.depth_max,
        "maxAgeSeconds": limit.age_max_s,
    }
