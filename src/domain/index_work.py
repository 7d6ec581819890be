"""The work on the index of a job that has ended: who does it, and when it ends as FAILED."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.errors import JobLeaseHeld, LeaseLost
from domain.job import Job
from domain.lease import Lease
from domain.outcome_index import IndexStatus, JobIndex


def wants_index(job: Job) -> bool:
    """Return whether the job has ended and its index must still be made."""
    return job.terminal and job.index is not None and job.index.wanted


def ready_index(job: Job) -> int | None:
    """Return the number of the job's index if it can be read and is of the job's last end.

    A version without indexes keeps the old one when it redrives a job.
    """
    index = job.index
    current = index is not None and index.number == job.redrive.number
    return index.number if index is not None and index.ready and current and job.terminal else None


def with_index_wanted(job: Job) -> Job:
    """Return the job; if it has just ended, with the wish for an index."""
    known = job.index is not None and job.index.number == job.redrive.number
    if not job.terminal or known:
        return job
    return replace(job, index=JobIndex(number=job.redrive.number))


def begin_index(job: Job, *, token: str, now: datetime, lease_s: float) -> Job:
    """Return the job with its index leased to `token`, counted as an attempt.

    Raises:
        LeaseLost: No index is wanted: the job was redriven, or the index is ready or failed.
        JobLeaseHeld: Another invocation works on it.
    """
    index = job.index
    if index is None or not wants_index(job):
        raise LeaseLost(f"job {job.job_id} wants no index")
    if index.lease is not None and index.lease.live(now):
        raise JobLeaseHeld(f"the index of job {job.job_id} is made until {index.lease.expires_at}")
    lease = Lease(token=token, expires_at=now + timedelta(seconds=lease_s))
    return replace(job, index=replace(index, lease=lease, attempt_count=index.attempt_count + 1))


def held_index(job: Job, *, token: str, now: datetime) -> JobIndex:
    """Return the index of a job whose lease this token has.

    Raises:
        LeaseLost: Another invocation has it, it expired, or the job was redriven.
    """
    index = job.index
    lease = index.lease if index is not None else None
    held = wants_index(job) and lease is not None and lease.token == token and lease.live(now)
    if index is None or not held:
        raise LeaseLost(f"the lease on the index of job {job.job_id} has been lost")
    return index


def index_made(job: Job, *, token: str, now: datetime) -> Job:
    """Return the job with its index ready.

    Raises:
        LeaseLost: As `held_index`.
    """
    index = held_index(job, token=token, now=now)
    return replace(job, index=JobIndex(number=index.number, status=IndexStatus.READY))


def index_released(job: Job, *, token: str, now: datetime, progressed: bool) -> Job:
    """Return the job without the lease on its index; progress resets the count of attempts.

    Raises:
        LeaseLost: As `held_index`.
    """
    index = held_index(job, token=token, now=now)
    count = 0 if progressed else index.attempt_count
    return replace(job, index=replace(index, lease=None, attempt_count=count))


def index_failed(
    job: Job, *, token: str, now: datetime, reason: str, final: bool, attempt_count_max: int
) -> Job:
    """Return the job after an attempt that failed: its index is FAILED, or wanted as before.

    Raises:
        LeaseLost: As `held_index`.
    """
    index = held_index(job, token=token, now=now)
    if final or index.attempt_count >= attempt_count_max:
        return replace(
            job,
            index=JobIndex(number=index.number, status=IndexStatus.FAILED, reason=reason),
        )
    return replace(job, index=replace(index, lease=None, reason=reason))
