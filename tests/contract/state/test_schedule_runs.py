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
from ports.errors import Conflict

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
