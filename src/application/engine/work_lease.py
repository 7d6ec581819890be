"""The lease on work that the engine does on a job besides its steps, such as a comparison.

One invocation of the engine at a time does it, and records it in the job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of, is_unknown
from domain.engine_work import NO_ATTEMPTS, Attempts
from domain.errors import LeaseLost
from domain.job import Job
from domain.leased_work import Work, lease_work
from ports.clock import Clock
from ports.job_store import JobStore


class WorkWaits(Exception):
    """The work waits for something; the sweep asks again."""


class WorkEnds(Exception):
    """The work ends without a result; the text is for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkField(Generic[Work]):
    """Where a job's record has work of one kind.

    Attributes:
        name: What the work is called.
        wanted: Whether an invocation may begin to work on it.
        of: The work, None if the job has none.
        put: The job with the work.
    """

    name: str
    wanted: Callable[[Job], bool]
    of: Callable[[Job], Work | None]
    put: Callable[[Job, Work], Job]


class WorkLease(Generic[Work]):
    """Every write of the work goes through it, and fails once it is lost."""

    def __init__(
        self,
        field: WorkField[Work],
        *,
        jobs: JobStore,
        clock: Clock,
        tuning: Tuning,
        token: str,
        deadline: Deadline,
    ) -> None:
        self._field = field
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
            work = self._field.of(job)
            if work is None or not self._field.wanted(job):
                raise LeaseLost(f"no {self._field.name} of job {job_id} is left to do")
            return self._field.put(
                job, lease_work(work, token=self.token, now=self._clock.now(), lease_s=lease_s)
            )

        return await update_job(self._jobs, job_id, leased)

    async def update(self, job_id: str, change: Callable[[Work], Work]) -> Job:
        """Write a change of the work.

        Raises:
            LeaseLost: another invocation has the lease.
        """

        def changed(job: Job) -> Job:
            before = self.check(job)
            after = change(before)
            if after.place != before.place:
                after = replace(after, attempts=NO_ATTEMPTS)
            return self._field.put(job, after)

        return await update_job(self._jobs, job_id, changed)

    async def release(self, job_id: str, attempts: Attempts = NO_ATTEMPTS) -> Job:
        """Release the lease, after an error with the attempts that failed."""

        def released(job: Job) -> Job:
            work = self._field.of(job)
            if work is None or work.lease is None or work.lease.token != self.token:
                return job
            return self._field.put(job, replace(work, lease=None, attempts=attempts))

        return await update_job(self._jobs, job_id, released)

    async def attempts_after(self, job_id: str, error: Exception) -> Attempts:
        """Return the attempts at the work after `error` ended the last one."""
        work = self._field.of(await self._jobs.get(job_id))
        attempts = work.attempts if work is not None else NO_ATTEMPTS
        return attempts.failed(cause_of(error), unknown=is_unknown(error))

    def check(self, job: Job) -> Work:
        """Return the work of `job`, as read.

        Raises:
            LeaseLost: this process no longer holds its lease.
        """
        work = self._field.of(job)
        if work is None or not work.held_by(self.token, self._clock.now()):
            raise LeaseLost(
                f"the lease on the {self._field.name} of job {job.job_id} has been lost"
            )
        return work

    @property
    def ending(self) -> bool:
        """Whether the process must soon end."""
        return self.deadline.near(self._tuning.stop_margin_s)
