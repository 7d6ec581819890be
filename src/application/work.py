"""The engine's right to work on one job, held by one invocation at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from application.deadline import Deadline
from application.job_updater import update_job
from domain.errors import WorkLost
from domain.job import Job
from domain.job_control import check_work, take_work
from ports.clock import Clock
from ports.job_store import JobStore


class Work:
    """A held work lease: every write of the job goes through it and fails once it is lost."""

    def __init__(self, *, jobs: JobStore, clock: Clock, token: str, deadline: Deadline) -> None:
        self._jobs = jobs
        self._clock = clock
        self.token = token
        self.deadline = deadline

    async def take(self, job_id: str, *, margin_s: float) -> Job:
        """Take the lease until `margin_s` after the deadline, when this process is surely dead.

        Raises:
            WorkHeld: another invocation has it.
            WorkLost: the job has ended or is ending.
        """
        lease_s = self.deadline.remaining_s() + margin_s
        return await update_job(
            self._jobs,
            job_id,
            lambda job: take_work(job, token=self.token, now=self._clock.now(), lease_s=lease_s),
        )

    async def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Write a change of the job.

        Raises:
            WorkLost: the lease is not ours any more, or the job has ended or is ending.
        """

        def guarded(job: Job) -> Job:
            check_work(job, token=self.token, now=self._clock.now())
            return replace(change(job), updated_at=self._clock.now())

        return await update_job(self._jobs, job_id, guarded)

    async def release(self, job_id: str) -> Job:
        """Give the lease back, so that the next invocation need not wait for its end."""

        def released(job: Job) -> Job:
            ours = job.work is not None and job.work.token == self.token
            return replace(job, work=None) if ours else job

        return await update_job(self._jobs, job_id, released)

    async def job_ends(self, job_id: str) -> bool:
        """Tell whether the job has ended or is ending, and is not merely another engine's."""
        job = await self._jobs.get(job_id)
        return job.terminal or job.ending is not None

    def holds(self, job: Job) -> bool:
        """Tell whether `job`, as read, is still ours to write."""
        try:
            self.check(job)
        except WorkLost:
            return False
        return True

    def check(self, job: Job) -> None:
        """Make sure that `job`, as read, is still ours to write.

        Raises:
            WorkLost: it is not.
        """
        check_work(job, token=self.token, now=self._clock.now())
