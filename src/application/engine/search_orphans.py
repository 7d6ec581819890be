"""Searches the records of the catalog whose objects do not exist, when it is asked for.

`run_work` runs its steps (`domain.orphan_work`). A redrive of the job does not stop it.
"""

from __future__ import annotations

from dataclasses import replace

from application.engine.check_orphans import CheckOrphans
from application.engine.compare_records import CompareRecords
from application.engine.run_work import RunWork, WorkKind
from application.engine.scan_records import ScanRecords
from application.engine.work_lease import WorkEnds, WorkField, WorkLease, WorkWaits
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_orphans
from application.jobs.status_publisher import StatusPublisher
from application.own_connector import own_connector
from domain.index_work import ready_index, wants_index
from domain.job import Job, wants_orphans
from domain.orphan_work import (
    NO_RECORDS,
    OrphanEvent,
    OrphansChecked,
    OrphanStatus,
    OrphanWork,
    RecordsCompared,
    RecordsScanned,
    ScanBegan,
    SearchGivenUp,
    evolve_orphans,
)
from domain.profile import CatalogProfile, Profile
from domain.snapshot import Segment
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.telemetry import Telemetry


class SearchOrphans(WorkKind[OrphanWork]):
    """The use case behind an invocation of the engine for orphans."""

    field = WorkField(
        name="search for orphans",
        wanted=wants_orphans,
        of=lambda job: job.orphans,
        put=lambda job, work: replace(job, orphans=work),
    )

    def __init__(
        self,
        *,
        run_work: RunWork,
        connectors: ConnectorStore,
        scan_records: ScanRecords,
        compare_records: CompareRecords,
        check_orphans: CheckOrphans,
        status_publisher: StatusPublisher,
        invoker: EngineInvoker,
        profile: Profile,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._run_work = run_work
        self._connectors = connectors
        self._scan_records = scan_records
        self._compare_records = compare_records
        self._check_orphans = check_orphans
        self._status_publisher = status_publisher
        self._invoker = invoker
        self._profile = profile
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job_id: str, deadline: Deadline) -> bool:
        """Run the next steps; returns whether this process had the lease.

        Raises:
            NotFound, Exception: as `RunWork.run`.
        """
        return await self._run_work.run(self, job_id, deadline)

    async def step(self, job: Job, work: OrphanWork, lease: WorkLease[OrphanWork]) -> Job | None:
        """Run the next step of the search."""
        await self._check_connector(job)
        event: OrphanEvent
        match work.status:
            case OrphanStatus.WANTED:
                return await self._begin(job, lease)
            case OrphanStatus.SCANNING:
                done, event = await self._scan_records.run(job, lease), RecordsScanned()
            case OrphanStatus.COMPARING:
                done, event = await self._compare_records.run(job, lease), RecordsCompared()
            case _:
                done, event = await self._check_orphans.run(job, lease), OrphansChecked()
        if done is None:
            return None
        job = await lease.update(job.job_id, lambda work: evolve_orphans(work, event))
        if not wants_orphans(job):
            self._telemetry.event("orphans_searched", **_facts(job))
            await self._status_publisher.renew_summary(job.job_id)
        return job

    def ended_by(self, work: OrphanWork, end: WorkEnds) -> OrphanWork:
        """Return the search after its end without a report."""
        return evolve_orphans(work, SearchGivenUp(reason=str(end)))

    async def after_end(self, job: Job) -> None:
        """Log that the search has no report."""
        self._telemetry.warning("orphans_given_up", **_facts(job))
        await self._status_publisher.renew_summary(job.job_id)

    async def request(self, job_id: str) -> None:
        """Request another invocation for the search."""
        await request_orphans(self._invoker, job_id, telemetry=self._telemetry)

    async def _begin(self, job: Job, lease: WorkLease[OrphanWork]) -> Job:
        if self._profile.name is CatalogProfile.NONE:
            raise WorkEnds(NO_RECORDS)
        if not job.terminal or wants_index(job):
            raise WorkWaits("the index of the job's outcomes is not ready")
        index_number = ready_index(job)
        segments = (Segment(),) * self._tuning.snapshot_segments

        def began(work: OrphanWork) -> OrphanWork:
            started = evolve_orphans(work, ScanBegan())
            return replace(started, index_number=index_number, segments=segments)

        return await lease.update(job.job_id, began)

    async def _check_connector(self, job: Job) -> None:
        """Check that the connector, and with it the right to read its bucket, still exists."""
        if await own_connector(self._connectors, job) is None:
            raise WorkEnds(
                f"connector {job.request.connector_id} was removed, and with it the right to read"
                " its bucket"
            )


def _facts(job: Job) -> dict[str, str | int | None]:
    """Return what the log says of a search."""
    work = job.orphans
    assert work is not None  # noqa: S101 - its lease was held
    counts = work.counts
    return {
        "job_id": job.job_id,
        "status": work.status.value,
        "scanned": counts.scanned,
        "in_scope": counts.in_scope,
        "unlisted": counts.unlisted,
        "orphans": counts.orphans,
        "cause": work.reason,
    }
