"""The chain of a schedule's runs: what counts as complete, and what the next run covers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.connector import Bucket, Connector, ConnectorStatus, Ingest, Trigger, Verify
from domain.filters import NO_FILTERS, Filters
from domain.job import JobCompleted, JobCompletedWithErrors, JobFailed, evolve, new_job
from domain.schedule import Schedule, ScheduleMode
from domain.schedule_runs import (
    CHANGED,
    CompleteRun,
    Run,
    RunState,
    ScheduleRuns,
    counted,
    next_run_at,
    overlapped,
    plan_run,
    scope_of,
    started,
    timer_of,
)
from domain.sync_request import SyncOptions, SyncRequest

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SCHEDULE = Schedule(expression="rate(6 hours)", set_at=NOW, full_every=3)
REQUEST = SyncRequest(connector_id="c1", bucket=Bucket(name="media"), connector_created_at=NOW)
SCOPE = scope_of(REQUEST)
CONNECTOR = Connector(
    connector_id="c1",
    bucket=Bucket(name="media"),
    prefixes=(),
    status=ConnectorStatus.ENABLED,
    created_at=NOW,
    schedule=SCHEDULE,
)
RUN = Run(scheduled_at=NOW, handled_at=NOW, state=RunState.STARTED, job_id="job-1")
STARTED = ScheduleRuns(runs=(RUN,))


def _job(event: object, *, since: datetime | None = None) -> object:
    options = SyncOptions(modified_since=since)
    job = new_job(job_id="job-1", request=replace(REQUEST, options=options), now=NOW)
    job = replace(job, status=type(job.status).PROCESSING)
    return evolve(job, event, NOW + timedelta(hours=1))  # type: ignore[arg-type]


def test_a_run_is_skipped_for_the_job_of_another_and_never_for_its_own() -> None:
    starting = replace(RUN, state=RunState.STARTING, reason="there is no complete run yet")
    assert started(starting, "job-1") == replace(starting, state=RunState.STARTED)
    assert overlapped(starting, "job-1") == started(starting, "job-1")
    for run in (starting, replace(starting, job_id=None)):
        skipped = overlapped(run, "job-2")
        assert (skipped.state, skipped.job_id) == (RunState.SKIPPED, "job-2")
        assert skipped.reason == "job job-2 was active"
        assert not skipped.open


def test_a_complete_full_run_begins_the_chain_where_its_job_began() -> None:
    found = counted(STARTED, RUN, _job(JobCompleted()))  # type: ignore[arg-type]
    assert found.complete == CompleteRun(began_at=NOW, scope=SCOPE)
    assert found.open_run is None


def test_a_complete_incremental_run_continues_it() -> None:
    before = CompleteRun(began_at=NOW - timedelta(hours=6), scope=SCOPE, incremental_count=1)
    job = _job(JobCompleted(), since=NOW - timedelta(hours=7))
    found = counted(replace(STARTED, complete=before), RUN, job)  # type: ignore[arg-type]
    assert found.complete == CompleteRun(began_at=NOW, scope=SCOPE, incremental_count=2)
    # One without a chain of its settings proves nothing about older objects.
    for other in (None, replace(before, scope="other")):
        found = counted(replace(STARTED, complete=other), RUN, job)  # type: ignore[arg-type]
        assert found.complete == other


@pytest.mark.parametrize("job", [None, _job(JobFailed(reason="x"))])
def test_a_run_without_a_result_leaves_the_chain_as_it_was(job: object) -> None:
    before = CompleteRun(began_at=NOW - timedelta(hours=6), scope=SCOPE)
    found = counted(replace(STARTED, complete=before), RUN, job)  # type: ignore[arg-type]
    assert (found.complete, found.open_run) == (before, None)


def test_the_third_run_with_errors_in_a_row_counts() -> None:
    runs = STARTED
    for expected in (None, None, CompleteRun(began_at=NOW, scope=SCOPE)):
        job = _job(JobCompletedWithErrors(reason="1 of 2 objects failed"))
        runs = counted(runs, RUN, job)  # type: ignore[arg-type]
        assert runs.complete == expected
    assert runs.with_errors == 0


def test_runs_with_errors_count_for_one_state_of_the_connector() -> None:
    job = _job(JobCompletedWithErrors(reason="1 of 2 objects failed"))
    runs = replace(STARTED, with_errors=2, failing_scope="other")
    assert counted(runs, RUN, job).complete is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("complete", "mode", "reason"),
    [
        (None, ScheduleMode.FULL, "there is no complete run yet"),
        (CompleteRun(began_at=NOW, scope="other"), ScheduleMode.FULL, CHANGED),
        (CompleteRun(began_at=NOW, scope=SCOPE), ScheduleMode.INCREMENTAL, None),
        (
            CompleteRun(began_at=NOW, scope=SCOPE, incremental_count=1),
            ScheduleMode.INCREMENTAL,
            None,
        ),
        (
            CompleteRun(began_at=NOW, scope=SCOPE, incremental_count=2),
            ScheduleMode.FULL,
            "every 3. run is full",
        ),
    ],
)
def test_what_the_next_run_covers(
    complete: CompleteRun | None, mode: ScheduleMode, reason: str | None
) -> None:
    plan = plan_run(SCHEDULE, complete, scope=SCOPE, filters=NO_FILTERS)
    assert (plan.mode, plan.reason) == (mode, reason)
    incremental = mode is ScheduleMode.INCREMENTAL
    assert plan.modified_since == (NOW - timedelta(minutes=15) if incremental else None)


def test_an_incremental_run_begins_earlier_by_the_least_age_of_objects() -> None:
    complete = CompleteRun(began_at=NOW, scope=SCOPE)
    plan = plan_run(SCHEDULE, complete, scope=SCOPE, filters=Filters(age_min_s=3_600))
    assert plan.modified_since == NOW - timedelta(minutes=75)


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": Bucket(name="media", expected_owner="111122223333")},
        {"ingest": Ingest(trigger=Trigger.EVENT)},
        {"filters": Filters(include=("a",))},
        {"options": SyncOptions(prefixes=("a/",))},
        {"connector_created_at": NOW + timedelta(seconds=1)},
    ],
)
def test_what_changes_the_scope_of_a_sync(change: dict[str, object]) -> None:
    assert scope_of(replace(REQUEST, **change)) != SCOPE  # type: ignore[arg-type]


def test_what_does_not_change_the_scope_of_a_sync() -> None:
    options = SyncOptions(modified_since=NOW, verify=Verify.TAGS)
    assert scope_of(replace(REQUEST, options=options, fingerprint="x")) == SCOPE


def test_a_timer_is_another_one_if_its_times_or_its_connector_are() -> None:
    others = [
        replace(CONNECTOR, schedule=replace(SCHEDULE, **change))
        for change in (
            {"expression": "rate(5 hours)"},
            {"time_zone": "Europe/Berlin"},
            {"jitter_minutes": 1},
            {"set_at": NOW + timedelta(seconds=1)},
        )
    ]
    others += [
        replace(CONNECTOR, created_at=NOW + timedelta(seconds=1)),
        replace(CONNECTOR, connector_id="c2"),
    ]
    timers = [timer_of(each, now=NOW) for each in (CONNECTOR, *others)]
    assert len({timer.revision for timer in timers if timer}) == len(timers)
    same = replace(CONNECTOR, version=7, schedule=replace(SCHEDULE, mode=ScheduleMode.FULL))
    assert timer_of(same, now=NOW) == timers[0]


@pytest.mark.parametrize(
    "connector",
    [
        replace(CONNECTOR, schedule=None),
        replace(CONNECTOR, schedule=replace(SCHEDULE, enabled=False)),
        replace(CONNECTOR, status=ConnectorStatus.DISABLED),
    ],
)
def test_what_does_not_run_has_no_timer_and_no_next_run(connector: Connector) -> None:
    assert timer_of(connector, now=NOW) is None
    assert next_run_at(connector, now=NOW) is None


def test_the_next_run_of_a_zone_that_is_not_known_here_is_not_shown() -> None:
    assert next_run_at(CONNECTOR, now=NOW) == NOW + timedelta(hours=6)
    other = replace(CONNECTOR, schedule=replace(SCHEDULE, time_zone="Mars/Base"))
    assert next_run_at(other, now=NOW) is None
