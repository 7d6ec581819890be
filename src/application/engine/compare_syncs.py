"""Compares a whole sync that has ended with the one before: what is gone, and what was moved.

`run_work` runs its steps (`domain.removal_work`), until it is done or waits for a user.

One comparison of a connector is under way at a time. It has claimed the connector's baseline, which
only the holder of the claim replaces. A claim whose job is no longer being compared is taken over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from application.engine.check_missing import CheckMissing
from application.engine.compare_keys import BaselineGone, CompareKeys
from application.engine.run_work import RunWork, WorkKind
from application.engine.work_lease import WorkEnds, WorkField, WorkLease, WorkWaits
from application.execution.deadline import Deadline
from application.jobs.engine_invocation import request_removals
from application.jobs.status_publisher import StatusPublisher
from application.own_connector import own_connector
from application.results.failure_records import cause_of
from application.results.outcome_index import IndexReader
from application.results.removal_files import carried_key
from domain.connector import Connector
from domain.job import Job, wants_comparison
from domain.outcome_index import IndexStatus
from domain.removal_rules import guard_reason, scope_of
from domain.removal_settings import Baseline, Removals
from domain.removal_work import (
    BaselineSet,
    ComparisonBegan,
    GuardPassed,
    GuardStopped,
    RemovalCounts,
    RemovalEvent,
    RemovalsChecked,
    RemovalsGivenUp,
    RemovalsOvertaken,
    RemovalStatus,
    RemovalWork,
    evolve_removals,
)
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.errors import Conflict, NotFound
from ports.job_store import JobStore
from ports.telemetry import Metric, Telemetry

# Two comparisons of a connector rarely meet. The bound only keeps a bug from looping forever.
_TRY_COUNT_MAX: Final = 5


class _OvertakenError(WorkEnds):
    """A later sync was compared before, or the connector is not the one that it was."""


class CompareSyncs(WorkKind[RemovalWork]):
    """The use case behind an invocation of the engine for removals."""

    field = WorkField(
        name="comparison",
        wanted=wants_comparison,
        of=lambda job: job.removals,
        put=lambda job, work: replace(job, removals=work),
    )

    def __init__(
        self,
        *,
        run_work: RunWork,
        jobs: JobStore,
        connectors: ConnectorStore,
        index_reader: IndexReader,
        compare_keys: CompareKeys,
        check_missing: CheckMissing,
        status_publisher: StatusPublisher,
        invoker: EngineInvoker,
        telemetry: Telemetry,
    ) -> None:
        self._run_work = run_work
        self._jobs = jobs
        self._connectors = connectors
        self._index = index_reader
        self._compare_keys = compare_keys
        self._check_missing = check_missing
        self._status_publisher = status_publisher
        self._invoker = invoker
        self._telemetry = telemetry

    async def run(self, job_id: str, deadline: Deadline) -> bool:
        """Run the next steps; returns whether this process had the lease.

        Raises:
            NotFound, Exception: as `RunWork.run`.
        """
        return await self._run_work.run(self, job_id, deadline)

    def ended_by(self, work: RemovalWork, end: WorkEnds) -> RemovalWork:
        """Return the comparison after its end without a result."""
        event = RemovalsOvertaken if isinstance(end, _OvertakenError) else RemovalsGivenUp
        return evolve_removals(work, event(reason=str(end)))

    async def after_end(self, job: Job) -> None:
        """Report that the comparison has no result, and end its claim."""
        self._telemetry.warning("removals_not_compared", **_facts(job))
        await self._unclaim(job)
        await self._status_publisher.renew_summary(job.job_id)

    async def request(self, job_id: str) -> None:
        """Request another invocation for the comparison."""
        await request_removals(self._invoker, job_id, telemetry=self._telemetry)

    async def step(self, job: Job, work: RemovalWork, lease: WorkLease[RemovalWork]) -> Job | None:
        """Run the next step of the comparison."""
        if work.status is RemovalStatus.WANTED:
            return await self._begin(job, lease)
        connector = await self._claim(job, work.baseline_job_id)
        baseline = connector.baseline
        if baseline.job_id == job.job_id:
            # An earlier attempt died after that.
            return await self._evolve(job, lease, RemovalsChecked())
        if work.status is RemovalStatus.COMPARING:
            try:
                compared = await self._compare_keys.run(job, baseline, lease)
            except BaselineGone as gone:
                await self._replace(job, connector, work.index_number, None)
                raise WorkEnds(
                    f"the objects of sync {baseline.job_id}, with which this one was to be"
                    f" compared, are no longer known ({gone}); the next sync is compared with this"
                ) from gone
            return None if compared is None else await self._guard(compared, lease)
        checked = await self._check_missing.run(job, _settings(job), lease)
        if checked is None:
            return None
        await self._replace(checked, connector, work.index_number, carried_key(job.job_id))
        done = await self._evolve(checked, lease, RemovalsChecked())
        self._telemetry.event("removals_done", **_facts(done))
        await self._status_publisher.renew_summary(job.job_id)
        return done

    async def _begin(self, job: Job, lease: WorkLease[RemovalWork]) -> Job:
        """Claim what the job is compared with; the first job of its scope is only remembered."""
        index_number = await self._index_number(job)
        connector = await self._claim(job, None)
        baseline = connector.baseline
        if baseline.job_id not in (None, job.job_id) and baseline.scope == scope_of(job.request):

            def began(work: RemovalWork) -> RemovalWork:
                started = evolve_removals(work, ComparisonBegan())
                return replace(started, baseline_job_id=baseline.job_id, index_number=index_number)

            return await lease.update(job.job_id, began)
        if baseline.job_id != job.job_id:
            count = job.listing.objects_listed
            await self._replace(job, connector, index_number, None, object_count=count)
        why = "no sync was compared before" if baseline.job_id is None else "the scope has changed"
        reason = f"{why}: the next sync is compared with this one"
        return await self._evolve(job, lease, BaselineSet(reason=reason))

    async def _index_number(self, job: Job) -> int | None:
        """Return the number of the index that has all that the job listed; None for nothing."""
        index, listed = job.index, job.listing.objects_listed
        if index is None and not listed:
            return None
        if index is not None and index.status is IndexStatus.WANTED:
            raise WorkWaits("the index of the job's outcomes is not ready")
        if index is None or not index.ready:
            cause = "none was wanted" if index is None else index.reason
            raise WorkEnds(f"the job has no index of its outcomes: {cause}")
        indexed = (await self._index.root(job.job_id, index.number)).object_count
        if indexed != listed:
            raise WorkEnds(
                f"{listed:,} objects were listed, and {indexed:,} are in the index of them"
            )
        return index.number

    async def _guard(self, job: Job, lease: WorkLease[RemovalWork]) -> Job:
        counts = lease.check(job).counts
        reason = guard_reason(_settings(job), before=counts.seen_before, missing=counts.missing)
        self._telemetry.event("removals_compared", **_facts(job))
        if reason is None:
            return await self._evolve(job, lease, GuardPassed())
        stopped = await self._evolve(job, lease, GuardStopped(reason=reason))
        self._telemetry.warning("removals_stopped", job_id=job.job_id, cause=reason)
        self._telemetry.count(Metric.REMOVALS_STOPPED)
        await self._unclaim(job)
        await self._status_publisher.renew_summary(job.job_id)
        return stopped

    async def _claim(self, job: Job, baseline_job_id: str | None) -> Connector:
        """Return the connector with the job's claim on its baseline.

        Or with the job as its baseline, which needs no claim. The baseline must be of
        `baseline_job_id`; without one, it must not be of a later job.

        Raises:
            NotFound, Retryable, Fatal: as the stores.
        """
        for _ in range(_TRY_COUNT_MAX):
            connector = await self._connector_of(job)
            baseline = connector.baseline
            if baseline.job_id == job.job_id:
                return connector
            later = baseline.created_at is not None and baseline.created_at > job.times.created_at
            if later or baseline_job_id not in (None, baseline.job_id):
                raise _OvertakenError(
                    f"sync {baseline.job_id} was compared in the meantime; its report has what is"
                    " gone since"
                )
            if baseline.claimed_by == job.job_id:
                return connector
            if baseline.claimed_by is not None and await self._is_compared(baseline.claimed_by):
                raise WorkWaits(f"job {baseline.claimed_by} is being compared")
            try:
                claimed = replace(baseline, claimed_by=job.job_id)
                await self._connectors.record_baseline(connector, claimed)
            except Conflict:
                continue
        raise WorkWaits(f"others keep changing connector {job.request.connector_id}")

    async def _is_compared(self, job_id: str) -> bool:
        try:
            work = (await self._jobs.get(job_id)).removals
        except NotFound:
            return False
        return work is not None and work.open

    async def _connector_of(self, job: Job) -> Connector:
        connector = await own_connector(self._connectors, job)
        if connector is None:
            raise _OvertakenError(f"connector {job.request.connector_id} was removed")
        return connector

    async def _replace(
        self,
        job: Job,
        connector: Connector,
        index_number: int | None,
        carried: str | None,
        *,
        object_count: int | None = None,
    ) -> None:
        """Make the job the baseline, in place of the one that it has claimed."""
        if object_count is None:
            counts = job.removals.counts if job.removals else RemovalCounts()
            object_count = counts.seen_now + counts.returned
        baseline = Baseline(
            job_id=job.job_id,
            created_at=job.times.created_at,
            index_number=index_number,
            scope=scope_of(job.request),
            object_count=object_count,
            carried_key=carried,
        )
        for _ in range(_TRY_COUNT_MAX):
            try:
                await self._connectors.record_baseline(connector, baseline)
            except Conflict:
                # The response of an earlier request may have been lost.
                connector = await self._claim(job, connector.baseline.job_id)
                if connector.baseline.job_id == job.job_id:
                    return
            else:
                return
        raise WorkWaits(f"others keep changing connector {job.request.connector_id}")

    async def _unclaim(self, job: Job) -> None:
        """End the job's claim, if it has one. One that stays is taken over by the next job."""
        try:
            connector = await own_connector(self._connectors, job)
            if connector is not None and connector.baseline.claimed_by == job.job_id:
                free = replace(connector.baseline, claimed_by=None)
                await self._connectors.record_baseline(connector, free)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("claim_not_ended", job_id=job.job_id, cause=cause_of(error))

    async def _evolve(self, job: Job, lease: WorkLease[RemovalWork], event: RemovalEvent) -> Job:
        return await lease.update(job.job_id, lambda work: evolve_removals(work, event))


def _facts(job: Job) -> dict[str, str | int | None]:
    """Return what the log says of a comparison."""
    work = job.removals or RemovalWork()
    counts = work.counts
    return {
        "job_id": job.job_id,
        "status": work.status.value,
        "seen_before": counts.seen_before,
        "seen_now": counts.seen_now,
        "missing": counts.missing,
        "removed": counts.removed,
        "moved": counts.moved,
        "announced": counts.announced,
        "cause": work.reason,
    }


def _settings(job: Job) -> Removals:
    """Return what the job's connector wanted when the job started."""
    assert job.request.removals is not None  # noqa: S101 - only such jobs are compared
    return job.request.removals
