"""The lease on a job's search for orphans."""

from __future__ import annotations

from dataclasses import replace

from application.engine.work_lease import WorkLease
from domain.errors import LeaseLost
from domain.job import Job
from domain.orphan_work import OrphanWork, lease_orphans, place_of_search


class OrphanLease(WorkLease[OrphanWork]):
    """One invocation of the engine at a time searches the orphans of a job."""

    def _work_of(self, job: Job) -> OrphanWork | None:
        return job.orphans

    def _with_work(self, job: Job, work: OrphanWork) -> Job:
        return replace(job, orphans=work)

    def _leased(self, job: Job, lease_s: float) -> OrphanWork:
        if job.orphans is None:
            raise LeaseLost(f"no orphans of job {job.job_id} are searched")
        return lease_orphans(job.orphans, token=self.token, now=self._clock.now(), lease_s=lease_s)

    def _place(self, work: OrphanWork) -> tuple[object, ...]:
        return place_of_search(work)

    def _name(self) -> str:
        return "search"
