"""What connectors and jobs promise each other: a removed or edited connector starts no job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.aws.resources import CONNECTORS_TABLE
from domain.connector import Bucket, Connector, ConnectorStatus
from domain.job import (
    Job,
    JobCancelled,
    JobCompletedWithErrors,
    JobRedriven,
    ManifestWritten,
    evolve,
)
from ports.connector_store import ConnectorInUse
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.job_store import ConnectorChanged

MakeJob = Callable[..., Job]
NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
CONNECTOR = Connector(
    connector_id="con-1",
    bucket=Bucket(name="media"),
    prefixes=(),
    status=ConnectorStatus.ENABLED,
    created_at=NOW,
)


def ended(job: Job) -> Job:
    return evolve(job, JobCancelled(reason="enough"), NOW)


async def with_failures(state: Any, job: Job) -> Job:
    """Return a job as stored after it has ended with errors."""
    job = await state.jobs.create(job)
    job = await state.jobs.save(evolve(job, ManifestWritten(manifest=None), NOW))
    done: Job = await state.jobs.save(evolve(job, JobCompletedWithErrors(reason="1 failed"), NOW))
    return done


async def test_a_job_starts_with_its_connector_as_it_is(state: Any, make_job: MakeJob) -> None:
    await state.connectors.create(CONNECTOR)
    created = await state.jobs.create(make_job("job-1"), connector=CONNECTOR)
    assert await state.jobs.get("job-1") == created
    assert await state.connectors.get("con-1") == CONNECTOR


@pytest.mark.parametrize("changed", ["edited", "removed", "another", "not at this version"])
async def test_no_job_starts_of_a_connector_that_changed(
    state: Any, make_job: MakeJob, changed: str
) -> None:
    await state.connectors.create(CONNECTOR)
    read = CONNECTOR
    if changed == "edited":
        await state.connectors.save(replace(CONNECTOR, prefixes=("a/",)))
    if changed in ("removed", "another"):
        await state.connectors.remove(CONNECTOR)
    if changed == "another":
        await state.connectors.create(replace(CONNECTOR, created_at=NOW + timedelta(seconds=1)))
    if changed == "not at this version":
        read = replace(CONNECTOR, version=2)
    with pytest.raises(ConnectorChanged):
        await state.jobs.create(make_job("job-1"), connector=read)
    with pytest.raises(NotFound):
        await state.jobs.get("job-1")
    # Nothing was reserved.
    await state.jobs.create(make_job("job-2"))


async def test_a_job_that_exists_exists_also_if_its_connector_changed(
    state: Any, make_job: MakeJob
) -> None:
    await state.connectors.create(CONNECTOR)
    job = make_job("job-1")
    created = await state.jobs.create(job, connector=CONNECTOR)
    await state.connectors.save(replace(CONNECTOR, prefixes=("a/",)))
    with pytest.raises(AlreadyExists):
        await state.jobs.create(job, connector=CONNECTOR)
    assert await state.jobs.get("job-1") == created


async def test_a_job_is_reopened_with_its_connector_as_it_is(state: Any, make_job: MakeJob) -> None:
    await state.connectors.create(CONNECTOR)
    job = evolve(await with_failures(state, make_job("job-1")), JobRedriven(), NOW)
    edited = await state.connectors.save(replace(CONNECTOR, prefixes=("a/",)))
    with pytest.raises(ConnectorChanged):
        await state.jobs.reopen(job, connector=CONNECTOR)
    assert (await state.jobs.get("job-1")).terminal
    assert not (await state.jobs.reopen(job, connector=edited)).terminal
    with pytest.raises(ConnectorInUse):
        await state.connectors.remove(edited)


async def test_a_connector_with_an_active_job_stays(state: Any, make_job: MakeJob) -> None:
    await state.connectors.create(CONNECTOR)
    await state.connectors.create(replace(CONNECTOR, connector_id="con-2"))
    job = await state.jobs.create(make_job("job-1", "a/"))
    await state.jobs.create(make_job("job-2", "b/", connector_id="con-2"))
    with pytest.raises(ConnectorInUse) as caught:
        await state.connectors.remove(CONNECTOR)
    assert caught.value.job_id == "job-1"
    assert await state.connectors.get("con-1") == CONNECTOR

    await state.jobs.save(ended(job))
    await state.connectors.remove(CONNECTOR)
    assert (await state.jobs.get("job-1")).terminal
    listed = await state.jobs.list_page(connector_id="con-1", limit=5)
    assert [job.job_id for job in listed.items] == ["job-1"]


async def test_a_connector_with_a_job_that_cannot_be_read_stays(
    state: Any, make_job: MakeJob
) -> None:
    await state.connectors.create(CONNECTOR)
    await state.jobs.create(make_job("job-1"))
    await state.spoil("job-1")
    with pytest.raises(ConnectorInUse):
        await state.connectors.remove(CONNECTOR)


@pytest.mark.parametrize("number", range(6))
async def test_of_a_start_and_a_removal_one_wins(
    state: Any, make_job: MakeJob, number: int
) -> None:
    await state.connectors.create(CONNECTOR)
    if number % 2:
        # There is a guard of its jobs already.
        await state.jobs.save(ended(await state.jobs.create(make_job("job-0"))))
    calls = [
        state.jobs.create(make_job("job-1"), connector=CONNECTOR),
        state.connectors.remove(CONNECTOR),
    ]
    results = await asyncio.gather(
        *(calls if number % 3 else reversed(calls)), return_exceptions=True
    )
    [lost] = [result for result in results if isinstance(result, Exception)]
    assert isinstance(lost, Conflict)
    there = [found.connector_id for found in (await state.connectors.list_page(limit=5)).items]
    active = [job async for job in state.jobs.open_jobs() if not job.terminal]
    assert there == (["con-1"] if active else [])


async def test_a_connector_of_an_earlier_version_is_edited_and_removed(
    dynamo: Any, tables: Any, make_job: MakeJob
) -> None:
    """It has no version, which counts as the first."""
    for connector_id in ("con-1", "con-2"):
        connector = replace(CONNECTOR, connector_id=connector_id)
        await dynamo.connectors.create(connector)
        await tables.client.update_item(
            TableName=tables.name(CONNECTORS_TABLE),
            Key={"connectorId": {"S": connector_id}},
            UpdateExpression="REMOVE #version",
            ExpressionAttributeNames={"#version": "version"},
        )
        assert await dynamo.connectors.get(connector_id) == connector
    await dynamo.jobs.create(make_job("job-1"), connector=CONNECTOR)
    saved = await dynamo.connectors.save(replace(CONNECTOR, prefixes=("a/",)))
    assert saved.version == 2
    await dynamo.connectors.remove(replace(CONNECTOR, connector_id="con-2"))
    with pytest.raises(NotFound):
        await dynamo.connectors.get("con-2")


async def test_a_job_that_starts_while_its_connector_is_removed(
    dynamo: Any, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded after the removal has seen no active job, and before it has written."""
    await dynamo.connectors.create(CONNECTOR)
    writer = dynamo.connectors._writer
    transact = writer.transact

    async def late(actions: Any) -> None:
        monkeypatch.setattr(writer, "transact", transact)
        await dynamo.jobs.create(make_job("job-1"), connector=CONNECTOR)
        await transact(actions)

    monkeypatch.setattr(writer, "transact", late)
    with pytest.raises(ConnectorInUse):
        await dynamo.connectors.remove(CONNECTOR)
    assert await dynamo.connectors.get("con-1") == CONNECTOR
