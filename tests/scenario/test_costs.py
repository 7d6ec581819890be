"""The requests of a sync, and its continuation after a deadline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from port_spy import spy

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.job import JobStatus
from domain.packing import ChunkSizing
from ports.errors import Throttled

BUCKET = "media"


async def test_a_skip_costs_one_read(story: Any) -> None:
    for number in range(12):
        story.put_known(f"{number}.jpg")
    await story.sync()
    assert story.requests["GetObjectTagging"] == 12
    assert story.requests["HeadObject"] == 0
    assert sum(story.writes().values()) == 0


async def test_a_put_or_copy_costs_two_reads_and_one_write(story: Any) -> None:
    for number in range(6):
        story.put(f"put {number}.jpg")
        story.put_half_known(f"copy {number}.jpg")
    await story.sync()
    assert story.requests["GetObjectTagging"] == 12
    assert story.requests["HeadObject"] == 12
    assert story.writes() == {
        "CopyObject": 12,
        "PutObjectTagging": 0,
        "CompleteMultipartUpload": 0,
        "events": 12,
    }


@pytest.mark.parametrize(("count", "look_ups"), [(1, 1), (100, 1), (101, 2), (250, 3)])
async def test_the_catalog_is_queried_in_batches_of_a_hundred(
    new_story: Callable[..., Any], count: int, look_ups: int
) -> None:
    story = new_story(Tuning(), page_object_count=1_000)
    story.put(*(f"{number:03d}.jpg" for number in range(count)))
    calls = spy(story.ports.catalog)
    await story.sync()
    assert calls["look_up"] == look_ups


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_state_tables_get_no_write_per_object(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    async def writes(count: int) -> Counter[str]:
        story = new_story(Tuning(), page_object_count=1_000)
        story.put(*(f"{number:03d}.jpg" for number in range(count)))
        jobs, chunks = spy(story.ports.jobs), spy(story.ports.chunks)
        job = await story.sync(discovery=discovery)
        assert len(story.chunks(job)) == 1
        both = jobs + chunks
        return Counter({name: both[name] for name in ("create", "save", "add", "settle")})

    assert await writes(2) == await writes(200)


async def test_events_go_out_by_ten(new_story: Callable[..., Any]) -> None:
    story = new_story(Tuning(), page_object_count=1_000)
    story.put(*(f"{number:03d}.jpg" for number in range(95)))
    calls = spy(story.ports.bus)
    await story.sync()
    assert len(story.ports.bus.events) == 95
    assert calls["publish"] == 10


async def test_a_huge_object_gets_a_chunk_of_its_own(new_story: Callable[..., Any]) -> None:
    story = new_story(Tuning(sizing=ChunkSizing(bytes_max=1_000)))
    story.put("a.jpg", "c.jpg")
    story.buckets.put(BUCKET, "b.mov", b"stand-in", size_bytes=10**12)
    job = await story.sync()
    assert [(c.first_key, c.object_count) for c in story.chunks(job)] == [
        ("a.jpg", 1),
        ("b.mov", 1),
        ("c.jpg", 1),
    ]
    assert story.requests["CompleteMultipartUpload"] == 1


# Continuations.


class Ticking:
    """Advances the clock at each call of a port, so that deadlines are reached."""

    def __init__(self, story: Any, port: Any, method: str, seconds: float) -> None:
        sound = getattr(port, method)

        async def call(*args: Any, **kwargs: Any) -> Any:
            story.ports.clock.advance(seconds)
            return await sound(*args, **kwargs)

        setattr(port, method, call)


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_listing_and_splitting_continue_after_the_deadline(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = new_story(Tuning(sizing=ChunkSizing(object_count_max=2), manifest_part_bytes=1))
    story.put(*(f"{number:02d}.jpg" for number in range(20)))
    story.time_s = 25.0
    Ticking(story, story.ports.results, "upload_part", 4)
    Ticking(story, story.ports.results, "put", 4)
    orders = spy(story.ports.invoker)
    job = await story.sync(discovery=discovery)
    assert job.status is JobStatus.COMPLETED
    assert set(story.kinds(job).values()) == {"PUT"}
    assert len(story.kinds(job)) == 20
    assert orders["advance"] > 3


async def test_a_chunk_continues_after_the_deadline(new_story: Callable[..., Any]) -> None:
    tuning = Tuning(
        sizing=ChunkSizing(object_count_max=20),
        window_object_count=2,
        windows_in_flight=1,
        calls_in_flight=1,
    )
    story = new_story(tuning, page_object_count=100)
    story.put(*(f"{number:02d}.jpg" for number in range(20)))
    Ticking(story, story.ports.objects, "head", 3)
    story.time_s = 30.0
    attempts = 0

    def count() -> None:
        nonlocal attempts
        attempts += 1

    story.on_chunk = count
    job = await story.sync()
    assert job.status is JobStatus.COMPLETED
    assert set(story.kinds(job).values()) == {"PUT"}
    # Each object was read and copied once: nothing was repeated.
    assert story.requests["CopyObject"] == 20
    assert len(story.ports.bus.events) == 20
    assert attempts > 3


async def test_only_retryable_failures_are_retried(story: Any) -> None:
    story.put("a.jpg", "b.jpg", "c.jpg")
    sound, left = story.ports.objects.head, [2]

    async def head(bucket: Any, key: str) -> Any:
        if key == "b.jpg" and left[0]:
            left[0] -= 1
            raise Throttled("slow down")
        return await sound(bucket, key)

    story.ports.objects.head = head
    job = await story.sync()
    assert (job.status, set(story.kinds(job).values())) == (JobStatus.COMPLETED, {"PUT"})
    assert story.requests["GetObjectTagging"] == 5
    assert story.requests["CopyObject"] == 3


async def test_attempts_without_progress_are_bounded(new_story: Callable[..., Any]) -> None:
    tuning = Tuning(chunk_attempt_count_max=3, window_object_count=2)
    story = new_story(tuning)
    story.put("a.jpg")
    story.time_s = 10.0  # less than the margin: no object is ever started
    sweep_deadline = story.deadline
    job = await story.start()
    story.time_s = 900.0
    await story.run_engine()
    story.time_s = 10.0
    for _ in range(6):
        await story.run_chunks()
        story.ports.clock.advance(1_000)
    story.time_s = 900.0
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert "3 attempts failed" in (await story.failures(job))[0].message
    assert sweep_deadline().remaining_s() > 0


async def test_a_chunk_whose_worker_died_is_requeued_by_the_sweep(story: Any) -> None:
    story.put("a.jpg")
    job = await story.start()
    await story.run_engine()
    (message,) = story.ports.queue.receive()
    await story.use_cases.chunk_leases().acquire(job.job_id, message.chunk_index, story.deadline())
    await story.run_chunks()
    assert (await story.ports.jobs.get(job.job_id)).status is JobStatus.PROCESSING
    story.ports.clock.advance(1_000)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert replace(job.tally.statistics, put=0).total == 0
