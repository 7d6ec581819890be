"""The limits of a connector's ingest queue, and the queue that a job waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AGE_MIN_S: Final = 900
"""The least limit of an age: the metric of a queue that was idle begins so late (ADR 52)."""
AGE_MAX_S: Final = 1_209_600
"""The longest time that SQS keeps a message (SQS API Reference, "SetQueueAttributes")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimit:
    """Above so many messages, or above so many seconds of the oldest one, no copies are started.

    None is no limit; one of them is given.
    """

    depth_max: int | None = None
    age_max_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedQueue:
    """The ingest queue that a job waits for while it is above a limit."""

    url: str
    limit: QueueLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLook:
    """What a queue held: the number of its messages, and the age of the oldest.

    The age is None if it was not asked for.
    """

    depth: int
    age_s: int | None = None


def queue_limit_of(*, depth_max: int | None, age_max_s: int | None) -> QueueLimit | None:
    """Return the limit, None if nothing is limited."""
    if depth_max is None and age_max_s is None:
        return None
    return QueueLimit(depth_max=depth_max, age_max_s=age_max_s)
