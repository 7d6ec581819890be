"""Starting the sync of a scheduled time.

Its event may arrive twice, late, out of order, or for a schedule that is no longer wanted. What a
run does is decided once and recorded before its job is, under the version of the runs; the job's id
is a function of the connector and the time. So each time has one job at most, whatever process
records it, and a process that dies between the two leaves a run that the next event completes. The
job is recorded in one write with the run that started, under the version of the runs as well: of
two processes, one of which finds that the run cannot start, one wins.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from application.jobs.plan_sync import AboveMaxCost, BucketNotReadable
from application.jobs.start_planned_sync import StartPlannedSync
from application.jobs.start_sync import IdempotencyKeyReused
from application.jobs.sync_request import sync_request
from application.keep_timers import KeepTimers
from domain.connector import Connector, Verify
from domain.discovery import Discovery
from domain.errors import ConnectorDisabled, InvalidRequest
from domain.identity import job_id_for
from domain.job import Job
from domain.manifest import format_timestamp
from domain.schedule import Schedule, ScheduleMode
from domain.schedule_runs import (
    CHANGED,
    Run,
    RunState,
    ScheduleRuns,
    counted,
    overlapped,
    plan_run,
    scope_of,
    started,
    timer_of,
)
from domain.sync_request import SyncOptions
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.errors import Conflict, NotFound
from ports.job_store import JobStore, OverlappingJob, TooManyPrefixes
from ports.schedule_runs import ScheduleRunStore
from ports.telemetry import Metric, Telemetry

# A schedule has few writers: its own events. The bound only keeps a bug from looping forever.
_MAX_TRIES: Final = 10
_REASON_CHARS_MAX: Final = 500


class _NotWanted(Exception):
    """The schedule was changed, disabled or removed since its event was sent."""


class _Changed(Exception):
    """The connector was changed since it was decided what the run does."""


class StartScheduledSync:
    """The use case of a schedule's event."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        jobs: JobStore,
        runs: ScheduleRunStore,
        start_sync: StartPlannedSync,
        timers: KeepTimers,
        clock: Clock,
        telemetry: Telemetry,
        default_discovery: Discovery,
    ) -> None:
        self._connectors = connectors
        self._jobs = jobs
        self._runs = runs
        self._start_sync = start_sync
        self._timers = timers
        self._clock = clock
        self._telemetry = telemetry
        self._default_discovery = default_discovery

    async def start(self, connector_id: str, revision: str, scheduled_at: datetime) -> Run | None:
        """Start the sync of a time, or record why there is none.

        Returns the run; None if the event is not of the connector's schedule as it is, or older
        than one that was handled. A timer that is not wanted is removed.

        Raises:
            Conflict: other processes kept writing.
            Retryable, Fatal: a port failed; the same event may be handled again.
        """
        for _ in range(_MAX_TRIES):
            try:
                connector, schedule = await self._wanted(connector_id, revision)
                runs = await self._runs.get(connector)
                run = runs.at(scheduled_at)
                if run is not None and run.state is not RunState.STARTING:
                    return run
                if run is None:
                    earlier = runs.open_run
                    if runs.last_at is not None and scheduled_at < runs.last_at:
                        self._telemetry.event(
                            "scheduled_run_late",
                            connector_id=connector_id,
                            scheduled_at=format_timestamp(scheduled_at),
                        )
                        return None
                    if earlier is not None and earlier.state is RunState.STARTING:
                        await self._complete(connector, revision, runs, earlier)
                        continue
                    runs, run = await self._decide(connector, schedule, runs, scheduled_at)
                    runs = await self._runs.save(connector, runs)
                    if run.state is not RunState.STARTING:
                        return self._reported(connector, run)
                return await self._complete(connector, revision, runs, run)
            except _NotWanted:
                await self._timers.apply(connector_id)
                self._telemetry.event("outdated_schedule", connector_id=connector_id)
                return None
            except _Changed:
                continue
            except Conflict:
                continue
        raise Conflict(
            f"the runs of connector {connector_id} were changed by other processes {_MAX_TRIES}"
            " times in a row",
            resource=connector_id,
        )

    async def _wanted(self, connector_id: str, revision: str) -> tuple[Connector, Schedule]:
        try:
            connector = await self._connectors.get(connector_id)
        except NotFound as error:
            raise _NotWanted from error
        return connector, self._check(connector, revision)

    def _check(self, connector: Connector, revision: str) -> Schedule:
        timer = timer_of(connector, now=self._clock.now())
        if connector.schedule is None or timer is None or timer.revision != revision:
            raise _NotWanted
        return connector.schedule

    async def _decide(
        self,
        connector: Connector,
        schedule: Schedule,
        runs: ScheduleRuns,
        scheduled_at: datetime,
    ) -> tuple[ScheduleRuns, Run]:
        """Return the runs with the one of this time, which starts or is skipped."""
        run = Run(scheduled_at=scheduled_at, handled_at=self._clock.now(), state=RunState.STARTING)
        earlier = runs.open_run
        if earlier is not None:
            job = await self._job_of(earlier)
            if job is not None and not job.terminal:
                run = overlapped(run, job.job_id)
                return runs.with_run(run), run
            runs = counted(runs, earlier, job)
        plan = plan_run(schedule, runs.complete, scope=_scope(connector), filters=connector.filters)
        run = replace(
            run,
            mode=plan.mode,
            modified_since=plan.modified_since,
            reason=plan.reason,
            job_id=job_id_for(connector.connector_id, _key(connector, run)),
        )
        return runs.with_run(run), run

    async def _job_of(self, run: Run) -> Job | None:
        if run.job_id is None:
            return None
        try:
            return await self._jobs.get(run.job_id)
        except NotFound:
            return None

    async def _complete(
        self, connector: Connector, revision: str, runs: ScheduleRuns, run: Run
    ) -> Run:
        """Record the job of a run that was decided, and with it that the run started.

        Otherwise record why it did not, or that another process started it.

        Raises:
            Conflict: the runs are no longer as given, or the connector was changed.
        """
        schedule = self._check(connector, revision)
        options = SyncOptions(
            discovery=schedule.discovery or self._default_discovery,
            modified_since=run.modified_since,
            # A full run looks at every object itself (ADR 34).
            verify=Verify.TAGS if run.mode is ScheduleMode.FULL else None,
        )
        incremental = run.mode is ScheduleMode.INCREMENTAL
        scope = _scope(connector)
        if incremental and (runs.complete is None or runs.complete.scope != scope):
            run = replace(run, mode=ScheduleMode.FULL, modified_since=None, reason=CHANGED)
            runs = await self._runs.save(connector, runs.with_run(run))
            return await self._complete(connector, revision, runs, run)

        def check(current: Connector) -> None:
            # The options are those that the schedule has when the job is recorded.
            if self._check(current, revision) != schedule:
                raise _Changed
            if incremental and _scope(current) != scope:
                raise _Changed

        key = _key(connector, run)
        with_job = started(run, job_id_for(connector.connector_id, key))
        try:
            found = await self._start_sync.start(
                connector.connector_id,
                options,
                idempotency_key=key,
                max_cost=schedule.max_cost,
                check=check,
                runs=runs.with_run(with_job),
            )
            if found.created:
                return self._reported(connector, with_job)
            # By another process just now, which makes the save below a conflict; or by an earlier
            # version of the service, which recorded the job first.
            run = with_job
        except IdempotencyKeyReused as error:
            # The same, with what was decided before the connector changed.
            run = started(run, error.job_id)
        except OverlappingJob as error:
            run = overlapped(run, error.job_id)
        except (InvalidRequest, TooManyPrefixes, AboveMaxCost, BucketNotReadable) as error:
            run = replace(
                run, state=RunState.FAILED, job_id=None, reason=str(error)[:_REASON_CHARS_MAX]
            )
        except (ConnectorDisabled, NotFound) as error:
            raise _NotWanted from error
        await self._runs.save(connector, runs.with_run(run))
        return self._reported(connector, run)

    def _reported(self, connector: Connector, run: Run) -> Run:
        facts: dict[str, str | None] = {
            "connector_id": connector.connector_id,
            "scheduled_at": format_timestamp(run.scheduled_at),
            "job_id": run.job_id,
            "cause": run.reason,
        }
        match run.state:
            case RunState.STARTED:
                self._telemetry.event("scheduled_run_started", mode=run.mode.value, **facts)
                self._telemetry.count(Metric.SCHEDULED_RUNS_STARTED)
            case RunState.SKIPPED:
                self._telemetry.event("scheduled_run_skipped", **facts)
                self._telemetry.count(Metric.SCHEDULED_RUNS_SKIPPED)
            case _:
                self._telemetry.warning("scheduled_run_failed", **facts)
                self._telemetry.count(Metric.SCHEDULED_RUNS_FAILED)
        return run


def _scope(connector: Connector) -> str | None:
    """Return the scope of a full sync of the connector; None if it cannot be synced at all."""
    try:
        return scope_of(sync_request(connector, SyncOptions()))
    except InvalidRequest:
        # The start of the run reports it.
        return None


def _key(connector: Connector, run: Run) -> str:
    """Return the idempotency key of a run. A caller's own key has no spaces."""
    created, scheduled = map(format_timestamp, (connector.created_at, run.scheduled_at))
    return f"schedule {created} {scheduled}"
