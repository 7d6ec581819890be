"""The index of a job's outcomes, made after its end: complete, once, whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from invalid_cursors import invalid_cursors

from application.engine import build_index, index_input, merge_runs
from application.execution.tuning import Tuning
from application.jobs.outcome_pages import WantedOutcomes
from application.results.files import chunk_key
from application.results.outcome_index import IndexReader, part_key, root_key
from domain.chunk import ChunkStatus
from domain.connector import Verify
from domain.decision import Decision
from domain.discovery import Discovery
from domain.index_work import ready_index, with_index_wanted
from domain.job import Job, JobStatus
from domain.outcome import OutcomeKind
from domain.outcome_index import IndexedObject, IndexStatus
from domain.packing import ChunkSizing
from ports.errors import AccessDenied, NotFound, Unavailable
from ports.paging import InvalidCursor

BUCKET = "media"
DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))
TINY = Tuning(sizing=ChunkSizing(object_count_max=3), manifest_part_bytes=1, index_run_bytes=400)
KEYS = [f"{folder}/{name}" for folder in "cab" for name in ("y\n.mov", "é.jpg", "x,\t.jpg", "\1")]


def furnish(story: Any) -> None:
    for key in KEYS:
        story.put(key)
    story.put_known("known.jpg")
    story.put("frozen.jpg", storage_class="GLACIER")
    story.put("locked.jpg", customer_key=True)
    story.buckets.put(BUCKET, "folder/", b"")


async def settle(story: Any, job_id: str) -> Job:
    """Run everything until the index of an ended job is there or failed."""
    for _ in range(60):
        job: Job = await story.ports.jobs.get(job_id)
        if job.terminal and (job.index is None or not job.index.wanted):
            return job
        await story.turn()
    pytest.fail(f"{job_id} has no index: {job}")


async def synced(story: Any, **options: Any) -> Job:
    job = await story.start(**options)
    return await settle(story, job.job_id)


async def rows_of(story: Any, job: Job) -> list[IndexedObject]:
    assert job.index is not None
    assert job.index.ready, job.index
    reader = IndexReader(results=story.ports.results)
    return [each async for each in reader.objects(job.job_id, job.index.number)]


async def check_against_files(story: Any, job: Job, keys: list[str]) -> list[IndexedObject]:
    """Check that the index has each key once, in order, with the outcome of the job's files."""
    rows = await rows_of(story, job)
    assert [row.key for row in rows] == sorted(keys, key=str.encode)
    recorded = story.outcomes(job)
    for row in rows:
        line = recorded.get(row.key)
        assert (row.outcome is None) == (line is None), row
        if line is not None and row.outcome is not None:
            assert row.outcome.kind.value == line["outcome"]
            assert row.outcome.reason == line["reason"]
            assert row.chunk_index == line["chunkIndex"]
        head = story.buckets.get(BUCKET, row.key).head
        if row.outcome is None or row.outcome.kind is not OutcomeKind.PUT:
            assert row.listed.size_bytes == head.size_bytes
            assert row.listed.last_modified == head.last_modified
            assert row.listed.e_tag == head.e_tag
        assert row.listed.e_tag is not None
    assert set(recorded) <= {row.key for row in rows}
    return rows


ALL = [*KEYS, "known.jpg", "frozen.jpg", "locked.jpg"]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few objects need many batches, runs, portions and parts."""
    monkeypatch.setattr(index_input, "_CHUNKS_IN_FLIGHT", 2)
    monkeypatch.setattr(index_input, "_CHUNKS_AT_ONCE", 3)
    monkeypatch.setattr(index_input, "_BATCH_ROW_COUNT", 4)
    monkeypatch.setattr(merge_runs, "_STRETCH_BYTES_MIN", 100)
    monkeypatch.setattr(build_index, "_MERGE_BYTES", 0)


@DISCOVERIES
@pytest.mark.parametrize("tuning", [None, TINY], ids=["in memory", "by runs"])
async def test_it_has_each_object_once_with_its_outcome(
    new_story: Callable[..., Any], discovery: Discovery, tuning: Tuning | None
) -> None:
    story = new_story() if tuning is None else new_story(tuning)
    furnish(story)
    job = await synced(story, discovery=discovery)
    await check_against_files(story, job, ALL)
    parts = [name for name in story.ports.results.files if "/objects/" in name]
    assert (len(parts) > 2) == (tuning is not None)


@DISCOVERIES
async def test_known_objects_are_in_it_as_they_are_listed(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = new_story(TINY)
    story.put("a.jpg", "b,\n.jpg", "c.jpg")
    await story.sync(discovery=discovery)
    for event in story.ports.bus.events:
        story.record(event)
    story.put("new.jpg")
    job = await synced(story, discovery=discovery, verify=Verify.CATALOG)
    rows = {row.key: row for row in await rows_of(story, job)}
    assert sorted(rows) == ["a.jpg", "b,\n.jpg", "c.jpg", "new.jpg"]
    for key in ("a.jpg", "b,\n.jpg", "c.jpg"):
        outcome, head = rows[key].outcome, story.buckets.get(BUCKET, key).head
        assert outcome is not None
        assert outcome.as_listed
        assert rows[key].listed.e_tag == head.e_tag
        assert rows[key].listed.size_bytes == head.size_bytes
        assert rows[key].listed.last_modified == head.last_modified


@DISCOVERIES
async def test_a_dry_run_and_an_empty_bucket_have_one(story: Any, discovery: Discovery) -> None:
    empty = await synced(story, discovery=discovery)
    assert await rows_of(story, empty) == []
    furnish(story)
    dry = await synced(story, discovery=discovery, dry_run=True)
    rows = await rows_of(story, dry)
    assert sorted(row.key for row in rows) == sorted(ALL)
    assert all(row.outcome is not None for row in rows)


@DISCOVERIES
async def test_a_redrive_makes_another_one(story: Any, discovery: Discovery) -> None:
    furnish(story)
    first = await synced(story, discovery=discovery)
    assert first.status is JobStatus.COMPLETED_WITH_ERRORS
    before = {row.key: row for row in await rows_of(story, first)}
    assert before["locked.jpg"].outcome.kind is OutcomeKind.FAILED
    story.put("locked.jpg")
    await story.use_cases.redrive_job().redrive(first.job_id)
    reopened = await story.ports.jobs.get(first.job_id)
    assert reopened.index is None
    again = await settle(story, first.job_id)
    assert again.index.number == 1
    after = {row.key: row for row in await rows_of(story, again)}
    assert after["locked.jpg"].outcome.kind is OutcomeKind.PUT
    del before["locked.jpg"], after["locked.jpg"]
    assert after == before


@DISCOVERIES
async def test_a_cancelled_job_has_its_objects_without_outcomes(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = new_story(TINY)
    furnish(story)
    job = await story.start(discovery=discovery)
    await story.run_engine()
    if discovery is Discovery.BATCH:
        await story.run_batch_jobs()
    messages = story.ports.queue.receive()
    process = story.use_cases.process_chunk().process
    await process(messages[0].job_id, messages[0].chunk_index, story.deadline())
    await story.use_cases.cancel_job().cancel(job.job_id)
    ended = await settle(story, job.job_id)
    assert ended.status is JobStatus.CANCELLED
    rows = await check_against_files(story, ended, ALL)
    undone = [row for row in rows if row.outcome is None]
    assert undone
    chunks = {chunk.index: chunk for chunk in story.chunks(ended)}
    for row in undone:
        assert row.chunk_index is not None
        assert chunks[row.chunk_index].status is ChunkStatus.CANCELLED


@DISCOVERIES
async def test_short_invocations_make_the_same_index(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    """Each invocation makes progress, however little time it has."""
    story = new_story(TINY)
    furnish(story)
    job = await story.sync(discovery=discovery)
    assert job.index.wanted
    story.time_s = 1.0  # Near the deadline from the beginning.
    count = 0
    while (job := await story.ports.jobs.get(job.job_id)).index.wanted:
        await story.use_cases.engine().advance(job.job_id, story.deadline())
        count += 1
        assert count < 100
    assert count > 5
    await check_against_files(story, job, ALL)


@pytest.mark.parametrize("life_s", [100.0, 160.0, 200.0])
async def test_an_invocation_stops_in_the_middle_of_a_part_before_its_end(
    new_story: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, life_s: float
) -> None:
    """A part of many runs takes longer than the stop margin: its reads follow one another."""
    monkeypatch.setattr(merge_runs, "_STRETCH_BYTES_MIN", 300)
    story = new_story(replace(TINY, index_run_bytes=8_000, stop_margin_s=20.0))
    keys = [f"{number:03}" for number in range(100)]
    story.put(*keys)
    job = await story.sync()
    read_range, count = story.ports.results.read_range, 0

    async def slowly(*arguments: Any) -> bytes:
        story.ports.clock.advance(1.5)
        content: bytes = await read_range(*arguments)
        return content

    monkeypatch.setattr(story.ports.results, "read_range", slowly)
    story.time_s = life_s
    while (job := await story.ports.jobs.get(job.job_id)).index.wanted:
        deadline = story.deadline()
        await story.use_cases.make_index().run(job, deadline)
        assert deadline.remaining_s() > 0
        count += 1
        assert count < 20
    assert count > 1
    await check_against_files(story, job, keys)


class Dying(BaseException):
    """The process died."""


class Mortal:
    """A store whose calls kill the process, or are refused, one after the other."""

    def __init__(self, store: Any, calls: list[str], name: str) -> None:
        self._store = store
        self._calls = calls
        self._name = name
        self.dies_at: int | None = None
        self.after = False

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(real):
            return real

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._calls.append(f"{self._name}.{name}")
            dies = len(self._calls) == self.dies_at
            if dies and not self.after:
                raise Dying
            answer = await real(*args, **kwargs)
            if dies:
                raise Dying
            return answer

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
async def test_a_process_that_dies_at_any_call_leaves_an_index_that_can_be_made(
    new_story: Callable[..., Any], after: bool
) -> None:
    from application.engine.make_index import MakeIndex

    for dies_at in range(1, 400):
        story = new_story(TINY)
        story.put("a", "b", "c", "d", "e", "f", "g")
        job = await story.sync()
        calls: list[str] = []
        jobs = Mortal(story.ports.jobs, calls, "jobs")
        results = Mortal(story.ports.results, calls, "results")
        chunks = Mortal(story.ports.chunks, calls, "chunks")
        for store in (jobs, results, chunks):
            store.dies_at, store.after = dies_at, after

        maker = MakeIndex(
            jobs=jobs,
            chunks=chunks,
            results=results,
            invoker=story.ports.invoker,
            clock=story.ports.clock,
            ids=story.ports.ids,
            telemetry=story.ports.telemetry,
            tuning=TINY,
        )
        with suppress(Dying):
            await maker.run(job, story.deadline())
        done = len(calls) < dies_at
        story.ports.clock.advance(2_000)
        ended = await settle(story, job.job_id)
        await check_against_files(story, ended, list("abcdefg"))
        if done:
            assert dies_at > 20
            return
    pytest.fail("it takes too many calls")


async def test_two_invocations_at_once_are_one(story: Any) -> None:
    furnish(story)
    job = await story.sync()
    maker = story.use_cases.make_index()
    first, second = await asyncio.gather(
        maker.run(job, story.deadline()), maker.run(job, story.deadline())
    )
    assert first.index.ready or second.index.ready
    await check_against_files(story, await story.ports.jobs.get(job.job_id), ALL)


async def test_a_file_that_is_gone_fails_the_index_at_once(story: Any) -> None:
    furnish(story)
    job = await story.sync()
    name = next(name for name in story.ports.results.files if "/outcomes/" in name)
    del story.ports.results.files[name]
    job = await settle(story, job.job_id)
    assert job.index.status is IndexStatus.FAILED
    assert name in job.index.reason
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert [each async for each in story.ports.jobs.open_jobs()] == []


@pytest.mark.parametrize("error", [Unavailable("no answer"), AccessDenied("no"), ValueError("bug")])
async def test_attempts_that_fail_are_bounded(
    story: Any, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(story)
    job = await story.sync()
    count = 0

    async def refuse(*_: Any, **__: Any) -> None:
        nonlocal count
        count += 1
        raise error

    monkeypatch.setattr(story.ports.chunks, "list_page", refuse)
    job = await settle(story, job.job_id)
    assert job.index.status is IndexStatus.FAILED
    assert str(error) in job.index.reason
    assert count == story.tuning.engine_attempt_count_max
    names = [entry.name for entry in story.ports.telemetry.entries]
    assert names.count("index_failed") == 1


async def test_a_process_that_always_dies_is_not_started_forever(
    story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(story)
    job = await story.sync()
    count = 0

    async def die(*_: Any, **__: Any) -> None:
        nonlocal count
        count += 1
        raise asyncio.CancelledError

    monkeypatch.setattr(story.ports.chunks, "list_page", die)
    for _ in range(100):
        story.ports.clock.advance(1_000)
        try:
            await story.use_cases.engine().advance(job.job_id, story.deadline())
        except asyncio.CancelledError:
            continue
    assert count == story.tuning.engine_attempt_count_max
    job = await story.ports.jobs.get(job.job_id)
    assert job.index.status is IndexStatus.FAILED


async def test_an_index_of_before_a_redrive_is_not_recorded(new_story: Callable[..., Any]) -> None:
    """The job is redriven while its index is made."""
    story = new_story(TINY)
    furnish(story)
    job = await story.sync()
    put = story.ports.results.put

    async def redriven(key: str, content: bytes) -> None:
        await put(key, content)
        if key == root_key(job.job_id, 0):
            story.put("locked.jpg")
            await story.use_cases.redrive_job().redrive(job.job_id)

    story.ports.results.put = redriven
    made = await story.use_cases.make_index().run(job, story.deadline())
    assert made.index is None
    assert not made.terminal
    ended = await settle(story, job.job_id)
    assert ended.index.number == 1
    await check_against_files(story, ended, ALL)


async def test_it_can_be_switched_off(new_story: Callable[..., Any]) -> None:
    """Then the engine is not invoked for it, and nothing is read or written."""
    story = new_story(replace(TINY, outcome_indexes=False))
    furnish(story)
    job = await story.sync()
    assert job.index is None
    await story.turn()
    assert not [name for name in story.ports.results.files if "index" in name]
    assert [each async for each in story.ports.jobs.open_jobs()] == []


async def test_parts_are_lines_of_json_for_other_tools(new_story: Callable[..., Any]) -> None:
    import gzip

    story = new_story(TINY)
    furnish(story)
    job = await synced(story)
    keys = []
    part = 0
    while (name := part_key(job.job_id, 0, part)) in story.ports.results.files:
        lines = gzip.decompress(story.ports.results.files[name]).splitlines()
        keys += [json.loads(line)["key"] for line in lines]
        part += 1
    assert keys == sorted(ALL)
    with pytest.raises(NotFound):
        await story.ports.results.get(part_key(job.job_id, 0, part))


class CountedReads:
    """Counts the reads of files of a story from now on."""

    def __init__(self, story: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for name in ("get", "read_range", "stream"):
            monkeypatch.setattr(story.ports.results, name, self._counted(story, name))

    def _counted(self, story: Any, name: str) -> Callable[..., Any]:
        real = getattr(story.ports.results, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return real(*args, **kwargs)

        return call


@DISCOVERIES
async def test_an_outcome_is_explained_with_two_reads(
    new_story: Callable[..., Any], discovery: Discovery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And as it is explained without the index, for each object."""
    story = new_story(TINY)
    furnish(story)
    job = await story.sync(discovery=discovery)
    explain = story.use_cases.explain_object().explain
    before = {key: await explain(job.job_id, key) for key in ALL}
    job = await settle(story, job.job_id)
    reads = CountedReads(story, monkeypatch)
    for key in ALL:
        reads.count = 0
        found = await explain(job.job_id, key)
        assert reads.count <= 2
        assert found.listed is not None
        assert replace(found, listed=None) == before[key]
    with pytest.raises(NotFound, match="not among the objects"):
        await explain(job.job_id, "nowhere")


async def test_without_the_files_of_the_index_those_of_chunks_are_searched(story: Any) -> None:
    furnish(story)
    job = await synced(story)
    for name in [name for name in story.ports.results.files if "/index/" in name]:
        del story.ports.results.files[name]
    found = await story.use_cases.explain_object().explain(job.job_id, "known.jpg")
    assert found.outcome.kind is OutcomeKind.SKIPPED
    page = await story.use_cases.outcome_pages().page(
        job.job_id, WantedOutcomes(), limit=100, cursor=None
    )
    assert sorted(each.key for each in page.items) == sorted(ALL)


async def test_objects_that_no_file_names_are_not_denied(story: Any) -> None:
    """A chunk failed because its own file was damaged: its objects are not known to be none."""
    furnish(story)
    job = await story.start()
    await story.run_engine()
    chunk = story.chunks(await story.ports.jobs.get(job.job_id))[0]
    story.ports.results.files[chunk_key(chunk)] = b"damaged\n"
    job = await settle(story, job.job_id)
    root = await IndexReader(results=story.ports.results).root(job.job_id, 0)
    assert root.unread_count == chunk.object_count
    assert root.object_count == len(ALL) - chunk.object_count
    explain = story.use_cases.explain_object().explain
    unknown = next(key for key in sorted(ALL) if chunk.covers(key))
    found = await explain(job.job_id, unknown)
    assert found.outcome is None
    assert [each.status for each in found.chunks] == [ChunkStatus.FAILED]


@DISCOVERIES
@pytest.mark.parametrize("indexed", [True, False])
async def test_outcomes_are_listed_all_or_some(
    new_story: Callable[..., Any], discovery: Discovery, indexed: bool
) -> None:
    story = new_story(replace(TINY, outcome_indexes=indexed))
    furnish(story)
    job = await story.sync(discovery=discovery)
    if indexed:
        job = await settle(story, job.job_id)
    pages = story.use_cases.outcome_pages()

    async def listed(wanted: WantedOutcomes, limit: int) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await pages.page(job.job_id, wanted, limit=limit, cursor=cursor)
            assert len(page.items) <= limit
            found += [each.key for each in page.items]
            if (cursor := page.cursor) is None:
                return found

    for limit in (1, 2, 100):
        assert sorted(await listed(WantedOutcomes(), limit)) == sorted(ALL)
        assert sorted(await listed(WantedOutcomes(prefix="a/"), limit)) == sorted(
            key for key in ALL if key.startswith("a/")
        )
        puts = await listed(WantedOutcomes(decision=Decision.PUT, prefix="c"), limit)
        assert sorted(puts) == sorted(key for key in KEYS if key.startswith("c"))
        failed = WantedOutcomes(kind=OutcomeKind.FAILED)
        assert await listed(failed, limit) == ["locked.jpg"]
        assert await listed(replace(failed, prefix="a"), limit) == []
    if indexed:
        assert await listed(WantedOutcomes(), 4) == sorted(ALL)


async def test_a_list_that_was_started_before_the_index_goes_on(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(TINY)
    furnish(story)
    job = await story.sync()
    pages = story.use_cases.outcome_pages()
    first = await pages.page(job.job_id, WantedOutcomes(), limit=4, cursor=None)
    await settle(story, job.job_id)
    rest = await pages.page(job.job_id, WantedOutcomes(), limit=100, cursor=first.cursor)
    assert sorted(each.key for each in first.items + rest.items) == sorted(ALL)
    by_index = await pages.page(job.job_id, WantedOutcomes(), limit=4, cursor=None)
    for forged in invalid_cursors(by_index.cursor):
        with pytest.raises(InvalidCursor):
            await pages.page(job.job_id, WantedOutcomes(), limit=4, cursor=forged)
    with pytest.raises(InvalidCursor):
        await pages.page(job.job_id, WantedOutcomes(prefix="a"), limit=4, cursor=by_index.cursor)


async def test_an_index_that_an_earlier_version_left_behind_is_not_read(story: Any) -> None:
    """That version redrives the job, and does not know the index."""
    furnish(story)
    job = await synced(story)
    left = job.index
    story.put("locked.jpg")
    await story.use_cases.redrive_job().redrive(job.job_id)
    again = await settle(story, job.job_id)
    again = await story.ports.jobs.save(replace(again, index=left))
    assert ready_index(again) is None
    found = await story.use_cases.explain_object().explain(job.job_id, "locked.jpg")
    assert found.outcome.kind is OutcomeKind.PUT
    assert found.listed is None
    wanted = with_index_wanted(again).index
    assert wanted is not None
    assert (wanted.number, wanted.wanted) == (1, True)
