"""Requests about a job without an index finish in time, however many chunks it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.execution.tuning import Tuning
from application.jobs.explain_object import Explanation
from application.jobs.outcome_pages import WantedOutcomes
from domain.discovery import Discovery
from domain.errors import NotRedrivable
from domain.job import Job, JobStatus
from domain.outcome import OutcomeKind
from domain.packing import ChunkSizing
from ports.errors import NotFound, Unavailable
from ports.paging import InvalidCursor

CHUNK_COUNT = 40
SIZING = ChunkSizing(object_count_max=5)
READ_S = 3
FILE_S = 1


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    return new_story(
        Tuning(sizing=SIZING, manifest_part_bytes=1, read_s=READ_S, outcome_indexes=False),
        page_object_count=SIZING.object_count_max,
    )


async def test_every_request_makes_progress_however_short_its_time_is(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(
        Tuning(sizing=SIZING, manifest_part_bytes=1, read_s=1e-6, outcome_indexes=False),
        page_object_count=SIZING.object_count_max,
    )
    job = await furnished(story, Discovery.DIRECT)
    spread(story, job)
    slow_files(story)
    get = story.ports.jobs.get

    async def late(job_id: str) -> Any:
        story.ports.clock.advance(1)
        return await get(job_id)

    story.ports.jobs.get = late
    last = f"{CHUNK_COUNT * SIZING.object_count_max - 1:03}.jpg"
    found, requests = await search(story, job, last)
    assert found.outcome is not None
    assert requests == 3
    pages, cursor = 0, None
    while (cursor is not None or not pages) and pages <= CHUNK_COUNT:
        page = await story.use_cases.outcome_pages().page(
            job.job_id, WantedOutcomes(kind=OutcomeKind.PUT), limit=1_000, cursor=cursor
        )
        assert len(page.items) == SIZING.object_count_max
        cursor, pages = page.cursor, pages + 1
    assert pages == CHUNK_COUNT


async def furnished(story: Any, discovery: Discovery) -> Job:
    story.put(*(f"{number:03}.jpg" for number in range(CHUNK_COUNT * SIZING.object_count_max)))
    job = await story.sync(discovery=discovery)
    assert isinstance(job, Job)
    assert job.tally.chunks_total == CHUNK_COUNT
    return job


def spread(story: Any, job: Job) -> None:
    """Make every chunk's range of keys cover all keys, as in an unsorted report."""
    chunks = story.world.database.chunks_of(job.job_id)
    for chunk in list(chunks):
        wide = replace(chunk, first_key="0", last_key="z", version=chunk.version + 1)
        story.world.database.commit(chunks.write(chunk.index, wide, expected_version=chunk.version))


def slow_files(story: Any) -> list[str]:
    """Make each read of a file take a second; return the reads."""
    read: list[str] = []
    stream = story.ports.results.stream

    def slow(key: str, *, position: int = 0) -> Any:
        read.append(key)
        story.ports.clock.advance(FILE_S)
        return stream(key, position=position)

    story.ports.results.stream = slow
    return read


async def search(story: Any, job: Job, key: str) -> tuple[Explanation, int]:
    """Follow the cursors; return the last response and the number of requests."""
    explain = story.use_cases.explain_object()
    cursor, requests = None, 0
    while True:
        begun_at = story.ports.clock.now()
        found = await explain.explain(job.job_id, key, cursor=cursor)
        requests += 1
        # Reads in progress when the time is up are finished: up to 16 files, a second each here.
        longest = timedelta(seconds=READ_S + 17 * FILE_S)
        assert story.ports.clock.now() - begun_at <= longest
        assert requests <= CHUNK_COUNT
        cursor = found.cursor
        if cursor is None:
            assert isinstance(found, Explanation)
            return found, requests
        assert found.outcome is None


async def test_a_key_of_an_ordered_job_is_found_in_one_file(story: Any) -> None:
    job = await furnished(story, Discovery.DIRECT)
    read = slow_files(story)
    found, requests = await search(story, job, "123.jpg")
    assert found.outcome is not None
    assert (found.outcome.key, requests, len(read)) == ("123.jpg", 1, 1)


async def test_a_search_that_takes_long_continues_in_the_next_request(story: Any) -> None:
    job = await furnished(story, Discovery.DIRECT)
    spread(story, job)
    read = slow_files(story)
    last = f"{CHUNK_COUNT * SIZING.object_count_max - 1:03}.jpg"
    found, requests = await search(story, job, last)
    assert found.outcome is not None
    assert found.outcome.key == last
    assert requests == 3
    assert len(read) == len(set(read)) == CHUNK_COUNT
    with pytest.raises(NotFound, match="not among the objects"):
        await search(story, job, "nowhere.jpg")


async def test_chunks_that_earlier_requests_left_open_are_kept(story: Any) -> None:
    """A key that a cancelled chunk may have is not missing, whatever the last request read."""
    story.put(*(f"{number:03}.jpg" for number in range(CHUNK_COUNT * SIZING.object_count_max)))
    job = await story.start()
    await story.run_engine()
    for message in story.ports.queue.receive()[1:]:
        await story.use_cases.process_chunk().process(
            message.job_id, message.chunk_index, story.deadline()
        )
    await story.use_cases.cancel_job().cancel(job.job_id)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.CANCELLED
    spread(story, job)
    slow_files(story)
    found, requests = await search(story, job, "nowhere.jpg")
    assert (found.outcome, found.chunk_count, found.chunks) == (None, 1, ())
    assert requests == 3


async def test_a_cursor_is_of_one_job_and_key(story: Any) -> None:
    job = await furnished(story, Discovery.DIRECT)
    spread(story, job)
    slow_files(story)
    explain = story.use_cases.explain_object()
    cursor = (await explain.explain(job.job_id, "199.jpg")).cursor
    assert cursor
    for forged in ("", "x", "W10=", cursor[:-8]):
        with pytest.raises(InvalidCursor):
            await explain.explain(job.job_id, "199.jpg", cursor=forged)
    with pytest.raises(InvalidCursor):
        await explain.explain(job.job_id, "198.jpg", cursor=cursor)
    other = await story.sync()
    with pytest.raises(InvalidCursor):
        await explain.explain(other.job_id, "199.jpg", cursor=cursor)


async def test_a_page_of_outcomes_ends_when_its_time_is_up(story: Any) -> None:
    job = await furnished(story, Discovery.DIRECT)
    read = slow_files(story)
    keys: list[str] = []
    cursor, requests = None, 0
    while cursor is not None or not requests:
        begun_at, read_before = story.ports.clock.now(), len(read)
        page = await story.use_cases.outcome_pages().page(
            job.job_id, WantedOutcomes(kind=OutcomeKind.PUT), limit=1_000, cursor=cursor
        )
        keys += (outcome.key for outcome in page.items)
        cursor, requests = page.cursor, requests + 1
        assert len(read) > read_before
        # The file in progress when the time is up is read to its end.
        longest = timedelta(seconds=READ_S + 2 * FILE_S)
        assert story.ports.clock.now() - begun_at <= longest
    assert sorted(keys) == [f"{n:03}.jpg" for n in range(CHUNK_COUNT * SIZING.object_count_max)]
    assert requests >= CHUNK_COUNT * FILE_S / (READ_S + 2 * FILE_S)


async def test_a_redrive_is_answered_from_the_job_alone(story: Any) -> None:
    story.put("a.jpg")
    story.ports.bus.refuse = lambda _: Unavailable("no bus")
    job = await story.sync()
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS

    def chunks(_: str) -> Any:
        raise AssertionError("a request read all chunks")

    sound, story.ports.chunks.chunks = story.ports.chunks.chunks, chunks
    job = await story.use_cases.redrive_job().redrive(job.job_id)
    assert job.status is JobStatus.PROCESSING
    story.ports.bus.refuse, story.ports.chunks.chunks = (lambda _: None), sound
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED


async def test_failures_of_discovery_alone_are_not_redriven(story: Any) -> None:
    job = await failed_in_discovery(story)
    assert (job.tally.statistics.failed, job.tally.failed_in_discovery) == (1, 1)
    with pytest.raises(NotRedrivable, match="from its discovery"):
        await story.use_cases.redrive_job().redrive(job.job_id)
    assert await story.ports.jobs.get(job.job_id) == job


async def test_a_job_without_that_count_is_unchanged_after_its_redrive(story: Any) -> None:
    """Version 0.1 did not count failures of discovery."""
    job = await failed_in_discovery(story)
    uncounted = replace(job, tally=replace(job.tally, failed_in_discovery=0))
    jobs = story.world.database.jobs
    story.world.database.commit(jobs.write(job.job_id, uncounted, expected_version=job.version))
    await story.use_cases.redrive_job().redrive(job.job_id)
    again = await story.finish(job.job_id)
    assert (again.status, again.tally.statistics) == (job.status, job.tally.statistics)
    assert story.ports.queue.messages == []


async def failed_in_discovery(story: Any) -> Job:
    """Return a job with one unreadable report row and no other failure."""
    story.put("a.jpg", "b.jpg", "c.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    key = await story.run_batch_job_silently(job.job_id)
    story.ports.results.files[key] = story.ports.results.files[key].replace(b",200,", b",x,", 1)
    await story.use_cases.engine().advance(job.job_id, story.deadline())
    job = await story.finish(job.job_id)
    assert isinstance(job, Job)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    return job
