"""A listing by several ranges at once: every object once, wherever a process dies."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from faulty_ports import Call, Crash, Faults, faulty

from application.execution.tuning import Tuning
from domain.connector import Verify
from domain.discovery import Discovery
from domain.errors import JobLeaseHeld
from domain.job import JobStatus
from domain.packing import ChunkSizing
from entrypoints.wiring.memory import use_cases

BUCKET = "media"
ROW = "media,000.jpg,17,2026-01-01T00:00:00.000Z\n"
KEYS = [f"{number:03}.jpg" for number in range(150)]


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """A story in which a page of three objects is listed for each probe."""
    made = new_story(
        Tuning(
            sizing=ChunkSizing(object_count_max=5),
            manifest_part_bytes=25 * len(ROW),
            added_chunk_count=5,
            listing_pages_per_probe=1,
        )
    )
    made.put(*KEYS)
    return made


def checkpoints(story: Any) -> list[int]:
    """Return the number of ranges in each checkpoint."""
    events = story.ports.telemetry.events
    return [entry.facts["ranges"] for entry in events if entry.name == "listing_checkpoint"]


def on_page(story: Any, number: int, act: Callable[[], Any]) -> None:
    """Await `act` once, when this page of the listing is requested."""
    list_objects = story.ports.objects.list_objects
    count = 0

    async def counted(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        nonlocal count
        async for page in list_objects(bucket, **place):
            count += 1
            if count == number:
                await act()
            yield page

    story.ports.objects.list_objects = counted


def slow_pages(story: Any) -> None:
    """Make each page take half a second."""
    list_objects = story.ports.objects.list_objects

    async def slow(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        async for page in list_objects(bucket, **place):
            story.ports.clock.advance(0.5)
            yield page

    story.ports.objects.list_objects = slow


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_every_object_is_listed_and_processed_once(story: Any, discovery: Discovery) -> None:
    job = await story.sync(discovery=discovery)
    assert job.status is JobStatus.COMPLETED
    assert max(checkpoints(story)) >= 4
    assert Counter(await story.listed_keys(job)) == Counter(KEYS)
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert job.listing.objects_listed == len(KEYS)


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_objects_that_the_catalog_knows_are_counted_once(
    story: Any, discovery: Discovery
) -> None:
    """In discovery batch they go to a file of their own, from each range."""
    await story.sync()
    for event in story.ports.bus.events[::2]:
        story.record(event)
    job = await story.sync(discovery=discovery, verify=Verify.CATALOG)
    assert job.status is JobStatus.COMPLETED
    assert Counter(story.kinds(job).values()) == {"SKIPPED": 75, "INGESTING": 75}
    assert job.listing.objects_listed == len(KEYS)
    assert job.listing.objects_known == (75 if discovery is Discovery.BATCH else 0)


async def test_the_rows_of_a_part_are_in_the_order_of_their_keys(story: Any) -> None:
    upload_part = story.ports.results.upload_part
    parts: list[list[str]] = []

    async def noted(key: str, upload_id: str, number: int, content: bytes) -> str:
        parts.append([line.split(",")[1] for line in content.decode().splitlines()])
        e_tag: str = await upload_part(key, upload_id, number, content)
        return e_tag

    story.ports.results.upload_part = noted
    job = await story.sync(discovery=Discovery.BATCH)
    assert await story.listed_keys(job) == [key for part in parts for key in part]
    assert all(part == sorted(part) for part in parts)
    assert await story.listed_keys(job) != KEYS


async def test_the_chunk_of_an_object_is_found_without_reading_all(
    new_story: Callable[..., Any],
) -> None:
    """The keys of a chunk are near to each other: they are of one range."""
    tuning = Tuning(sizing=ChunkSizing(object_count_max=5), listing_pages_per_probe=1)
    story = new_story(tuning)
    story.put(*KEYS)
    job = await story.sync()
    # Most of the chunks are full.
    assert 30 <= len(story.chunks(job)) <= 40
    for key in KEYS:
        page = await story.ports.chunks.covering_page(job.job_id, key, limit=50, cursor=None)
        # The leftovers of ranges that ended share a chunk.
        assert len(page.items) <= 2


@pytest.mark.parametrize("discovery", list(Discovery))
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_engine_that_dies_at_any_call_loses_and_doubles_nothing(
    new_story: Callable[..., Any], when: str, discovery: Discovery
) -> None:
    """Each engine dies at a later call than the one before; the next ones finish its listing."""
    tuning = Tuning(
        sizing=ChunkSizing(object_count_max=50),
        manifest_part_bytes=11 * len(ROW),
        listing_pages_per_probe=1,
        checkpoint_after_s=3 * 0.5,
    )
    number, split, died = 0, 0, True
    while died:
        story = new_story(tuning)
        story.put(*KEYS[:60])
        slow_pages(story)
        faults = Faults()
        ports: Any = faulty(story.ports, faults)
        job = await story.start(discovery=discovery)
        story.ports.invoker.take()

        def dies(_: Call, faults: Faults = faults, number: int = number) -> Any:
            return Crash() if len(faults.calls) > number else None

        setattr(faults, when, dies)
        died = False
        try:
            await use_cases(ports, tuning).engine().advance(job.job_id, story.deadline())
        except Crash:
            died = True
        split += (await story.ports.jobs.get(job.job_id)).listing.ranges[0].up_to is not None
        story.ports.clock.advance(2_000)
        await story.use_cases.sweep().run(story.deadline())
        job = await story.finish(job.job_id)
        assert job.status is JobStatus.COMPLETED
        assert Counter(await story.listed_keys(job)) == Counter(KEYS[:60])
        assert job.listing.objects_listed == 60
        number += 1
    assert number > 60
    assert split > 10


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_an_engine_whose_lease_ran_out_adds_nothing(story: Any, discovery: Discovery) -> None:
    """Another engine lists the rest from the last checkpoint, and the first one notices."""
    job = await story.start(discovery=discovery)

    async def another() -> None:
        assert (await story.ports.jobs.get(job.job_id)).listing.ranges[0].up_to is not None
        story.ports.clock.advance(2_000)
        await story.use_cases.engine().advance(job.job_id, story.deadline())

    on_page(story, 30, another)
    await story.run_engine()
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert Counter(await story.listed_keys(job)) == Counter(KEYS)
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert await story.failures(job) == []


async def test_two_engines_at_once_list_once(story: Any) -> None:
    """The second one finds the lease, and does nothing."""
    job = await story.start()

    async def another() -> None:
        before = story.requests.total()
        with pytest.raises(JobLeaseHeld):
            await story.use_cases.engine().advance(job.job_id, story.deadline())
        assert story.requests.total() == before

    on_page(story, 30, another)
    job = await story.finish(job.job_id)
    assert Counter(await story.listed_keys(job)) == Counter(KEYS)


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_a_cancelled_listing_stops_at_its_next_checkpoint(
    story: Any, discovery: Discovery
) -> None:
    job = await story.start(discovery=discovery)

    async def cancel() -> None:
        assert (await story.ports.jobs.get(job.job_id)).listing.ranges[0].up_to is not None
        await story.use_cases.cancel_job().cancel(job.job_id)

    on_page(story, 30, cancel)
    await story.run_engine()
    job = await story.finish(job.job_id)
    assert (job.status, job.status_reason) == (JobStatus.CANCELLED, "cancelled by request")
    assert story.ports.results.open_uploads == []
    assert story.requests["ListObjectsV2"] < 50


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_a_listing_continues_with_fewer_streams(story: Any, discovery: Discovery) -> None:
    """The setting was changed between two invocations."""
    job = await story.start(discovery=discovery)

    async def die() -> None:
        raise Crash

    on_page(story, 30, die)
    with pytest.raises(Crash):
        await story.run_engine()
    assert len((await story.ports.jobs.get(job.job_id)).listing.ranges) > 2
    one = Tuning(sizing=ChunkSizing(object_count_max=5), listing_streams=1)
    story.use_cases = use_cases(story.ports, one)
    job = await story.finish(job.job_id)
    assert Counter(await story.listed_keys(job)) == Counter(KEYS)


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_each_prefix_is_split_on_its_own(story: Any, discovery: Discovery) -> None:
    keys = [f"{folder}/{number:03}.jpg" for folder in "abc" for number in range(60)]
    story.put(*keys)
    job = await story.sync(discovery=discovery, prefixes=("a/", "b/", "c/", "nothing/"))
    assert Counter(await story.listed_keys(job)) == Counter(keys)
    [warning] = job.findings.warnings
    assert "nothing/" in warning


async def test_a_small_bucket_costs_no_more_requests(new_story: Callable[..., Any]) -> None:
    """One page is one request, and so on up to ten pages."""
    for object_count in (0, 3, 4, 30):
        story = new_story()
        story.put(*KEYS[:object_count])
        await story.sync()
        assert story.requests["ListObjectsV2"] == max(1, -(-object_count // 3))
