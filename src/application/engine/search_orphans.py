"""Searches the records of the catalog whose objects do not exist, when it is asked for.

An invocation takes the search's lease and runs its next steps (`domain.orphan_work`) until it is
done, waits, or the deadline is near; then another one is requested. The sweep finds a search on
which nothing works. A redrive of the job does not stop it.
"""

from __future__ import annotations

from dataclasses import replace

from application.engine.check_orphans import CheckOrphans
from application.engine.compare_records import CompareRecords
from application.engine.orphan_lease import OrphanLease
from application.engine.scan_records import MayNotScan, ScanRecords
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_orphans
from application.jobs.status_publisher import StatusPublisher
from application.own_connector import own_connector
from application.results.failure_records import cause_of
from domain.errors import LeaseLost
from domain.index_work import ready_index, wants_index
from domain.job import Job
from domain.orphan_work import (
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
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.ids import Ids
from ports.job_store import JobStore
from ports.telemetry import Telemetry


class _WaitsError(Exception):
    """The search waits for the job's index; the sweep asks again."""


class _ImpossibleError(Exception):
    """The search is impossible; the text is for the user."""


class SearchOrphans:
    """The use case behind an invocation of the engine for orphans."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        connectors: ConnectorStore,
        scan_records: ScanRecords,
        compare_records: CompareRecords,
        check_orphans: CheckOrphans,
        status_publisher: StatusPublisher,
        invoker: EngineInvoker,
        profile: Profile,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._connectors = connectors
        self._scan_records = scan_records
        self._compare_records = compare_records
        self._check_orphans = check_orphans
        self._status_publisher = status_publisher
        self._invoker = invoker
        self._profile = profile
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job_id: str, deadline: Deadline) -> bool:
        """Run the next steps; returns whether this process had the lease.

        Raises:
            NotFound: there is no such job.
            Exception: Lambda must retry the invocation; nothing is lost. After a bounded number of
                failed attempts at one place the search fails permanently instead.
        """
        lease = OrphanLease(
            jobs=self._jobs,
            clock=self._clock,
            tuning=self._tuning,
            token=self._ids.new_token(),
            deadline=deadline,
        )
        try:
            job = await lease.acquire(job_id)
        except LeaseLost as lost:
            self._telemetry.event("orphans_not_open", job_id=job_id, cause=str(lost))
            return False
        try:
            finished = await self._run_steps(job, lease)
        except LeaseLost as lost:
            self._telemetry.event("orphans_lease_lost", job_id=job_id, cause=str(lost))
            return True
        except _WaitsError as waits:
            self._telemetry.event("orphans_wait", job_id=job_id, cause=str(waits))
            finished = True
        except (_ImpossibleError, MayNotScan) as impossible:
            await self._fail(job_id, lease, str(impossible))
            finished = True
        except Exception as error:
            cause = cause_of(error)
            self._telemetry.warning("orphans_attempt_failed", job_id=job_id, cause=cause)
            if not await lease.is_last_attempt(job_id, error):
                await lease.release(job_id, error)
                raise
            await self._fail(job_id, lease, cause)
            finished = True
        await lease.release(job_id)
        if not finished:
            await request_orphans(self._invoker, job_id, telemetry=self._telemetry)
        return True

    async def _run_steps(self, job: Job, lease: OrphanLease) -> bool:
        """Run the steps until the search waits or has ended; False at the deadline."""
        attempts = lease.check(job).attempts
        if attempts.count > self._tuning.engine_attempt_count_max:
            cause = attempts.cause or "the process died, or its time ran out"
            raise _ImpossibleError(
                f"{attempts.count - 1} attempts failed, the last one with: {cause}"
            )
        await self._check_connector(job)
        while (work := lease.check(job)).open:
            if lease.ending:
                return False
            following = await self._step(job, work, lease)
            if following is None:
                return False
            job = following
        self._telemetry.event("orphans_searched", **_facts(job))
        await self._status_publisher.renew_summary(job.job_id)
        return True

    async def _step(self, job: Job, work: OrphanWork, lease: OrphanLease) -> Job | None:
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
        return await lease.update(job.job_id, lambda work: evolve_orphans(work, event))

    async def _begin(self, job: Job, lease: OrphanLease) -> Job:
        if self._profile.name is CatalogProfile.NONE:
            raise _ImpossibleError(
                "this installation knows no catalog (profile none), so there are no records to"
                " search"
            )
        if not job.terminal or wants_index(job):
            raise _WaitsError("the index of the job's outcomes is not ready")
        index_number = ready_index(job)
        segments = (Segment(),) * self._tuning.snapshot_segments

        def began(work: OrphanWork) -> OrphanWork:
            started = evolve_orphans(work, ScanBegan())
            return replace(started, index_number=index_number, segments=segments)

        return await lease.update(job.job_id, began)

    async def _check_connector(self, job: Job) -> None:
        """Check that the connector, and with it the right to read its bucket, still exists."""
        if await own_connector(self._connectors, job) is None:
            raise _ImpossibleError(
                f"connector {job.request.connector_id} was removed, and with it the right to read"
                " its bucket"
            )

    async def _fail(self, job_id: str, lease: OrphanLease, reason: str) -> None:
        event = SearchGivenUp(reason=reason)
        try:
            job = await lease.update(job_id, lambda work: evolve_orphans(work, event))
        except LeaseLost as lost:
            self._telemetry.event("orphans_lease_lost", job_id=job_id, cause=str(lost))
            return
        self._telemetry.warning("orphans_given_up", **_facts(job))
        await self._status_publisher.renew_summary(job_id)


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
