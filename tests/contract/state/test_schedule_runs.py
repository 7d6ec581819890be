"""The contract of ports.schedule_runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.connector import Bucket, Connector, ConnectorStatus
from domain.schedule import ScheduleMode
from domain.schedule_runs import CompleteRun, Run, RunState, ScheduleRuns
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.job_store import ConnectorChanged, OverlappingJob

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
CONNECTOR = Connector(
    connector_id="con-1",
    bucket=Bucket(name="media"),
    prefixes=(),
    status=ConnectorStatus.ENABLED,
    created_at=NOW,
)
ANOTHER = replace(CONNECTOR, created_at=NOW + timedelta(microseconds=1))
FULL = Run(
    scheduled_at=NOW,
    handled_at=NOW + timedelta(seconds=3),
    state=RunState.STARTED,
    mode=ScheduleMode.INCREMENTAL,
    modified_since=NOW - timedelta(hours=1),
    reason="because",
    job_id="job-1",
    counted=True,
)
SMALL = Run(scheduled_at=NOW, handled_at=NOW, state=RunState.SKIPPED)
RUNS = ScheduleRuns(
    runs=(SMALL, replace(FULL, scheduled_at=NOW + timedelta(hours=1))),
    complete=CompleteRun(began_at=NOW, scope="abc", incremental_count=2),
    with_errors=1,
    failing_scope="def",
)


async def test_every_field_is_read_back_at_its_next_version(state: Any) -> None:
    await state.connectors.create(CONNECTOR)
    for version, runs in enumerate((RUNS, ScheduleRuns(), RUNS)):
        saved = await state.schedule_runs.save(CONNECTOR, replace(runs, version=version))
        assert saved == replace(runs, version=version + 1)
        assert await state.schedule_runs.get(CONNECTOR) == saved


async def test_a_connector_without_runs_has_none(state: Any) -> None:
    assert await state.schedule_runs.get(CONNECTOR) == ScheduleRuns()
    await state.connectors.create(CONNECTOR)
    assert await state.schedule_runs.get(CONNECTOR) == ScheduleRuns()


async def test_the_connector_keeps_its_version_and_an_edit_keeps_the_runs(state: Any) -> None:
    await state.connectors.create(CONNECTOR)
    saved = await state.schedule_runs.save(CONNECTOR, RUNS)
    assert await state.connectors.get("con-1") == CONNECTOR
    edited = await state.connectors.save(replace(CONNECTOR, prefixes=("a/",)))
    assert await state.schedule_runs.get(edited) == saved
    assert (await state.schedule_runs.save(edited, saved)).version == 2


async def test_a_stale_write_changes_nothing(state: Any) -> None:
    await state.connectors.create(CONNECTOR)
    saved = await state.schedule_runs.save(CONNECTOR, RUNS)
    for version in (0, 2):
        with pytest.raises(Conflict):
            await state.schedule_runs.save(CONNECTOR, ScheduleRuns(version=version))
    assert await state.schedule_runs.get(CONNECTOR) == saved


async def test_of_racing_writes_one_wins(state: Any) -> None:
    await state.connectors.create(CONNECTOR)
    results = await asyncio.gather(
        *(state.schedule_runs.save(CONNECTOR, RUNS) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(result, Conflict) for result in results) == 3


async def test_runs_are_of_one_connector_and_removed_with_it(state: Any) -> None:
    with pytest.raises(Conflict):
        await state.schedule_runs.save(CONNECTOR, RUNS)
    await state.connectors.create(CONNECTOR)
    await state.schedule_runs.save(CONNECTOR, RUNS)
    await state.connectors.remove(CONNECTOR)
    assert await state.schedule_runs.get(CONNECTOR) == ScheduleRuns()
    await state.connectors.create(ANOTHER)
    assert await state.schedule_runs.get(ANOTHER) == ScheduleRuns()
    with pytest.raises(Conflict):
        await state.schedule_runs.save(CONNECTOR, RUNS)
    assert await state.schedule_runs.get(CONNECTOR) == ScheduleRuns()


# --- a job and its run, in one write (`JobStore.create`)


@pytest.mark.parametrize("written", [0, 1])
async def test_a_job_is_recorded_with_its_run(state: Any, make_job: Any, written: int) -> None:
    await state.connectors.create(CONNECTOR)
    for version in range(written):
        await state.schedule_runs.save(CONNECTOR, replace(RUNS, version=version))
    runs = replace(RUNS, with_errors=2, version=written)
    created = await state.jobs.create(make_job("job-1"), connector=CONNECTOR, runs=runs)
    assert await state.jobs.get("job-1") == created
    assert await state.schedule_runs.get(CONNECTOR) == replace(runs, version=written + 1)
    # The connector keeps its version.
    assert await state.connectors.get("con-1") == CONNECTOR
    with pytest.raises(Conflict):
        await state.schedule_runs.save(CONNECTOR, runs)


@pytest.mark.parametrize("changed", ["runs", "first runs", "connector", "another", "removed"])
async def test_no_job_is_recorded_with_runs_that_changed(
    state: Any, make_job: Any, changed: str
) -> None:
    await state.connectors.create(CONNECTOR)
    read = ScheduleRuns()
    if changed != "first runs":
        read = await state.schedule_runs.save(CONNECTOR, RUNS)
    if "runs" in changed:
        await state.schedule_runs.save(CONNECTOR, read)
    if changed == "connector":
        await state.connectors.save(replace(CONNECTOR, prefixes=("a/",)))
    if changed in ("another", "removed"):
        await state.connectors.remove(CONNECTOR)
    if changed == "another":
        await state.connectors.create(ANOTHER)
    before = await state.schedule_runs.get(CONNECTOR)
    with pytest.raises(ConnectorChanged):
        await state.jobs.create(
            make_job("job-1"), connector=CONNECTOR, runs=replace(read, with_errors=2)
        )
    assert await state.schedule_runs.get(CONNECTOR) == before
    with pytest.raises(NotFound):
        await state.jobs.get("job-1")
    # Nothing was reserved.
    await state.jobs.create(make_job("job-2"))


async def test_a_job_that_is_not_recorded_leaves_the_runs(state: Any, make_job: Any) -> None:
    await state.connectors.create(CONNECTOR)
    await state.jobs.create(make_job("job-1"))
    for job_id, error in (("job-1", AlreadyExists), ("job-2", OverlappingJob)):
        with pytest.raises(error):
            await state.jobs.create(make_job(job_id), connector=CONNECTOR, runs=RUNS)
    assert await state.schedule_runs.get(CONNECTOR) == ScheduleRuns()


@pytest.mark.parametrize("number", range(4))
async def test_of_a_job_and_another_end_of_its_run_one_is_recorded(
    state: Any, make_job: Any, number: int
) -> None:
    await state.connectors.create(CONNECTOR)
    read = await state.schedule_runs.save(CONNECTOR, RUNS)
    calls = [
        state.jobs.create(make_job("job-1"), connector=CONNECTOR, runs=read),
        state.schedule_runs.save(CONNECTOR, read),
    ]
    results = await asyncio.gather(
        *(calls if number % 2 else reversed(calls)), return_exceptions=True
    )
    [lost] = [result for result in results if isinstance(result, Exception)]
    assert isinstance(lost, Conflict)
    assert (await state.schedule_runs.get(CONNECTOR)).version == read.version + 1
    active = [job async for job in state.jobs.open_jobs()]
    assert bool(active) == (not isinstance(lost, ConnectorChanged))
