"""The contract of the chunk table, and of the transactions that move a job's tally."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invalid_cursors import invalid_cursors

from adapters.aws.chunk_item import chunk_item, to_chunk
from domain.chunk import Chunk, ChunkLife, ChunkStatus, lease_chunk, settle_chunk
from domain.job import TERMINAL, DiscoveryWork, Job, JobStatus, Redrive
from domain.lease import Lease
from domain.outcome import Statistics
from domain.tally import Tally, tally_change, tally_of
from ports.chunk_store import ADDED_CHUNK_COUNT_MAX, ChunkStore
from ports.errors import Conflict, NotFound
from ports.job_store import JobStore
from ports.paging import InvalidCursor, Page

MakeJob = Callable[..., Job]
MakeChunk = Callable[..., Chunk]

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
FOUND = DiscoveryWork(batch_job_id="b")
FULL = Chunk(
    job_id="job-1",
    index=10**9,
    status=ChunkStatus.FAILED,
    object_count=100,
    entry_count=90,
    size_bytes=2**53 + 1,
    first_key="a/ü\n",
    last_key="a/\U0001f600",
    discovered=Statistics(skipped=1, copied=2, put=3, archived=4, gone=5, failed=6),
    statistics=Statistics(skipped=7, copied=8, put=9, archived=10, gone=11, failed=12),
    attempt_count=3,
    lease=Lease(token="t-1", expires_at=NOW + timedelta(minutes=3)),
    entries_key="jobs/job-1/chunks/1-token.csv",
    progress_key="jobs/job-1/outcomes/1.jsonl",
    life=ChunkLife(redrive_number=2, released_count=4),
    dead_letter_count=2,
    parked=True,
    status_reason="",
    created_at=NOW,
    updated_at=NOW + timedelta(microseconds=1),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COUNT = st.integers(0, 10**30)
TIMESTAMP = st.datetimes(timezones=st.just(UTC))


def any_chunk() -> st.SearchStrategy[Chunk]:
    counts = st.builds(Statistics, **{f.name: COUNT for f in fields(Statistics)})
    return st.builds(
        Chunk,
        job_id=st.builds(lambda: f"job-{uuid.uuid4()}"),
        index=st.integers(0, 10**8),
        object_count=COUNT,
        first_key=TEXT,
        last_key=TEXT,
        discovered=counts,
        statistics=counts,
        lease=st.none() | st.builds(Lease, token=TEXT, expires_at=TIMESTAMP),
        entries_key=st.none() | TEXT,
        progress_key=st.none() | TEXT,
        parked=st.booleans(),
        status_reason=st.none() | TEXT,
        created_at=TIMESTAMP,
        updated_at=TIMESTAMP,
    )


@pytest.fixture
def chunks(state: Any) -> ChunkStore:
    store: ChunkStore = state.chunks
    return store


@pytest.fixture
def jobs(state: Any) -> JobStore:
    store: JobStore = state.jobs
    return store


@pytest.fixture
async def job(jobs: JobStore, make_job: MakeJob) -> Job:
    return await jobs.create(make_job())


def settled(chunk: Chunk) -> tuple[Chunk, Tally]:
    """Return a leased chunk settled, and what that moves the tally by."""
    after = settle_chunk(chunk, Statistics(put=chunk.object_count - 1, failed=1), now=NOW)
    return after, tally_change(chunk, after)


def leased(chunk: Chunk) -> Chunk:
    return lease_chunk(chunk, token="t", now=NOW, lease_s=60)


async def listed(chunks: ChunkStore, job_id: str, limit: int) -> list[Chunk]:
    found: list[Chunk] = []
    cursor: str | None = None
    while True:
        page = await chunks.list_page(job_id, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


class TestAdd:
    async def test_records_saves_and_counts(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        known = replace(
            make_chunk(1),
            status=ChunkStatus.COMPLETED,
            discovered=Statistics(skipped=10),
            statistics=Statistics(skipped=10),
        )
        added = await chunks.add(replace(job, discovery=FOUND), [make_chunk(0), known])
        tally = Tally(statistics=Statistics(skipped=10), chunks_total=2, chunks_completed=1)
        assert added == replace(job, discovery=FOUND, version=2, tally=tally)
        assert await jobs.get(job.job_id) == added
        assert await chunks.get(job.job_id, 0) == replace(make_chunk(0), version=1)
        assert await chunks.get(job.job_id, 1) == replace(known, version=1)

    async def test_every_field_is_read_back(self, chunks: ChunkStore, job: Job) -> None:
        await chunks.add(job, [FULL])
        assert await chunks.get(job.job_id, FULL.index) == replace(FULL, version=1)

    async def test_the_full_value_differs_from_the_defaults_in_every_field(self) -> None:
        left_out = [f.name for f in fields(FULL) if getattr(FULL, f.name) == f.default]
        assert left_out == ["version"]

    async def test_an_item_of_version_0_1_was_never_released(self) -> None:
        item = chunk_item(FULL)
        del item["handedBackCount"], item["deadLetterCount"]
        assert to_chunk(item) == replace(
            FULL, life=ChunkLife(redrive_number=2), dead_letter_count=0
        )

    async def test_moves_the_stored_tally_not_the_one_passed(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        added = await chunks.add(job, [make_chunk(0)])
        added = await chunks.add(replace(added, tally=Tally(chunks_total=50)), [make_chunk(1)])
        assert added.tally == Tally(chunks_total=2)
        assert await jobs.get(job.job_id) == added

    async def test_the_most_chunks_at_once(
        self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        many = [make_chunk(n) for n in range(ADDED_CHUNK_COUNT_MAX)]
        added = await chunks.add(job, many)
        assert added.tally.chunks_total == 99
        assert [c.index async for c in chunks.chunks(job.job_id)] == list(range(99))
        with pytest.raises(ValueError, match="99 at most"):
            await chunks.add(added, [make_chunk(n) for n in range(100, 200)])

    async def test_none_saves_the_job(self, chunks: ChunkStore, jobs: JobStore, job: Job) -> None:
        added = await chunks.add(replace(job, discovery=FOUND), [])
        assert added == replace(job, discovery=FOUND, version=2)
        assert await jobs.get(job.job_id) == added

    async def test_all_or_nothing_when_a_chunk_exists(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        added = await chunks.add(job, [make_chunk(1)])
        kept = await chunks.get(job.job_id, 1)
        with pytest.raises(Conflict):
            await chunks.add(replace(added, discovery=FOUND), [make_chunk(n) for n in range(3)])
        assert await jobs.get(job.job_id) == added
        assert [c async for c in chunks.chunks(job.job_id)] == [kept]

    async def test_all_or_nothing_when_the_job_is_stale(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        current = await jobs.save(job)
        with pytest.raises(Conflict):
            await chunks.add(job, [make_chunk(0)])
        assert await jobs.get(job.job_id) == current
        assert [c async for c in chunks.chunks(job.job_id)] == []

    async def test_there_is_no_such_job(
        self, chunks: ChunkStore, make_job: MakeJob, make_chunk: MakeChunk
    ) -> None:
        for version in (0, 1):
            with pytest.raises(Conflict):
                await chunks.add(replace(make_job("job-x"), version=version), [make_chunk(0)])
        assert [c async for c in chunks.chunks("job-1")] == []

    async def test_two_racing_splitters(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        results = await asyncio.gather(
            *(chunks.add(job, [make_chunk(0), make_chunk(1)]) for _ in range(4)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Job) for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 3
        assert (await jobs.get(job.job_id)).tally == Tally(chunks_total=2)

    async def test_the_caller_may_reuse_its_list(
        self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        passed = [make_chunk(0)]
        await chunks.add(job, passed)
        passed[0] = replace(make_chunk(0), object_count=5)
        assert (await chunks.get(job.job_id, 0)).object_count == 10


class TestSave:
    async def test_writes_over_the_version(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        added = await chunks.add(job, [make_chunk(0)])
        chunk = leased(await chunks.get(job.job_id, 0))
        saved = await chunks.save(chunk)
        assert saved == replace(chunk, version=2)
        assert await chunks.get(job.job_id, 0) == saved
        back = await chunks.save(replace(saved, lease=None, progress_key=None))
        assert await chunks.get(job.job_id, 0) == back == replace(chunk, lease=None, version=3)
        assert await jobs.get(job.job_id) == added

    @settings(
        max_examples=10,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(chunk=any_chunk())
    async def test_any_value_is_read_back(
        self, chunks: ChunkStore, jobs: JobStore, make_job: MakeJob, chunk: Chunk
    ) -> None:
        job = await jobs.create(
            make_job(chunk.job_id, bucket_name=chunk.job_id, connector_id=chunk.job_id)
        )
        await chunks.add(job, [replace(chunk, lease=None, status_reason="x", progress_key="y")])
        saved = await chunks.save(replace(chunk, version=1))
        assert await chunks.get(chunk.job_id, chunk.index) == saved == replace(chunk, version=2)

    async def test_a_stale_version(
        self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        await chunks.add(job, [make_chunk(0)])
        stale = await chunks.get(job.job_id, 0)
        current = await chunks.save(stale)
        for version in (0, 1, 3):
            with pytest.raises(Conflict):
                await chunks.save(replace(stale, version=version))
        assert await chunks.get(job.job_id, 0) == current

    async def test_there_is_no_such_chunk(
        self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        for version in (0, 1):
            with pytest.raises(Conflict):
                await chunks.save(replace(make_chunk(0), version=version))
        with pytest.raises(NotFound):
            await chunks.get(job.job_id, 0)

    async def test_two_racing_workers(
        self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        await chunks.add(job, [make_chunk(0)])
        chunk = leased(await chunks.get(job.job_id, 0))
        results = await asyncio.gather(
            *(chunks.save(chunk) for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(result, Chunk) for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 4


class TestSettle:
    async def test_writes_the_chunk_and_moves_the_tally(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        added = await chunks.add(job, [make_chunk(0), make_chunk(1)])
        chunk = await chunks.save(leased(await chunks.get(job.job_id, 0)))
        after, change = settled(chunk)
        stored = await chunks.settle(after, change)
        assert stored == replace(after, version=3)
        assert await chunks.get(job.job_id, 0) == stored
        tally = Tally(statistics=Statistics(put=9, failed=1), chunks_total=2, chunks_completed=1)
        # The job's version does not guard the tally, so a save of the job does not conflict.
        assert await jobs.get(job.job_id) == replace(added, tally=tally)
        assert (await jobs.save(added)).tally == tally

    async def test_a_stale_chunk_moves_nothing(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        await chunks.add(job, [make_chunk(0)])
        chunk = await chunks.save(leased(await chunks.get(job.job_id, 0)))
        await chunks.settle(*settled(chunk))
        before = await jobs.get(job.job_id), await chunks.get(job.job_id, 0)
        for version in (0, 1, 2, 4):
            after, change = settled(replace(chunk, version=version))
            with pytest.raises(Conflict):
                await chunks.settle(after, change)
        assert (await jobs.get(job.job_id), await chunks.get(job.job_id, 0)) == before

    async def test_counts_go_down_too(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        await chunks.add(
            job,
            [replace(make_chunk(0), status=ChunkStatus.FAILED, statistics=Statistics(failed=10))],
        )
        chunk = await chunks.get(job.job_id, 0)
        change = Tally(statistics=Statistics(failed=-10), chunks_failed=-1)
        await chunks.settle(replace(chunk, status=ChunkStatus.QUEUED), change)
        assert (await jobs.get(job.job_id)).tally == Tally(chunks_total=1)

    @pytest.mark.parametrize("ended", sorted(TERMINAL))
    async def test_no_chunk_reopens_once_its_job_has_ended(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk, ended: JobStatus
    ) -> None:
        """A redrive's write may arrive after its sender timed out and the job was cancelled."""
        failed = replace(make_chunk(0), status=ChunkStatus.FAILED, statistics=Statistics(failed=10))
        added = await chunks.add(job, [failed, replace(failed, index=1)])
        first, second = [chunk async for chunk in chunks.chunks(job.job_id)]
        change = Tally(statistics=Statistics(failed=-10), chunks_failed=-1)
        await chunks.settle(replace(first, status=ChunkStatus.QUEUED), change)
        await jobs.save(replace(await jobs.get(job.job_id), status=ended, version=added.version))
        before = await jobs.get(job.job_id)

        with pytest.raises(Conflict):
            await chunks.settle(replace(second, status=ChunkStatus.QUEUED), change)

        assert await chunks.get(job.job_id, 1) == second
        assert await jobs.get(job.job_id) == before

    @pytest.mark.parametrize("ended", sorted(TERMINAL))
    async def test_a_job_that_has_ended_still_counts(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk, ended: JobStatus
    ) -> None:
        added = await chunks.add(job, [make_chunk(0)])
        chunk = await chunks.save(leased(await chunks.get(job.job_id, 0)))
        await jobs.save(replace(added, status=ended))
        await chunks.settle(*settled(chunk))
        assert (await jobs.get(job.job_id)).tally.chunks_completed == 1

    async def test_no_change_of_the_tally(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        added = await chunks.add(job, [make_chunk(0)])
        chunk = await chunks.get(job.job_id, 0)
        stored = await chunks.settle(replace(chunk, attempt_count=1), Tally())
        assert stored == replace(chunk, attempt_count=1, version=2)
        assert await chunks.get(job.job_id, 0) == stored
        assert await jobs.get(job.job_id) == added
        with pytest.raises(Conflict):
            await chunks.settle(chunk, Tally())

    async def test_a_chunk_of_no_job(
        self, chunks: ChunkStore, jobs: JobStore, make_chunk: MakeChunk
    ) -> None:
        with pytest.raises(Conflict):
            await chunks.settle(replace(make_chunk(0), version=1), Tally(chunks_completed=1))
        with pytest.raises(NotFound):
            await jobs.get("job-1")
        assert [c async for c in chunks.chunks("job-1")] == []

    async def test_many_at_once_all_count(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        await chunks.add(job, [make_chunk(n) for n in range(12)])

        async def settle(index: int) -> None:
            chunk = await chunks.save(leased(await chunks.get(job.job_id, index)))
            await chunks.settle(*settled(chunk))

        async def annotate() -> None:
            current = await jobs.get(job.job_id)
            for number in range(5):
                current = await jobs.save(replace(current, redrive=Redrive(number=number)))

        await asyncio.gather(annotate(), *(settle(n) for n in range(12)))
        stored = [c async for c in chunks.chunks(job.job_id)]
        tally = (await jobs.get(job.job_id)).tally
        assert tally == sum(map(tally_of, stored), start=Tally())
        assert tally.chunks_completed == 12

    async def test_racing_settlements_of_one_chunk_count_once(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        await chunks.add(job, [make_chunk(0)])
        chunk = await chunks.save(leased(await chunks.get(job.job_id, 0)))
        results = await asyncio.gather(
            *(chunks.settle(*settled(chunk)) for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(result, Chunk) for result in results) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 4
        assert (await jobs.get(job.job_id)).tally.statistics == Statistics(put=9, failed=1)


class TestReading:
    async def test_there_is_none(self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk) -> None:
        await chunks.add(job, [make_chunk(0)])
        for job_id, index in (("job-1", 1), ("job-2", 0)):
            with pytest.raises(NotFound):
                await chunks.get(job_id, index)
        assert [c async for c in chunks.chunks("job-2")] == []
        assert await listed(chunks, "job-2", 5) == []

    async def test_by_index_and_not_by_its_text(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk, make_job: MakeJob
    ) -> None:
        await chunks.add(job, [make_chunk(n) for n in (10, 2, 100, 0, 9)])
        other = await jobs.create(make_job("job-2", bucket_name="media-2", connector_id="con-2"))
        await chunks.add(other, [make_chunk(1, job_id="job-2")])
        assert [c.index async for c in chunks.chunks("job-1")] == [0, 2, 9, 10, 100]
        for limit in (1, 2, 4, 5, 6):
            assert [c.index for c in await listed(chunks, "job-1", limit)] == [0, 2, 9, 10, 100]
        assert (await chunks.list_page("job-1", limit=5)).cursor is None

    async def test_those_whose_keys_cover_a_key(
        self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        # The order is that of code points; in the order of UTF-16 units, the last would come first.
        ranges = [("a", "c"), ("c", "c"), ("", "b"), ("d", "é"), ("\uffff", "\U00010000")]
        await chunks.add(
            job,
            [
                replace(make_chunk(index), first_key=first, last_key=last)
                for index, (first, last) in enumerate(ranges)
            ],
        )
        wanted = {"a": [0, 2], "b": [0, 2], "c": [0, 1], "c!": [], "dz": [3], "\U00010000": [4]}
        for key, indexes in wanted.items():
            for limit in (1, 2, 5, 6):
                found: list[Chunk] = []
                cursor, pages = None, 0
                while cursor is not None or not pages:
                    page = await chunks.covering_page("job-1", key, limit=limit, cursor=cursor)
                    assert len(page.items) <= limit
                    found += page.items
                    cursor, pages = page.cursor, pages + 1
                assert [chunk.index for chunk in found] == indexes
                assert pages >= len(ranges) / limit
                assert found == [await chunks.get("job-1", index) for index in indexes]

    async def test_a_covering_page_continues_where_a_list_ended(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk
    ) -> None:
        await chunks.add(job, [replace(make_chunk(n), first_key="a", last_key="c") for n in (0, 1)])
        cursor = (await chunks.list_page("job-1", limit=1)).cursor
        page = await chunks.covering_page("job-1", "b", limit=5, cursor=cursor)
        assert [chunk.index for chunk in page.items] == [1]
        assert (await chunks.covering_page("job-2", "b", limit=5)) == Page((), None)
        for forged in ("x", "W10=", (await jobs.list_page(limit=1)).cursor or "bm8="):
            with pytest.raises(InvalidCursor):
                await chunks.covering_page("job-1", "b", limit=1, cursor=forged)

    async def test_whole_values(self, chunks: ChunkStore, job: Job) -> None:
        await chunks.add(job, [FULL])
        assert await listed(chunks, job.job_id, 3) == [replace(FULL, version=1)]
        assert [c async for c in chunks.chunks(job.job_id)] == [replace(FULL, version=1)]

    async def test_a_cursor_of_another_list(
        self, chunks: ChunkStore, jobs: JobStore, job: Job, make_chunk: MakeChunk, make_job: MakeJob
    ) -> None:
        await chunks.add(job, [make_chunk(n) for n in range(3)])
        for n in range(2):
            await jobs.create(
                make_job(f"job-x{n}", bucket_name=f"media-{n}", connector_id=f"con-x{n}")
            )
        cursor = (await chunks.list_page("job-1", limit=1)).cursor or ""
        of_jobs = (await jobs.list_page(limit=1)).cursor or ""
        with pytest.raises(InvalidCursor):
            await chunks.list_page("job-2", limit=1, cursor=cursor)
        for invalid in (of_jobs, *invalid_cursors(cursor)):
            with pytest.raises(InvalidCursor):
                await chunks.list_page("job-1", limit=1, cursor=invalid)


class TestParked:
    @pytest.fixture
    async def parked_at(self, chunks: ChunkStore, job: Job, make_chunk: MakeChunk) -> set[int]:
        """Chunks 0 to 5, of which these are parked."""
        await chunks.add(job, [make_chunk(index) for index in range(6)])
        for index in (1, 2, 5):
            chunk = await chunks.get(job.job_id, index)
            await chunks.save(replace(chunk, status=ChunkStatus.QUEUED, parked=True))
        return {1, 2, 5}

    @pytest.mark.parametrize(
        ("after", "among", "found"),
        [(-1, 10, [1, 2, 5]), (1, 10, [2, 5]), (-1, 2, [1]), (2, 2, []), (2, 3, [5]), (5, 1, [])],
    )
    @pytest.mark.usefixtures("parked_at")
    async def test_of_the_next_chunks(
        self, chunks: ChunkStore, job: Job, after: int, among: int, found: list[int]
    ) -> None:
        parked = await chunks.parked(job.job_id, after=after, among=among)
        assert [chunk.index for chunk in parked] == found
        for chunk in parked:
            assert chunk == await chunks.get(job.job_id, chunk.index)
