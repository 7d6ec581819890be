"""What holds a job: while it does, nothing of the job is started.

A hold is no status. The job keeps its status, and goes on where it was once nothing holds it. The
end of a job comes before any hold: a job that is ending starts nothing, and must not wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.back_pressure import backlog_text
from domain.errors import NotPausable
from domain.job import Job
from domain.manifest import format_timestamp
from domain.pause import Pause, resumes_after
from domain.work_limits import Closed, closed_at


class HoldCause(StrEnum):
    """What holds a job."""

    PAUSED = "PAUSED"
    STAGE_PAUSED = "STAGE_PAUSED"
    INGEST_BEHIND = "INGEST_BEHIND"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What holds a job, and since when; `reason` and `by` are those of a pause.

    Of an ingest that is behind, `reason` has the figures; outside of its connector's time windows
    it says until when, as `until` does.
    """

    cause: HoldCause
    since: datetime
    reason: str | None = None
    by: str | None = None
    until: datetime | None = None


def hold_of(job: Job, now: datetime) -> Hold | None:
    """Return what holds the job, as read; None if nothing does, or it has ended or is ending."""
    hold = pause_of(job, now)
    open_job = not job.terminal and job.ending is None
    if hold is None and open_job and job.backlog is not None:
        since, reason = job.backlog.since, backlog_text(job)
        return Hold(cause=HoldCause.INGEST_BEHIND, since=since, reason=reason)
    return hold


def pause_of(job: Job, now: datetime) -> Hold | None:
    """Return the hold that also stops the engine: listing does not wait for ingest."""
    if job.terminal or job.ending is not None:
        return None
    if job.pause is not None:
        return _hold(HoldCause.PAUSED, job.pause)
    if job.stage_pause is not None:
        return _hold(HoldCause.STAGE_PAUSED, job.stage_pause)
    closed = closed_at(job.limits, now)
    if closed is None:
        return None
    since, reason = max(closed.since, job.times.created_at), _closed_text(closed)
    cause = HoldCause.OUTSIDE_WINDOW
    return Hold(cause=cause, since=since, reason=reason, until=closed.until)


def pause_job(job: Job, pause: Pause) -> Job:
    """Return the job paused; one that is paused already keeps its time, and gets a new reason.

    Raises:
        NotPausable: It has ended, or is ending.
    """
    if job.terminal or job.ending is not None:
        state = f"is {job.status}" if job.terminal else "is ending"
        raise NotPausable(f"job {job.job_id} {state}: there is nothing to pause")
    if job.pause is not None:
        if pause.reason in (None, job.pause.reason):
            return job
        pause = replace(pause, since=job.pause.since)
    return replace(job, pause=pause, times=replace(job.times, updated_at=pause.since))


def resume_job(job: Job, now: datetime) -> Job:
    """Return the job without its own pause; one that has none is returned unchanged."""
    if job.pause is None:
        return job
    return _resumed(replace(job, pause=None), job.pause.since, now)


def resume_with_stage(job: Job, stage: Pause, now: datetime) -> Job:
    """Return a job of a stage that is no longer paused; it keeps its own pause."""
    if job.terminal or job.ending is not None or job.pause is not None:
        return job
    return _resumed(job, stage.since, now)


def requeued(job: Job, number: int) -> Job:
    """Return the job whose parked chunks of all resumes up to `number` have been requeued."""
    return replace(job, resumes=replace(job.resumes, requeued=number))


def _hold(cause: HoldCause, pause: Pause) -> Hold:
    return Hold(cause=cause, since=pause.since, reason=pause.reason, by=pause.by)


def _closed_text(closed: Closed) -> str:
    return f"outside of its connector's time windows until {format_timestamp(closed.until)}"


def _resumed(job: Job, since: datetime, now: datetime) -> Job:
    counted_from = max(since, job.times.processing_at or job.times.created_at)
    resumes = resumes_after(job.resumes, counted_from, now)
    return replace(job, resumes=resumes, times=replace(job.times, updated_at=now))
