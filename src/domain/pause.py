"""A pause: an operator's request that nothing new is started, for one job or for all of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """When it was requested, and the operator's words; `by` is the caller's ARN, if it is known."""

    since: datetime
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumes:
    """How often a job was resumed, the last time, and the seconds that it was held in all.

    `requeued` is the number of the resume up to which the engine has requeued the chunks that were
    parked. The seconds count from the same time as the job's rate.
    """

    number: int = 0
    requeued: int = 0
    at: datetime | None = None
    held_s: int = 0

    @property
    def pending(self) -> bool:
        """Whether chunks may still be parked since the last resume."""
        return self.requeued < self.number
