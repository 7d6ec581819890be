"""The lease on work that the engine does on a job besides its steps, such as a comparison.

One invocation of the engine at a time does it, and records it in the job.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of, is_unknown
from domain.errors import DomainError, LeaseLost
from domain.job import Job
from domain.orphan_work import OrphanWork
from domain.removal_work import NO_ATTEMPTS, RemovalWork
from ports.clock import Clock
from ports.errors import Fatal, NotFound
from ports.job_store import JobStore

Work = TypeVar("Work", RemovalWork, OrphanWork)


class WorkLease(ABC, Generic[Work]):
    """Every write of the work goes through it, and fails once it is lost."""

    def __init__(
        self, *, jobs: JobStore, clock: Clock, tuning: Tuning, token: str, deadline: Deadline
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._tuning = tuning
        self.token = token
        self.deadline = deadline

    @abstractmethod
    def _work_of(self, job: Job) -> Work | None:
        """Return the job's work of this kind, None if there is none."""

    @abstractmethod
    def _with_work(self, job: Job, work: Work) -> Job:
        """Return the job with the work."""

    @abstractmethod
    def _leased(self, job: Job, lease_s: float) -> Work:
        """Return the work with the lease given to this process.

        Raises:
            LeaseLost: there is nothing to do, or another invocation does it.
        """

    @abstractmethod
    def _place(self, work: Work) -> tuple[object, ...]:
        """Return what changes whenever the work makes progress."""

    @abstractmethod
    def _name(self) -> str:
        """Return what the work is called."""

    async def acquire(self, job_id: str) -> Job:
        """Take the lease until after the deadline, when this process has ended.

        Raises:
            LeaseLost: there is nothing to do, or another invocation does it.
            NotFound: there is no such job.
        """
        lease_s = self.deadline.remaining_s() + self._tuning.lease_margin_s
        return await update_job(
            self._jobs, job_id, lambda job: self._with_work(job, self._leased(job, lease_s))
        )

    async def update(self, job_id: str, change: Callable[[Work], Work]) -> Job:
        """Write a change of the work.

        Raises:
            LeaseLost: another invocation has the lease.
        """

        def changed(job: Job) -> Job:
            before = self.check(job)
            after = change(before)
            if self._place(after) != self._place(before):
                after = replace(after, attempts=NO_ATTEMPTS)
            return self._with_work(job, after)

        return await update_job(self._jobs, job_id, changed)

    async def release(self, job_id: str, error: Exception | None = None) -> Job:
        """Release the lease, after an error with its cause."""

        def released(job: Job) -> Job:
            work = self._work_of(job)
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
            return self._with_work(job, replace(work, lease=None, attempts=attempts))

        return await update_job(self._jobs, job_id, released)

    async def is_last_attempt(self, job_id: str, error: Exception) -> bool:
        """Return whether an attempt that ended in this error is the last one."""
        if isinstance(error, DomainError | Fatal | NotFound):
            return True
        work = self._work_of(await self._jobs.get(job_id))
        attempts = work.attempts if work is not None else NO_ATTEMPTS
        return (
            attempts.count >= self._tuning.engine_attempt_count_max
            or attempts.unknown_count + is_unknown(error) >= self._tuning.engine_unknown_count_max
        )

    def check(self, job: Job) -> Work:
        """Return the work of `job`, as read.

        Raises:
            LeaseLost: this process no longer holds its lease.
        """
        work = self._work_of(job)
        if work is None or not work.held_by(self.token, self._clock.now()):
            raise LeaseLost(f"the lease on the {self._name()} of job {job.job_id} has been lost")
        return work

    @property
    def ending(self) -> bool:
        """Whether the process must soon end."""
        return self.deadline.near(self._tuning.stop_margin_s)
