"""A listing that takes many invocations: each one continues, whatever the filters selected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.job import JobStatus
from domain.packing import ChunkSizing
from ports.errors import Unavailable

BUCKET = "media"
PAGE_S = 10.0
LIFE_COUNT_MAX = 60


class Died(BaseException):
    """The process is killed."""


def slow_pages(story: Any) -> list[str | None]:
    """Make each page of a listing take time; return the start of each page, as it is requested."""
    list_objects = story.ports.objects.list_objects
    asked: list[str | None] = []

    async def slow(
        bucket: Any, *, prefix: str, start_after: str | None, **more: Any
    ) -> AsyncIterator[Any]:
        async for page in list_objects(bucket, prefix=prefix, start_after=start_after, **more):
            story.ports.clock.advance(PAGE_S)
            asked.append(page.entries[0].key if page.entries else None)
            yield page

    story.ports.objects.list_objects = slow
    return asked


def part_sizes(story: Any) -> list[int]:
    """Return the sizes of the parts of the manifest, as they are sent."""
    upload_part = story.ports.results.upload_part
    sizes: list[int] = []

    async def noted(key: str, upload_id: str, number: int, content: bytes) -> str:
        e_tag: str = await upload_part(key, upload_id, number, content)
        sizes.append(len(content))
        return e_tag

    story.ports.results.upload_part = noted
    return sizes


async def lives(story: Any, job: Any) -> int:
    """Invoke the engine as often as the listing needs; return the number of invocations."""
    for life in range(LIFE_COUNT_MAX):
        if (await story.ports.jobs.get(job.job_id)).listed:
            return life
        await story.run_engine()
        if not story.ports.invoker.job_ids:
            story.ports.clock.advance(400)
            await story.use_cases.sweep().run(story.deadline())
    pytest.fail(f"not listed after {LIFE_COUNT_MAX} lives")


def slow_lives(new_story: Callable[..., Any], *, part_rows: int) -> Any:
    """Return a story whose engine gets three pages of three objects per invocation."""
    made = new_story(
        Tuning(sizing=ChunkSizing(object_count_max=5), manifest_part_bytes=part_rows * len(ROW))
    )
    made.time_s = made.tuning.stop_margin_s + 2.5 * PAGE_S
    return made


@pytest.fixture
def slow_story(new_story: Callable[..., Any]) -> Any:
    """A story with three pages per invocation, and parts of more rows than those have."""
    return slow_lives(new_story, part_rows=11)


ROW = f"media,00.jpg,17,2026-01-01T00:00:00.000Z,{32 * 'e'}\n"
KEYS = [f"{number:02}.jpg" for number in range(50)]


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_no_page_is_requested_twice(slow_story: Any, discovery: Discovery) -> None:
    slow_story.put(*KEYS)
    asked, sizes = slow_pages(slow_story), part_sizes(slow_story)
    job = await slow_story.start(discovery=discovery)
    assert await lives(slow_story, job) == 6

    assert asked == KEYS[::3]
    assert await slow_story.listed_keys(job) == KEYS
    assert all(size >= slow_story.tuning.manifest_part_bytes for size in sizes[:-1])
    job = await slow_story.finish(job.job_id)
    assert slow_story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert job.listing.objects_listed == 50


@pytest.mark.parametrize("discovery", list(Discovery))
@pytest.mark.parametrize("selected", [0, 1, 2])
async def test_filtered_pages_are_not_listed_again(
    slow_story: Any, selected: int, discovery: Discovery
) -> None:
    """Few rows fill no part of a manifest; the listed pages count nevertheless."""
    chosen = [f"{number:02}.mxf" for number in (7, 33)[:selected]]
    slow_story.put(*KEYS, *chosen)
    asked = slow_pages(slow_story)
    job = await slow_story.start(discovery=discovery, include=("*.mxf",))
    await lives(slow_story, job)

    assert asked == sorted([*KEYS, *chosen])[::3]
    job = await slow_story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert slow_story.kinds(job) == dict.fromkeys(chosen, "PUT")
    assert (job.listing.objects_listed, job.listing.objects_filtered) == (selected, 50)


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_pages_without_objects_are_not_listed_again(
    slow_story: Any, discovery: Discovery
) -> None:
    """Delete markers give pages without keys; only a token of the store names a position there."""
    slow_story.buckets.find(BUCKET).versioned = True
    slow_story.put(*KEYS)
    for key in KEYS[3:-2]:
        slow_story.buckets.delete(BUCKET, key)
    asked = slow_pages(slow_story)
    job = await slow_story.start(discovery=discovery)
    assert await lives(slow_story, job) == 6

    assert asked == [KEYS[0], *[None] * 15, KEYS[48]]
    assert await slow_story.listed_keys(job) == [*KEYS[:3], *KEYS[-2:]]


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_an_expired_token_is_replaced_by_the_last_key(
    slow_story: Any, discovery: Discovery
) -> None:
    slow_story.buckets.find(BUCKET).versioned = True
    slow_story.put(*KEYS)
    for key in KEYS[3:12]:
        slow_story.buckets.delete(BUCKET, key)
    asked = slow_pages(slow_story)
    job = await slow_story.start(discovery=discovery)
    await slow_story.run_engine()
    stored = await slow_story.ports.jobs.get(job.job_id)
    [keys] = stored.listing.ranges
    assert (keys.after, keys.token is None) == (KEYS[2], False)
    forgotten = replace(
        stored, listing=replace(stored.listing, ranges=(replace(keys, token="unknown"),))
    )
    await slow_story.ports.jobs.save(forgotten)
    await lives(slow_story, job)

    assert asked == [KEYS[0], None, None, None, None, None, *KEYS[12::3]]
    assert await slow_story.listed_keys(job) == [*KEYS[:3], *KEYS[12:]]


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_each_prefix_continues_where_it_stopped(
    slow_story: Any, discovery: Discovery
) -> None:
    keys = [f"{folder}/{key}" for folder in "abc" for key in KEYS[:8]]
    slow_story.put(*keys)
    asked = slow_pages(slow_story)
    job = await slow_story.start(discovery=discovery, prefixes=("a/", "b/", "c/"))
    await lives(slow_story, job)

    pages = [key for folder in range(3) for key in keys[8 * folder : 8 * folder + 8 : 3]]
    assert asked == pages
    assert await slow_story.listed_keys(job) == keys


@pytest.mark.parametrize("died", ["before", "after"])
async def test_an_invocation_that_dies_while_it_saves_its_rest_loses_nothing(
    new_story: Callable[..., Any], died: str
) -> None:
    """The file with the rest is written before the record names it, each time under a new name."""
    slow_story = slow_lives(new_story, part_rows=30)
    slow_story.put(*KEYS)
    slow_pages(slow_story)
    put = slow_story.ports.results.put

    async def dying_put(key: str, content: bytes) -> None:
        dies = "/progress/" in key
        if dies and died == "before":
            raise Died
        await put(key, content)
        if dies:
            raise Died

    job = await slow_story.start(discovery=Discovery.BATCH)
    await slow_story.run_engine()
    slow_story.ports.results.put = dying_put
    with pytest.raises(Died):
        await slow_story.run_engine()
    slow_story.ports.results.put = put
    [keys] = (await slow_story.ports.jobs.get(job.job_id)).listing.ranges
    assert keys.after == KEYS[8]
    await lives(slow_story, job)
    assert await slow_story.listed_keys(job) == KEYS


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_an_invocation_that_fails_loses_a_minute_at_most(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    """An error occurs before each deadline; pages listed long before it are durable."""
    story = new_story(Tuning(sizing=ChunkSizing(object_count_max=5)))
    story.put(*KEYS)
    asked = slow_pages(story)
    list_objects = story.ports.objects.list_objects

    async def failing(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        count = 0
        async for page in list_objects(bucket, **place):
            yield page
            count += 1
            if count == 8:
                raise Unavailable("503")

    story.ports.objects.list_objects = failing
    job = await story.start()
    for listed in (18, 36):
        with pytest.raises(Unavailable):
            await story.use_cases.engine().advance(job.job_id, story.deadline())
        assert (await story.ports.jobs.get(job.job_id)).listing.objects_listed == listed
    await story.finish(job.job_id)
    assert await story.listed_keys(job) == KEYS
    assert len(asked) == 8 + 8 + 5


async def test_a_deleted_rest_fails_the_job(slow_story: Any) -> None:
    """Rows that were listed and are not in the manifest are never silently left out."""
    slow_story.put(*KEYS)
    slow_pages(slow_story)
    job = await slow_story.start(discovery=Discovery.BATCH)
    await slow_story.run_engine()
    for name in [name for name in slow_story.ports.results.files if "/progress/" in name]:
        del slow_story.ports.results.files[name]
    job = await slow_story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "progress/manifest-" in job.status_reason
