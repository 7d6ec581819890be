"""What holds jobs: a pause of one job or of the stage, and the backlog of the system's ingest."""

from __future__ import annotations

from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The system's ingest is behind: since when, and what its queue held when it was last read.

    `age_s` is that of the oldest message, None if it was not asked for. `depth` is None if it could
    not be read, `cause` is why, and `unread_since` since when.
    """

    since: datetime
    depth: int | None
    age_s: int | None = None
    cause: str | None = None
    unread_since: datetime | None = None


def resumes_after(resumes: Resumes, since: datetime, now: datetime) -> Resumes:
    """Return the resumes with one more, at `now`, of a job that was held from `since` on."""
    held_s = max(0, round((now - since).total_seconds()))
    return replace(resumes, number=resumes.number + 1, at=now, held_s=resumes.held_s + held_s)
