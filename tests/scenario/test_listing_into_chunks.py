"""Direct discovery: the first objects are processed while the listing continues."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from application.results.files import manifest_key, read_entries
from domain.discovery import Discovery
from domain.job import JobStatus, ManifestFile, ManifestWritten, evolve
from domain.listing import Listing, RowUpload
from domain.packing import ChunkSizing
from entrypoints.wiring.memory import use_cases
from ports.chunk_store import ADDED_CHUNK_COUNT_MAX

KEYS = [f"{number:03}.jpg" for number in range(60)]
CHUNK_OBJECT_COUNT = 3


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """A story whose chunks are as large as its pages."""
    made = new_story(Tuning(sizing=ChunkSizing(object_count_max=CHUNK_OBJECT_COUNT)))
    made.put(*KEYS)
    return made


def on_pages(story: Any, act: Callable[[int], Awaitable[None]]) -> None:
    """Await `act` with the number of each page, before the page is returned."""
    list_objects = story.ports.objects.list_objects
    count = 0

    async def counted(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        nonlocal count
        async for page in list_objects(bucket, **place):
            count += 1
            await act(count)
            yield page

    story.ports.objects.list_objects = counted


async def test_the_first_objects_are_processed_before_the_listing_ends(story: Any) -> None:
    job = await story.start()
    done: list[int] = []

    async def work(_number: int) -> None:
        await story.run_chunks()
        stored = await story.ports.jobs.get(job.job_id)
        assert not stored.listed
        done.append(stored.tally.statistics.total)

    on_pages(story, work)
    await story.run_engine()
    assert done[:4] == [0, 3, 6, 6]
    assert done[-1] >= len(KEYS) // 2
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert manifest_key(job.job_id) not in story.ports.results.files


async def test_the_statuses_are_published_while_the_listing_runs(story: Any) -> None:
    job = await story.start()
    seen: list[list[str]] = []

    async def look(_number: int) -> None:
        seen.append(story.statuses(job))

    on_pages(story, look)
    await story.run_engine()
    assert seen[0] == ["INITIALIZING"]
    assert seen[2] == ["INITIALIZING", "DISCOVERING", "PROCESSING"]
    job = await story.finish(job.job_id)
    assert story.statuses(job) == ["INITIALIZING", "DISCOVERING", "PROCESSING", "COMPLETED"]


async def test_a_job_whose_chunks_are_all_settled_is_open_until_it_is_listed(story: Any) -> None:
    job = await story.start()

    async def work(number: int) -> None:
        await story.run_chunks()
        if number == 10:
            raise RuntimeError("the engine fails")

    on_pages(story, work)
    with pytest.raises(RuntimeError):
        await story.run_engine()
    stored = await story.ports.jobs.get(job.job_id)
    assert stored.tally.chunks_settled == stored.tally.chunks_total > 0
    assert (stored.status, stored.listed, stored.settled) == (JobStatus.PROCESSING, False, False)
    job = await story.finish(job.job_id)
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")


async def test_a_dry_run_stays_in_discovery(story: Any) -> None:
    job = await story.sync(dry_run=True)
    assert story.statuses(job) == ["INITIALIZING", "DISCOVERING", "COMPLETED"]
    assert story.requests["CopyObject"] == 0
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")


async def test_transactions_grow_with_the_job(story: Any) -> None:
    """1, 1, 2, 4, 8, then what is left: few writes, and a first chunk at once."""
    add, sizes = story.ports.chunks.add, []

    async def noted(job: Any, chunks: Any) -> Any:
        sizes.append(len(chunks))
        return await add(job, chunks)

    story.ports.chunks.add = noted
    await story.sync()
    assert sizes[:5] == [1, 1, 2, 4, 8]
    assert sum(sizes) == 20


async def test_chunks_are_full_however_few_objects_a_page_adds(story: Any) -> None:
    """A filter leaves one object of each page."""
    job = await story.sync(include=("*0.jpg", "*3.jpg", "*6.jpg"))
    counts = sorted(chunk.object_count for chunk in story.chunks(job))
    assert sum(counts) == 18
    assert counts[-1] == CHUNK_OBJECT_COUNT
    assert len(counts) <= 9


async def test_small_prefixes_share_chunks(story: Any) -> None:
    keys = [f"{folder}/a.jpg" for folder in "abcdefghi"]
    story.put(*keys)
    job = await story.sync(prefixes=tuple(f"{folder}/" for folder in "abcdefghi"))
    assert Counter(await story.listed_keys(job)) == Counter(keys)
    assert [chunk.object_count for chunk in story.chunks(job)] == [3, 3, 3]


async def test_a_listing_into_a_manifest_by_an_earlier_version_starts_again(story: Any) -> None:
    """The earlier version listed part of the bucket, and had no chunks yet."""
    job = await story.start()
    key = manifest_key(job.job_id)
    upload_id = await story.ports.results.create_upload(key)
    progress = Listing(
        objects_listed=6, manifest=RowUpload(upload_id=upload_id), bytes_listed=6, key_sum=77
    )
    stored = await story.ports.jobs.get(job.job_id)
    await story.ports.jobs.save(replace(stored, listing=progress))
    job = await story.finish(job.job_id)
    assert (job.status, job.listing.objects_listed) == (JobStatus.COMPLETED, len(KEYS))
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert story.ports.results.open_uploads == []


async def test_a_manifest_of_an_earlier_version_is_split(story: Any) -> None:
    """The earlier version had completed its listing."""
    earlier = await story.sync(dry_run=True, discovery=Discovery.BATCH)
    content = story.ports.results.files[manifest_key(earlier.job_id)]
    pages = story.requests["ListObjectsV2"]
    job = await story.start()
    key = manifest_key(job.job_id)
    await story.ports.results.put(key, content)
    stored = await story.ports.jobs.get(job.job_id)
    written = ManifestWritten(
        manifest=ManifestFile(key=key, e_tag=await story.ports.results.e_tag(key))
    )
    listed = replace(stored, listing=earlier.listing)
    await story.ports.jobs.save(evolve(listed, written, story.ports.clock.now()))
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert story.requests["ListObjectsV2"] == pages


async def test_a_chunk_has_the_e_tags_of_its_objects(story: Any) -> None:
    job = await story.sync()
    [first, *_] = story.chunks(job)
    async for entry in read_entries(story.ports.results, first.entries_key):
        assert entry.e_tag == story.buckets.get("media", entry.key).head.e_tag


async def test_a_process_whose_lease_expired_overwrites_no_chunk(
    new_story: Callable[..., Any],
) -> None:
    """It has listed other pages for a chunk than the process that took its place."""
    tuning = Tuning(
        sizing=ChunkSizing(object_count_max=CHUNK_OBJECT_COUNT),
        added_chunk_count=4,
        listing_pages_per_probe=1,
    )
    story = new_story(tuning)
    story.put(*KEYS)
    job = await story.start()
    one_stream = use_cases(story.ports, replace(tuning, listing_streams=1))
    put, file_count = story.ports.results.put, 0

    async def late_put(key: str, content: bytes) -> None:
        nonlocal file_count
        file_count += 1
        if file_count == 6:
            assert len((await story.ports.jobs.get(job.job_id)).listing.ranges) > 1
            story.ports.clock.advance(2_000)
            await one_stream.engine().advance(job.job_id, story.deadline())
        await put(key, content)

    story.ports.results.put = late_put
    await story.run_engine()
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert Counter(await story.listed_keys(job)) == Counter(KEYS)
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")


@pytest.mark.parametrize("streams", [1, 4])
async def test_a_page_of_objects_that_each_make_a_chunk_takes_several_transactions(
    new_story: Callable[..., Any], streams: int
) -> None:
    """As of an archive of originals: a page has a thousand objects of 130 GB."""
    tuning = Tuning(listing_streams=streams, listing_pages_per_probe=1)
    story = new_story(tuning, page_object_count=300)
    keys = [f"{number:04}.mov" for number in range(700)]
    story.put(*keys, size_bytes=130 * 10**9)
    added: list[int] = []
    add = story.ports.chunks.add

    async def counted(job: Any, chunks: Any) -> Any:
        added.append(len(chunks))
        return await add(job, chunks)

    story.ports.chunks.add = counted
    job = await story.start(dry_run=True)
    await story.run_engine()

    job = await story.ports.jobs.get(job.job_id)
    assert (job.status, job.listed) == (JobStatus.DISCOVERING, True), job.status_reason
    assert job.tally.chunks_total == len(keys)
    assert job.listing.objects_listed == len(keys)
    assert max(added) <= ADDED_CHUNK_COUNT_MAX
    listed = [
        entry.key
        for chunk in story.world.database.chunks_of(job.job_id)
        async for entry in read_entries(story.ports.results, chunk.entries_key)
    ]
    assert sorted(listed) == keys
