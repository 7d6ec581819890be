"""Attempts at a chunk are bounded: only final outcomes count as progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.chunk import Chunk
from domain.job import Job, JobStatus
from ports.errors import Throttled, Unavailable

BUCKET = "media"
MIB = 1024**2
LIVES_MAX = 40
TUNING = Tuning(
    single_copy_bytes_max=10 * MIB,
    copy_part_bytes=5 * MIB,
    copy_parts_in_flight=1,
    ending_poll_s=0.1,
    manifest_part_bytes=1,
)


def nine_tags() -> dict[str, str]:
    """Return so many tags that no more fit."""
    return {f"tag{number}": "value" for number in range(9)}


async def lives(story: Any, job: Job) -> list[Chunk]:
    """Deliver the only chunk's message until it is settled; return the chunk after each attempt."""
    seen: list[Chunk] = []
    while not seen or not seen[-1].terminal:
        story.ports.clock.advance(900)
        await story.run_chunks()
        seen += story.chunks(job)
        assert len(seen) < LIVES_MAX, "the chunk is never settled"
    return seen


def throttle(story: Any, *keys: str) -> None:
    """Make S3 throttle every read of one of these objects."""
    head = story.ports.objects.head

    async def throttled(bucket: Any, key: str) -> Any:
        if key in keys:
            raise Throttled("slow down")
        return await head(bucket, key)

    story.ports.objects.head = throttled


async def test_a_failing_object_next_to_a_throttled_one_is_not_progress(story: Any) -> None:
    story.put("full.jpg", tags=nine_tags())
    story.put("busy.jpg", "fine.jpg")
    throttle(story, "busy.jpg")
    job = await story.start()
    await story.run_engine()
    seen = await lives(story, job)
    # The first attempt gets two of three final outcomes; later ones get none.
    attempts = story.tuning.chunk_attempt_count_max
    assert [chunk.attempt_count for chunk in seen] == [0, *range(1, attempts + 1)]
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    reasons = {key: line["reason"] for key, line in story.outcomes(job).items()}
    assert reasons == {
        "full.jpg": "TagLimitExceeded",
        "busy.jpg": "Throttled",
        "fine.jpg": "NO_IDS",
    }


async def test_a_final_failure_is_not_retried(story: Any) -> None:
    story.put("full.jpg", tags=nine_tags())
    story.put("busy.jpg")
    throttle(story, "busy.jpg")
    job = await story.start()
    await story.run_engine()
    read = story.ports.objects.read_tags
    asked: list[str] = []

    async def counted(bucket: Any, key: str) -> Any:
        asked.append(key)
        return await read(bucket, key)

    story.ports.objects.read_tags = counted
    await lives(story, job)
    assert asked.count("full.jpg") == 1
    [failure] = [f for f in await story.failures(job) if f.key == "full.jpg"]
    assert failure.error_class == "TagLimitExceeded"
    assert failure.message
    # A redrive retries all failures.
    await story.use_cases.redrive_job().redrive(job.job_id)
    await story.run_engine()
    await story.run_chunks()
    assert asked.count("full.jpg") == 2


async def test_an_object_that_no_attempt_can_copy_fails(new_story: Callable[..., Any]) -> None:
    """Copying one part of it takes longer than a worker's lifetime."""
    sizing = replace(TUNING.sizing, copied_bytes_per_s=5 * MIB / 1_000, work_target_s=10_000)
    story = new_story(replace(TUNING, sizing=sizing))
    story.put("a full.jpg", tags=nine_tags())
    story.put("b fine.jpg")
    story.buckets.put(BUCKET, "huge.mxf", b"stand-in", size_bytes=12 * MIB)
    story.ports.clock.advance(1)
    job = await story.start()
    await story.run_engine()
    assert len(story.chunks(job)) == 1
    seen = await lives(story, job)
    assert len(seen) == 1 + story.tuning.chunk_attempt_count_max + 1
    job = await story.finish(job.job_id)
    reasons = {key: line["reason"] for key, line in story.outcomes(job).items()}
    assert reasons == {
        "a full.jpg": "TagLimitExceeded",
        "b fine.jpg": "NO_IDS",
        "huge.mxf": "GivenUp",
    }
    assert story.buckets.uploads == {}


@pytest.mark.parametrize("finished", [True, False])
async def test_a_copy_of_an_object_that_is_always_replaced_is_not_progress(
    new_story: Callable[..., Any], finished: bool
) -> None:
    """Its owner writes it repeatedly, after its copy or during it."""
    story = new_story(TUNING)
    story.put("full.jpg", tags=nine_tags())
    number = 0

    def replaced() -> None:
        nonlocal number
        number += 1
        content = f"version {number}".encode()
        story.buckets.put(BUCKET, "huge.mxf", content, size_bytes=22 * MIB)
        story.ports.clock.advance(2)

    replaced()
    story.ports.bus.refuse = lambda _: Unavailable("no bus")
    copy_part = story.ports.objects.copy_part

    async def interrupted(bucket: Any, head: Any, copy_id: str, part: Any) -> Any:
        if part.number == 3 and not finished:
            replaced()
            raise Unavailable("S3 is down")
        return await copy_part(bucket, head, copy_id, part)

    story.ports.objects.copy_part = interrupted
    job = await story.start()
    await story.run_engine()
    story.on_chunk = replaced if finished else lambda: None
    await lives(story, job)
    job = await story.finish(job.job_id)
    assert job.tally.statistics.failed == 2
    assert story.buckets.uploads == {}
