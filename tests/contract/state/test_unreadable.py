"""Unreadable items are reported by their ids, and do not block the others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.connector import Bucket, Connector, ConnectorStatus, Ingest
from domain.job import Job, JobStatus
from ports.errors import CorruptData
from ports.paging import Unreadable

MakeJob = Callable[..., Job]


async def test_a_job(state: Any, make_job: MakeJob) -> None:
    for number in range(5):
        await state.jobs.create(make_job(f"job-{number}", f"{number}/", age=number))
    await state.spoil("job-1")
    await state.spoil("job-3")

    with pytest.raises(CorruptData, match="job-1"):
        await state.jobs.get("job-1")

    found = [job async for job in state.jobs.open_jobs()]
    ids = [j.record_id if isinstance(j, Unreadable) else j.job_id for j in found]
    assert ids == ["job-4", "job-3", "job-2", "job-1", "job-0"]
    assert [type(job) for job in found] == [Job, Unreadable, Job, Unreadable, Job]

    for limit in (1, 2, 5):
        for query in ({}, {"connector_id": "con-1"}, {"status": JobStatus.INITIALIZING}):
            shown, unreadable, cursor = [], [], None
            while True:
                page = await state.jobs.list_page(limit=limit, cursor=cursor, **query)
                assert len(page.items) + len(page.unreadable) <= limit
                shown += [job.job_id for job in page.items]
                unreadable += [each.record_id for each in page.unreadable]
                cursor = page.cursor
                if cursor is None:
                    break
            assert shown == ["job-0", "job-2", "job-4"]
            assert unreadable == ["job-1", "job-3"]
            assert all("job-" in each.cause for each in page.unreadable)


async def test_a_connector(state: Any) -> None:
    for number in range(4):
        await state.connectors.create(
            Connector(
                connector_id=f"con-{number}",
                bucket=Bucket(name="media"),
                prefixes=(),
                status=ConnectorStatus.ENABLED,
                ingest=Ingest(),
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
    await state.spoil("con-2")

    with pytest.raises(CorruptData, match="con-2"):
        await state.connectors.get("con-2")

    for limit in (1, 2, 3, 4):
        shown, unreadable, cursor = [], [], None
        while True:
            page = await state.connectors.list_page(limit=limit, cursor=cursor)
            assert len(page.items) + len(page.unreadable) <= limit
            shown += [connector.connector_id for connector in page.items]
            unreadable += page.unreadable
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(shown) == ["con-0", "con-1", "con-3"]
        assert [each.record_id for each in unreadable] == ["con-2"]
        assert "con-2" in unreadable[0].cause
