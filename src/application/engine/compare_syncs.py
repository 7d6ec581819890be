"""Compares a whole sync that has ended with the one before: what is gone, and what was moved.

An invocation takes the comparison's lease and runs its next steps (`domain.removal_work`) until it
is done, waits for a user, or the deadline is near; then another one is requested. The sweep finds a
comparison on which nothing works.

One comparison of a connector is under way at a time. It has claimed the connector's baseline, which
only the holder of the claim replaces. A claim whose job is no longer being compared is taken over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from application.engine.check_missing import CheckMissing
from application.engine.compare_keys import BaselineGone, CompareKeys
from application.engine.removal_lease import RemovalLease
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_removals
from application.jobs.status_publisher import StatusPublisher
from application.own_connector import own_connector
from application.results.failure_records import cause_of
from application.results.outcome_index import IndexReader
from application.results.removal_files import carried_key
from domain.connector import Connector
from domain.errors import LeaseLost
from domain.job import Job
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
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.errors import Conflict, NotFound
from ports.ids import Ids
from ports.job_store import JobStore
from ports.telemetry import Metric, Telemetry

# Two comparisons of a connector rarely meet. The bound only keeps a bug from looping forever.
_TRY_COUNT_MAX: Final = 5


class _WaitsError(Exception):
    """The comparison waits for another one, or for its index; the sweep asks again."""


class _StoppedError(Exception):
    """The comparison ends, by `event`."""

    def __init__(self, event: RemovalEvent) -> None:
        self.event = event


class CompareSyncs:
    """The use case behind an invocation of the engine for removals."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        connectors: ConnectorStore,
        index_reader: IndexReader,
        compare_keys: CompareKeys,
        check_missing: CheckMissing,
        status_publisher: StatusPublisher,
        invoker: EngineInvoker,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._connectors = connectors
        self._index = index_reader
        self._compare_keys = compare_keys
        self._check_missing = check_missing
        self._status_publisher = status_publisher
        self._invoker = invoker
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job_id: str, deadline: Deadline) -> bool:
        """Run the next steps; returns whether this process had the lease.

        Raises:
            NotFound: there is no such job.
            Exception: Lambda must retry the invocation; nothing is lost. After a bounded number of
                failed attempts at one place the comparison fails permanently instead.
        """
        lease = RemovalLease(
            jobs=self._jobs,
            clock=self._clock,
            tuning=self._tuning,
            token=self._ids.new_token(),
            deadline=deadline,
        )
        try:
            job = await lease.acquire(job_id)
        except LeaseLost as lost:
            self._telemetry.event("removals_not_open", job_id=job_id, cause=str(lost))
            return False
        try:
            finished = await self._run_steps(job, lease)
        except LeaseLost as lost:
            self._telemetry.event("removals_lease_lost", job_id=job_id, cause=str(lost))
            return True
        except _WaitsError as waits:
            self._telemetry.event("removals_wait", job_id=job_id, cause=str(waits))
            finished = True
        except _StoppedError as stopped:
            await self._end(job_id, lease, stopped.event)
            finished = True
        except Exception as error:
            cause = cause_of(error)
            self._telemetry.warning("removals_attempt_failed", job_id=job_id, cause=cause)
            if not await lease.is_last_attempt(job_id, error):
                await lease.release(job_id, error)
                raise
            await self._end(job_id, lease, RemovalsGivenUp(reason=cause))
            finished = True
        await lease.release(job_id)
        if not finished:
            await request_removals(self._invoker, job_id, telemetry=self._telemetry)
        return True

    async def _run_steps(self, job: Job, lease: RemovalLease) -> bool:
        """Run the steps until the comparison waits or has ended; False at the deadline."""
        attempts = lease.check(job).attempts
        if attempts.count > self._tuning.engine_attempt_count_max:
            cause = attempts.cause or "the process died, or its time ran out"
            reason = f"{attempts.count - 1} attempts failed, the last one with: {cause}"
            raise _StoppedError(RemovalsGivenUp(reason=reason))
        while (work := lease.check(job)).open:
            if lease.ending:
                return False
            following = await self._step(job, work, lease)
            if following is None:
                return False
            job = following
        return True

    async def _step(self, job: Job, work: RemovalWork, lease: RemovalLease) -> Job | None:
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
                reason = (
                    f"the objects of sync {baseline.job_id}, with which this one was to be"
                    f" compared, are no longer known ({gone}); the next sync is compared with this"
                )
                raise _StoppedError(RemovalsGivenUp(reason=reason)) from gone
            return None if compared is None else await self._guard(compared, lease)
        checked = await self._check_missing.run(job, _settings(job), lease)
        if checked is None:
            return None
        await self._replace(checked, connector, work.index_number, carried_key(job.job_id))
        done = await self._evolve(checked, lease, RemovalsChecked())
        self._telemetry.event("removals_done", **_facts(done))
        await self._status_publisher.renew_summary(job.job_id)
        return done

    async def _begin(self, job: Job, lease: RemovalLease) -> Job:
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
            raise _WaitsError("the index of the job's outcomes is not ready")
        if index is None or not index.ready:
            cause = "none was wanted" if index is None else index.reason
            reason = f"the job has no index of its outcomes: {cause}"
            raise _StoppedError(RemovalsGivenUp(reason=reason))
        indexed = (await self._index.root(job.job_id, index.number)).object_count
        if indexed != listed:
            reason = f"{listed:,} objects were listed, and {indexed:,} are in the index of them"
            raise _StoppedError(RemovalsGivenUp(reason=reason))
        return index.number

    async def _guard(self, job: Job, lease: RemovalLease) -> Job:
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
            if baseline_job_id is not None and baseline.job_id != baseline_job_id:
                raise _StoppedError(_overtaken(baseline.job_id))
            if baseline.created_at is not None and baseline.created_at > job.times.created_at:
                raise _StoppedError(_overtaken(baseline.job_id))
            if baseline.claimed_by == job.job_id:
                return connector
            if baseline.claimed_by is not None and await self._is_compared(baseline.claimed_by):
                raise _WaitsError(f"job {baseline.claimed_by} is being compared")
            try:
                claimed = replace(baseline, claimed_by=job.job_id)
                await self._connectors.record_baseline(connector, claimed)
            except Conflict:
                continue
        raise _WaitsError(f"others keep changing connector {job.request.connector_id}")

    async def _is_compared(self, job_id: str) -> bool:
        try:
            work = (await self._jobs.get(job_id)).removals
        except NotFound:
            return False
        return work is not None and work.open

    async def _connector_of(self, job: Job) -> Connector:
        connector = await own_connector(self._connectors, job)
        if connector is None:
            raise _StoppedError(_removed(job.request.connector_id))
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
        raise _WaitsError(f"others keep changing connector {job.request.connector_id}")

    async def _unclaim(self, job: Job) -> None:
        """End the job's claim, if it has one. One that stays is taken over by the next job."""
        try:
            connector = await own_connector(self._connectors, job)
            if connector is not None and connector.baseline.claimed_by == job.job_id:
                free = replace(connector.baseline, claimed_by=None)
                await self._connectors.record_baseline(connector, free)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("claim_not_ended", job_id=job.job_id, cause=cause_of(error))

    async def _end(self, job_id: str, lease: RemovalLease, event: RemovalEvent) -> None:
        try:
            job = await lease.update(job_id, lambda work: evolve_removals(work, event))
        except LeaseLost as lost:
            self._telemetry.event("removals_lease_lost", job_id=job_id, cause=str(lost))
            return
        self._telemetry.warning("removals_not_compared", **_facts(job))
        await self._unclaim(job)
        await self._status_publisher.renew_summary(job_id)

    async def _evolve(self, job: Job, lease: RemovalLease, event: RemovalEvent) -> Job:
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


def _overtaken(job_id: str | None) -> RemovalsOvertaken:
    return RemovalsOvertaken(
        reason=f"sync {job_id} was compared in the meantime; its report has what is gone since"
    )


def _removed(connector_id: str) -> RemovalsOvertaken:
    return RemovalsOvertaken(reason=f"connector {connector_id} was removed")
