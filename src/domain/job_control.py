"""What acts on a job: its end, early or not, redrives, and the lease of the engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.attempts import begin_attempt
from domain.connector import Connector
from domain.errors import JobHeld, JobLeaseHeld, LeaseLost, NotRedrivable
from domain.hold import pause_of
from domain.job import (
    Ending,
    EndingKind,
    Job,
    JobCancelled,
    JobCompleted,
    JobCompletedWithErrors,
    JobFailed,
    JobRedriven,
    JobStatus,
    evolve,
)
from domain.lease import Lease


def is_of(job: Job, connector: Connector) -> bool:
    """Return whether the job is of this connector, and not of another with the same id."""
    same_id = job.request.connector_id == connector.connector_id
    return same_id and job.request.connector_created_at in (None, connector.created_at)


def request_end(job: Job, ending: Ending, now: datetime) -> Job:
    """Return the job with its end requested; it ends when no chunk is open.

    The engine's lease stays. Its holder can write nothing more, but a redrive in progress may still
    open a chunk, so the job must not end before that lease has expired.

    A job that has ended, or whose end was requested before, is returned unchanged.
    """
    if job.terminal or job.ending is not None:
        return job
    times = replace(job.times, updated_at=now)
    return replace(job, ending=ending, status_reason=ending.reason, times=times)


def end_may_wait(job: Job, now: datetime, patience_s: float) -> bool:
    """Return whether the end of a job may wait for a step that failed.

    The job's `updated_at` does not move after the request.
    """
    return (now - job.times.updated_at).total_seconds() < patience_s


def finish_if_settled(job: Job, now: datetime) -> Job:
    """Return the job ended if its last chunk is settled, else unchanged.

    A cancellation that arrives after everything is done has no effect. One that arrives while an
    engine may be creating the batch job waits for that engine, or for the end of its lease.
    """
    if job.terminal or not job.settled or job.may_create_batch_job(now):
        return job
    complete = job.splitting.done and not job.tally.chunks_cancelled
    if job.ending is not None and not (complete and job.ending.kind is EndingKind.CANCELLED):
        failed = job.ending.kind is EndingKind.FAILED
        reason = job.ending.reason
        return evolve(job, JobFailed(reason=reason) if failed else JobCancelled(reason=reason), now)
    failed_count = job.tally.statistics.failed
    if failed_count or job.tally.chunks_failed:
        reason = f"{failed_count} of {job.listing.objects_listed} objects failed"
        return evolve(job, JobCompletedWithErrors(reason=reason), now)
    return evolve(job, JobCompleted(), now)


def stop_redriving(job: Job, now: datetime) -> Job:
    """Return an ending job without its redrive, once no engine can be working on it."""
    if job.ending is None or job.work.is_held(now):
        return job
    return replace(job, redrive=replace(job.redrive, active=False))


def redrive(job: Job, now: datetime) -> Job:
    """Return the job reopened, so that its failed objects are retried.

    Raises:
        NotRedrivable: It did not end COMPLETED_WITH_ERRORS, or no failure is a worker's.
    """
    if job.status is not JobStatus.COMPLETED_WITH_ERRORS:
        raise NotRedrivable(
            f"job {job.job_id} is {job.status}; only a job that is COMPLETED_WITH_ERRORS has"
            " failures to redrive. Start a new sync instead: objects that are done are skipped"
        )
    of_workers = job.tally.statistics.failed - job.tally.failed_in_discovery
    if job.tally.failed_in_discovery and not of_workers and not job.tally.chunks_failed:
        raise NotRedrivable(
            f"the failures of job {job.job_id} are from its discovery, which is not repeated; start"
            " a new sync instead: objects that are done are skipped"
        )
    return evolve(job, JobRedriven(), now)


def acquire_work_lease(job: Job, *, token: str, now: datetime, lease_s: float) -> Job:
    """Return the job with the engine's lease given to `token`, counted as an attempt at its step.

    Raises:
        LeaseLost: The job has ended, or its end was requested.
        JobHeld: Nothing of the job is to be started.
        JobLeaseHeld: Another invocation's lease is live.
    """
    if job.terminal or job.ending is not None:
        raise LeaseLost(f"job {job.job_id} has ended or is ending")
    hold = pause_of(job, now)
    if hold is not None:
        raise JobHeld(f"job {job.job_id} is held since {hold.since}: {hold.cause}")
    held = job.work.lease
    if held is not None and held.token != token and held.live(now):
        raise JobLeaseHeld(f"job {job.job_id} is leased until {held.expires_at}")
    lease = Lease(token=token, expires_at=now + timedelta(seconds=lease_s))
    job = begin_attempt(job)
    times = replace(job.times, updated_at=now)
    return replace(job, work=replace(job.work, lease=lease), times=times)


def check_work_lease(job: Job, *, token: str, now: datetime) -> None:
    """Check that `token` may still write for this job.

    Raises:
        LeaseLost: Another token has the lease, it expired, or the job has ended or is ending.
    """
    if job.terminal or job.ending is not None or not job.work.is_held_by(token, now):
        raise LeaseLost(f"the work lease on job {job.job_id} has been lost")
