"""Planning a search for orphans: what it will cost, without starting it."""

from __future__ import annotations

from domain.errors import NotSearchable
from domain.job import COMPLETED, Job
from domain.orphan_work import NO_RECORDS
from domain.pricing.costing import Costing
from domain.pricing.orphan_plan import OrphanPlan, orphan_plan
from domain.profile import CatalogProfile, Profile
from ports.catalog_scan import CatalogScan
from ports.errors import AccessDenied
from ports.job_store import JobStore


class PlanOrphans:
    """The use case behind `GET /jobs/{id}/orphans/plan`."""

    def __init__(
        self, *, jobs: JobStore, catalog_scan: CatalogScan, costing: Costing, profile: Profile
    ) -> None:
        self._jobs = jobs
        self._scan = catalog_scan
        self._costing = costing
        self._profile = profile

    async def plan(self, job_id: str) -> tuple[Job, OrphanPlan]:
        """Return the job, and what a search after it will cost.

        Raises:
            NotFound: there is no such job.
            NotSearchable: the job has not listed the bucket to its end, or there is no catalog that
                may be scanned.
            Retryable, Misconfigured, CorruptData: the size of the catalog cannot be read.
        """
        job = await self._jobs.get(job_id)
        if job.status not in COMPLETED:
            raise NotSearchable(
                f"job {job_id} is {job.status}, and orphans are searched after a sync that is"
                " COMPLETED or COMPLETED_WITH_ERRORS; a dry run is enough"
            )
        if self._profile.name is CatalogProfile.NONE:
            raise NotSearchable(NO_RECORDS)
        try:
            size = await self._scan.size()
        except AccessDenied as error:
            raise NotSearchable(
                f"the size of the catalog cannot be read: {error}. The engine may not scan it"
                " either, unless it is allowed by a deployment with catalog_snapshots=true"
            ) from error
        return job, orphan_plan(
            job, item_count=size.item_count, size_bytes=size.size_bytes, costing=self._costing
        )
