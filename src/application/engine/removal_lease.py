"""The lease on a job's comparison with the sync before."""

from __future__ import annotations

from dataclasses import replace

from application.engine.work_lease import WorkLease
from domain.errors import LeaseLost
from domain.job import Job
from domain.removal_work import RemovalWork, lease_removals, place_of_removals


class RemovalLease(WorkLease[RemovalWork]):
    """One invocation of the engine at a time compares a job."""

    def _work_of(self, job: Job) -> RemovalWork | None:
        return job.removals

    def _with_work(self, job: Job, work: RemovalWork) -> Job:
        return replace(job, removals=work)

    def _leased(self, job: Job, lease_s: float) -> RemovalWork:
        if job.removals is None or not job.terminal:
            raise LeaseLost(f"job {job.job_id} is not to be compared")
        return lease_removals(
            job.removals, token=self.token, now=self._clock.now(), lease_s=lease_s
        )

    def _place(self, work: RemovalWork) -> tuple[object, ...]:
        return place_of_removals(work)

    def _name(self) -> str:
        return "comparison"
