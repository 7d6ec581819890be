"""The lease on a job: one invocation of the engine at a time works on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from application.execution.deadline import Deadline
from application.execution.hold_watch import HoldWatch
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of, is_unknown
from domain.attempts import end_attempts, fail_attempt, place_of
from domain.errors import LeaseLost
from domain.job import Job
from domain.job_control import acquire_work_lease, check_work_lease
from ports.clock import Clock
from ports.job_store import JobStore


class JobLease:
    """A lease on one job: every write of the job goes through it, and fails once it is lost."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        clock: Clock,
        token: str,
        job_id: str,
        deadline: Deadline,
        poll_s: float,
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._job_id = job_id
        self._watch = HoldWatch(jobs=jobs, clock=clock, poll_s=poll_s)
        self.token = token
        self.deadline = deadline

    async def acquire(self, job_id: str, *, margin_s: float) -> Job:
        """Take the lease until `margin_s` after the deadline, when this process has ended.

        Raises:
            JobLeaseHeld: another invocation holds it.
            JobHeld: nothing of the job is to be started.
            LeaseLost: the job has ended or is ending.
        """
        lease_s = self.deadline.remaining_s() + margin_s
        return await update_job(
            self._jobs,
            job_id,
            lambda job: acquire_work_lease(
                job, token=self.token, now=self._clock.now(), lease_s=lease_s
            ),
        )

    async def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Write a change of the job.

        Raises:
            LeaseLost: another invocation holds the lease, or the job has ended or is ending.
        """
        return await update_job(self._jobs, job_id, lambda job: self.changed(job, change))

    def changed(self, job: Job, change: Callable[[Job], Job]) -> Job:
        """Return the job, as read, after a change by the holder of the lease.

        Raises:
            LeaseLost: as `update`.
        """
        self.check(job)
        changed = change(job)
        changed = replace(changed, times=replace(changed.times, updated_at=self._clock.now()))
        return changed if place_of(changed) == place_of(job) else end_attempts(changed)

    async def release(self, job_id: str) -> Job:
        """Release the lease after an attempt that did not fail."""
        return await self._give_back(job_id, end_attempts)

    async def release_failed(self, job_id: str, error: Exception) -> Job:
        """Release the lease after an attempt that ended in `error`, and record the error."""
        cause, unknown = cause_of(error), is_unknown(error)
        return await self._give_back(job_id, lambda j: fail_attempt(j, cause, unknown=unknown))

    async def _give_back(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Release the lease, so that the next invocation need not wait until it expires."""

        def released(job: Job) -> Job:
            if job.work.lease is None or job.work.lease.token != self.token:
                return job
            if not job.terminal and job.ending is None:
                job = change(job)
            return replace(job, work=replace(job.work, lease=None))

        return await update_job(self._jobs, job_id, released)

    async def must_stop(self, margin_s: float) -> bool:
        """Return whether to stop at the next checkpoint: time is nearly over, or the job is held.

        The job's record is read every few seconds.
        """
        return self.deadline.near(margin_s) or await self.is_held()

    async def is_held(self) -> bool:
        """Return whether the job is held, as of some seconds ago at most."""
        return await self._watch.is_held(self._job_id)

    async def job_ends(self, job_id: str) -> bool:
        """Return whether the job has ended or is ending, not only leased by another invocation."""
        job = await self._jobs.get(job_id)
        return job.terminal or job.ending is not None

    def holds(self, job: Job) -> bool:
        """Return whether this process still holds the lease of `job`, as read."""
        try:
            self.check(job)
        except LeaseLost:
            return False
        return True

    def check(self, job: Job) -> None:
        """Check that this process still holds the lease of `job`, as read.

        Raises:
            LeaseLost: it does not.
        """
        check_work_lease(job, token=self.token, now=self._clock.now())
