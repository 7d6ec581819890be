"""The lease on a job's search for orphans: one invocation of the engine at a time works on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of, is_unknown
from domain.errors import LeaseLost
from domain.job import Job
from domain.orphan_work import OrphanWork, lease_orphans, place_of_search
from domain.removal_work import NO_ATTEMPTS
from ports.clock import Clock
from ports.job_store import JobStore


class OrphanLease:
    """Every write of the search goes through it, and fails once it is lost."""

    def __init__(
        self, *, jobs: JobStore, clock: Clock, tuning: Tuning, token: str, deadline: Deadline
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._tuning = tuning
        self.token = token
        self.deadline = deadline

    async def acquire(self, job_id: str) -> Job:
        """Take the lease until after the deadline, when this process has ended.

        Raises:
            LeaseLost: there is nothing to do, or another invocation does it.
            NotFound: there is no such job.
        """
        lease_s = self.deadline.remaining_s() + self._tuning.lease_margin_s

        def leased(job: Job) -> Job:
            if job.orphans is None:
                raise LeaseLost(f"no orphans of job {job.job_id} are searched")
            work = lease_orphans(
                job.orphans, token=self.token, now=self._clock.now(), lease_s=lease_s
            )
            return replace(job, orphans=work)

        return await update_job(self._jobs, job_id, leased)

    async def update(self, job_id: str, change: Callable[[OrphanWork], OrphanWork]) -> Job:
        """Write a change of the search.

        Raises:
            LeaseLost: another invocation has the lease.
        """

        def changed(job: Job) -> Job:
            before = self.check(job)
            after = change(before)
            if place_of_search(after) != place_of_search(before):
                after = replace(after, attempts=NO_ATTEMPTS)
            return replace(job, orphans=after)

        return await update_job(self._jobs, job_id, changed)

    async def release(self, job_id: str, error: Exception | None = None) -> Job:
        """Release the lease, after an error with its cause."""

        def released(job: Job) -> Job:
            work = job.orphans
            if work is None or work.lease is None or work.lease.token != self.token:
                return job
            attempts = NO_ATTEMPTS
            if error is not None:
                before = work.attempts
                attempts = replace(
                    before,
                    count=max(before.count, 1),
                    unknown_count=before.unknown_count + is_unknown(error),
                    cause=cause_of(error),
                )
            return replace(job, orphans=replace(work, lease=None, attempts=attempts))

        return await update_job(self._jobs, job_id, released)

    def check(self, job: Job) -> OrphanWork:
        """Return the search of `job`, as read.

        Raises:
            LeaseLost: this process no longer holds its lease.
        """
        work = job.orphans
        if work is None or not work.held_by(self.token, self._clock.now()):
            raise LeaseLost(f"the lease on the search of job {job.job_id} has been lost")
        return work

    @property
    def ending(self) -> bool:
        """Whether the process must soon end."""
        return self.deadline.near(self._tuning.stop_margin_s)
