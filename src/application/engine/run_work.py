"""Runs the engine's work on a job that has ended: a comparison, or a search for orphans.

An invocation takes the lease of the work and runs its next steps until it is done, waits, or the
deadline is near; then another one is requested. The sweep finds work that no invocation has.

Two other loops of the engine share its rule of attempts (`attempt_rules`), and no more. A job's
steps (`advance_job`) stop for holds and cancellations, and end in a failed job. A share's steps
(`list_share`) are recorded in an item of its own, with the chunks. An index (`make_index`) is one
step with a rule of its own: an operator may repair what it lacks while the sweep repeats it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic

from application.engine.attempt_rules import have_died, is_last
from application.engine.work_lease import WorkEnds, WorkField, WorkLease, WorkWaits
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.failure_records import cause_of
from domain.engine_work import Attempts
from domain.errors import LeaseLost
from domain.job import Job
from domain.leased_work import Work
from ports.clock import Clock
from ports.ids import Ids
from ports.job_store import JobStore
from ports.telemetry import Telemetry


class WorkKind(ABC, Generic[Work]):
    """What a kind of work fills in.

    Attributes:
        field: Where a job's record has it.
    """

    field: WorkField[Work]

    @abstractmethod
    async def step(self, job: Job, work: Work, lease: WorkLease[Work]) -> Job | None:
        """Run the next step; return the job after it, None at the deadline.

        Raises:
            WorkWaits: nothing can be done now.
            WorkEnds: the step is impossible.
            LeaseLost: another invocation has the lease.
        """

    @abstractmethod
    def ended_by(self, work: Work, end: WorkEnds) -> Work:
        """Return the work after its end without a result."""

    @abstractmethod
    async def after_end(self, job: Job) -> None:
        """Report that the work ended without a result."""

    @abstractmethod
    async def request(self, job_id: str) -> None:
        """Request another invocation for the work."""


class RunWork:
    """Runs the steps of any kind of work."""

    def __init__(
        self, *, jobs: JobStore, clock: Clock, ids: Ids, telemetry: Telemetry, tuning: Tuning
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, kind: WorkKind[Work], job_id: str, deadline: Deadline) -> bool:
        """Run the next steps; returns whether this process had the lease.

        Raises:
            NotFound: there is no such job.
            Exception: Lambda must retry the invocation; nothing is lost. After a bounded number of
                failed attempts at one place the work ends instead.
        """
        facts = {"job_id": job_id, "work": kind.field.name}
        lease = WorkLease(
            kind.field,
            jobs=self._jobs,
            clock=self._clock,
            tuning=self._tuning,
            token=self._ids.new_token(),
            deadline=deadline,
        )
        try:
            job = await lease.acquire(job_id)
        except LeaseLost as lost:
            self._telemetry.event("work_not_open", **facts, cause=str(lost))
            return False
        try:
            finished = await self._run_steps(kind, job, lease)
        except LeaseLost as lost:
            self._telemetry.event("work_lease_lost", **facts, cause=str(lost))
            return True
        await lease.release(job_id)
        if not finished:
            await kind.request(job_id)
        return True

    async def _run_steps(self, kind: WorkKind[Work], job: Job, lease: WorkLease[Work]) -> bool:
        """Run steps until the work waits or has ended; False at the deadline."""
        job_id, name = job.job_id, kind.field.name
        try:
            self._check_attempts(lease.check(job).attempts)
            while (work := lease.check(job)).open:
                if lease.ending:
                    return False
                following = await kind.step(job, work, lease)
                if following is None:
                    return False
                job = following
        except LeaseLost:
            raise
        except WorkWaits as waits:
            self._telemetry.event("work_waits", job_id=job_id, work=name, cause=str(waits))
        except WorkEnds as end:
            await self._end(kind, job_id, lease, end)
        except Exception as error:
            cause = cause_of(error)
            self._telemetry.warning("work_attempt_failed", job_id=job_id, work=name, cause=cause)
            attempts = await lease.attempts_after(job_id, error)
            if not is_last(attempts, error, self._tuning):
                await lease.release(job_id, attempts)
                raise
            await self._end(kind, job_id, lease, WorkEnds(cause))
        return True

    def _check_attempts(self, attempts: Attempts) -> None:
        if have_died(attempts, self._tuning):
            cause = attempts.cause or "the process died, or its time ran out"
            raise WorkEnds(f"{attempts.count - 1} attempts failed, the last one with: {cause}")

    async def _end(
        self, kind: WorkKind[Work], job_id: str, lease: WorkLease[Work], end: WorkEnds
    ) -> None:
        await kind.after_end(await lease.update(job_id, lambda work: kind.ended_by(work, end)))
