"""The limits of a job: those that its connector has now, which change while it runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.job import Job
from domain.work_limits import WorkLimits


def with_limits(job: Job, limits: WorkLimits | None, now: datetime) -> Job:
    """Return the job with these limits; one that has them, or has ended, is returned unchanged.

    It counts as a resume: chunks that were parked may go on now, so the engine sends them.
    """
    if job.terminal or job.limits == limits:
        return job
    resumes = replace(job.resumes, number=job.resumes.number + 1)
    return replace(job, limits=limits, resumes=resumes, times=replace(job.times, updated_at=now))


def slot_count(job: Job) -> int | None:
    """Return how many workers of the job's connector may work at once; None for any number.

    A job that is ending needs no slot: its workers only record that.
    """
    if job.limits is None or job.terminal or job.ending is not None:
        return None
    return job.limits.slot_count


def slot_rate(job: Job) -> float | None:
    """Return how many objects per second a worker of the job may start; None for any number."""
    return None if job.limits is None else job.limits.slot_rate
