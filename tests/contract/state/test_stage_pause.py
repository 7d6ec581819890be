"""The pause of the whole stage: every job that is read has it, and no write of a job changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.chunk import Chunk
from domain.job import Job
from domain.pause import Pause
from ports.chunk_store import ChunkStore
from ports.errors import NotFound
from ports.job_store import JobStore

PAUSE = Pause(since=datetime(2026, 11, 27, tzinfo=UTC), reason="the DAM asks for quiet", by="arn")


@pytest.fixture
def jobs(state: Any) -> JobStore:
    store: JobStore = state.jobs
    return store


@pytest.fixture
def chunks(state: Any) -> ChunkStore:
    store: ChunkStore = state.chunks
    return store


async def read_in_every_way(jobs: JobStore) -> list[Pause | None]:
    job = await jobs.get("job-1")
    listed = (await jobs.list_page(limit=1)).items
    of_connector = (await jobs.list_page(connector_id=job.request.connector_id, limit=1)).items
    still_open = [each async for each in jobs.open_jobs()]
    return [each.stage_pause for each in (job, *listed, *of_connector, *still_open)]  # type: ignore[union-attr]


async def test_every_job_that_is_read_has_it(jobs: JobStore, make_job: Callable[..., Job]) -> None:
    await jobs.create(make_job("job-1"))
    assert await read_in_every_way(jobs) == [None] * 4
    assert await jobs.stage_pause() is None
    await jobs.pause_stage(PAUSE)
    assert await read_in_every_way(jobs) == [PAUSE] * 4
    assert await jobs.stage_pause() == PAUSE
    await jobs.pause_stage(None)
    assert await read_in_every_way(jobs) == [None] * 4
    assert await jobs.stage_pause() is None


async def test_a_later_job_has_it_too(jobs: JobStore, make_job: Callable[..., Job]) -> None:
    await jobs.pause_stage(PAUSE)
    await jobs.create(make_job("job-1"))
    assert await read_in_every_way(jobs) == [PAUSE] * 4


async def test_no_write_of_a_job_changes_it(
    jobs: JobStore,
    chunks: ChunkStore,
    make_job: Callable[..., Job],
    make_chunk: Callable[..., Chunk],
) -> None:
    """It is as it was read in what a write returns, and is never stored with a job."""
    created = await jobs.create(replace(make_job("job-1"), stage_pause=PAUSE))
    assert created.stage_pause == PAUSE
    saved = await jobs.save(replace(created, status_reason="new"))
    assert saved.stage_pause == PAUSE
    added = await chunks.add(saved, [make_chunk()])
    assert added.stage_pause == PAUSE
    assert await read_in_every_way(jobs) == [None] * 4


async def test_a_new_pause_replaces_the_one_before(jobs: JobStore) -> None:
    await jobs.pause_stage(PAUSE)
    other = replace(PAUSE, reason=None, by=None)
    await jobs.pause_stage(other)
    assert await jobs.stage_pause() == other


async def test_its_record_is_no_job(jobs: JobStore, make_job: Callable[..., Job]) -> None:
    await jobs.create(make_job("job-1"))
    await jobs.pause_stage(PAUSE)
    with pytest.raises(NotFound):
        await jobs.get("stage#")
    assert [job.job_id for job in (await jobs.list_page(limit=10)).items] == ["job-1"]
    assert [job.job_id async for job in jobs.open_jobs()] == ["job-1"]  # type: ignore[union-attr]
