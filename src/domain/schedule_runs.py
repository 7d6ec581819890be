"""The runs of a connector's schedule: which there were, and what the next one covers.

A run is `STARTING` from the moment at which it is decided until its job is recorded, so that a
process that dies between the two leaves what the next one completes. Several processes may complete
it, and the world changes between them: one finds the run's prefixes taken, or its sync too dear,
and another does not. So a run becomes `STARTED` in the write of its job, and its end of any kind is
written over the version of the runs at which it was `STARTING`. Incremental runs are a chain:
each covers the objects that were modified since the last complete run began.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.connector import Connector, ConnectorStatus
from domain.filters import Filters
from domain.job import COMPLETED, Job, JobStatus
from domain.manifest import format_timestamp
from domain.schedule import Schedule, ScheduleMode
from domain.schedule_times import Rate, next_run, parse_expression, zone_of
from domain.sync_request import SyncRequest

RUN_COUNT_MAX: Final = 20
"""Runs that are kept of a schedule."""

CLOCK_MARGIN: Final = timedelta(minutes=15)
"""How much earlier than the last complete run an incremental one begins.

It covers differences between the clocks of this service and of S3. That S3 dates a multipart upload
at its start is covered by each job's own margin (`domain.selection`).
"""

WITH_ERRORS_MAX: Final = 3
"""Runs in a row that end with errors; the last of them counts as complete."""

CHANGED: Final = "the connector was changed since the last complete run"
"""Why a run is full."""

_REVISION_CHARS: Final = 16
_NAME_ID_CHARS: Final = 30
_NAME_HASH_CHARS: Final = 12
_NAME: Final = re.compile(
    rf"(?P<id>.{{1,{_NAME_ID_CHARS}}})\.[0-9a-f]{{{_NAME_HASH_CHARS}}}\.[0-9a-f]{{{_REVISION_CHARS}}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """What must run for a connector whose syncs start on their own.

    `revision` is a text that no other times of this connector have, nor those of another connector
    with its id. `starts_at` is the first run of a rate, None for a cron expression.
    """

    connector_id: str
    revision: str
    expression: str
    time_zone: str
    jitter_minutes: int
    starts_at: datetime | None = None

    @property
    def name(self) -> str:
        """A name that no other timer has: letters, digits, `.`, `-`, `_`, 60 of them at most."""
        return name_prefix(self.connector_id) + self.revision


def name_prefix(connector_id: str) -> str:
    """Return what the names of a connector's timers begin with, and no others do.

    It is the id, or its beginning, and a hash of it: EventBridge Scheduler allows 64 characters
    (API Reference, "CreateSchedule"; read in 2026-11).
    """
    return f"{connector_id[:_NAME_ID_CHARS]}.{_digest(connector_id)[:_NAME_HASH_CHARS]}."


def id_part(name: str) -> str | None:
    """Return the id in a timer's name, or its beginning; None if it is no timer's name."""
    match = _NAME.fullmatch(name)
    return match["id"] if match else None


def timer_of(connector: Connector, *, now: datetime) -> Timer | None:
    """Return the timer that a connector must have, None if its syncs do not start on their own."""
    schedule = connector.schedule
    if schedule is None or not schedule.enabled:
        return None
    if connector.status is not ConnectorStatus.ENABLED:
        return None
    return timer_for(connector.connector_id, connector.created_at, schedule, now=now)


def timer_for(
    connector_id: str, created_at: datetime, schedule: Schedule, *, now: datetime
) -> Timer:
    """Return the timer of a schedule that runs, of the connector that was created at this time."""
    expression = parse_expression(schedule.expression)
    created, set_at = map(format_timestamp, (created_at, schedule.set_at))
    parts = (connector_id, created, set_at, *map(str, schedule.times))
    return Timer(
        connector_id=connector_id,
        revision=_digest("\0".join(parts))[:_REVISION_CHARS],
        expression=schedule.expression,
        time_zone=schedule.time_zone,
        jitter_minutes=schedule.jitter_minutes,
        starts_at=(
            expression.next_after(now, schedule.set_at) if isinstance(expression, Rate) else None
        ),
    )


class RunState(StrEnum):
    """What happened at a scheduled time."""

    STARTING = "STARTING"
    STARTED = "STARTED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One scheduled time.

    Attributes:
        scheduled_at: The time.
        handled_at: When its event was first handled.
        mode: What it covers.
        modified_since: Where an incremental run begins.
        reason: Why it is full, was skipped or failed.
        job_id: Its job; of a skipped run, the job that was active.
        counted: Whether the end of its job is part of the chain.
    """

    scheduled_at: datetime
    handled_at: datetime
    state: RunState
    mode: ScheduleMode = ScheduleMode.FULL
    modified_since: datetime | None = None
    reason: str | None = None
    job_id: str | None = None
    counted: bool = False

    @property
    def open(self) -> bool:
        """Whether its job may be active, or still be recorded."""
        return self.state is RunState.STARTING or (
            self.state is RunState.STARTED and not self.counted
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRun:
    """The last complete run.

    Attributes:
        began_at: When its job began.
        scope: The settings that its job had (`scope_of`).
        incremental_count: How many incremental runs there were since the last full one.
    """

    began_at: datetime
    scope: str
    incremental_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRuns:
    """The last runs of a schedule, the oldest first, and the state of its chain.

    `with_errors` is how many runs in a row ended with errors, with the settings `failing_scope`.
    """

    runs: tuple[Run, ...] = ()
    complete: CompleteRun | None = None
    with_errors: int = 0
    failing_scope: str | None = None
    version: int = 0

    def at(self, scheduled_at: datetime) -> Run | None:
        """Return the run of that time, if it is still kept."""
        return next((run for run in self.runs if run.scheduled_at == scheduled_at), None)

    @property
    def last_at(self) -> datetime | None:
        """The latest time that was handled."""
        return max((run.scheduled_at for run in self.runs), default=None)

    @property
    def open_run(self) -> Run | None:
        """The run whose job may be active, of which there is one at most."""
        return next((run for run in self.runs if run.open), None)

    def with_run(self, run: Run) -> ScheduleRuns:
        """Return the runs with this one, in place of another one of its time."""
        others = [each for each in self.runs if each.scheduled_at != run.scheduled_at]
        runs = sorted([*others, run], key=lambda each: each.scheduled_at)
        while len(runs) > RUN_COUNT_MAX:
            runs.remove(next(each for each in runs if not each.open))
        return replace(self, runs=tuple(runs))


def started(run: Run, job_id: str) -> Run:
    """Return the run with its job."""
    return replace(run, state=RunState.STARTED, job_id=job_id)


def overlapped(run: Run, job_id: str) -> Run:
    """Return a run whose prefixes an active job has: it is skipped, unless the job is its own."""
    if job_id == run.job_id:
        return started(run, job_id)
    return replace(run, state=RunState.SKIPPED, job_id=job_id, reason=f"job {job_id} was active")


def counted(runs: ScheduleRuns, run: Run, job: Job | None) -> ScheduleRuns:
    """Return the runs with the end of this run's job in the chain; None: its record is gone.

    The job's own request decides what it covered, and not the run.
    """
    ended = runs.with_run(replace(run, counted=True))
    if job is None or job.status not in COMPLETED:
        return ended
    scope, before = scope_of(job.request), runs.complete
    if job.status is JobStatus.COMPLETED_WITH_ERRORS:
        with_errors = 1 + (runs.with_errors if runs.failing_scope == scope else 0)
        if with_errors < WITH_ERRORS_MAX:
            return replace(ended, with_errors=with_errors, failing_scope=scope)
    count = 0
    if job.request.options.modified_since is not None:
        if before is None or before.scope != scope:
            # It continued a chain that has ended in the meantime.
            return ended
        count = before.incremental_count + 1
    complete = CompleteRun(began_at=job.times.created_at, scope=scope, incremental_count=count)
    return replace(ended, complete=complete, with_errors=0, failing_scope=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What a run covers, and for a full run of an incremental schedule, why."""

    mode: ScheduleMode
    modified_since: datetime | None = None
    reason: str | None = None


def plan_run(
    schedule: Schedule, complete: CompleteRun | None, *, scope: str | None, filters: Filters
) -> RunPlan:
    """Return what the next run covers; `scope` is that of a full sync of the connector now."""
    if schedule.mode is ScheduleMode.FULL:
        return RunPlan(mode=ScheduleMode.FULL)
    reason = None
    if complete is None:
        reason = "there is no complete run yet"
    elif complete.scope != scope:
        reason = CHANGED
    elif complete.incremental_count + 1 >= schedule.full_every:
        reason = f"every {schedule.full_every}. run is full"
    if complete is None or reason is not None:
        return RunPlan(mode=ScheduleMode.FULL, reason=reason)
    # An object that was too young for the last run is selected by this one.
    age_min = timedelta(seconds=filters.age_min_s or 0)
    since = complete.began_at - CLOCK_MARGIN - age_min
    return RunPlan(mode=ScheduleMode.INCREMENTAL, modified_since=since)


def scope_of(request: SyncRequest) -> str:
    """Return a text that is another one if a sync would see or do other things.

    How known objects are recognised is not part of it: full runs read tags in any case.
    """
    return _digest(
        repr(
            (
                request.connector_created_at,
                request.bucket,
                request.options.prefixes,
                request.ingest,
                request.filters,
            )
        )
    )


def next_run_at(connector: Connector, *, now: datetime) -> datetime | None:
    """Return when the connector's next sync starts on its own, None if none does.

    None also if its time zone is not known here, which another version of the service knew.
    """
    schedule, timer = connector.schedule, timer_of(connector, now=now)
    if schedule is None or timer is None or zone_of(schedule.time_zone) is None:
        return None
    return next_run(schedule, now)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
