"""Objects that are copied in parts, by processes that live for less time than it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.policy import Policy
from domain.chunk import ChunkStatus
from domain.job import JobStatus
from ports.errors import AccessDenied, Throttled, TimedOut

BUCKET = "media"
MIB = 1024**2
KEY = "film.mxf"
PART_COUNT = 9
LIVES_S = 30.0

POLICY = Policy(
    single_copy_bytes_max=10 * MIB,
    copy_part_bytes=5 * MIB,
    stop_margin_s=20.0,
    ending_poll_s=0.1,
    manifest_part_bytes=1,
)


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """A bucket with one large object; copying a part takes four seconds of ten."""
    return prepared(new_story, replace(POLICY, copy_parts_in_flight=1))


def prepared(new_story: Callable[..., Any], policy: Policy) -> Any:
    made = new_story(policy)
    made.time_s = LIVES_S
    put_film(made)
    made.on_part = lambda number: None
    copy_part = made.ports.objects.copy_part

    async def slow(bucket: Any, head: Any, copy_id: str, part: Any) -> Any:
        made.on_part(part.number)
        for _ in range(20):  # others have their turn, as in any real request
            await asyncio.sleep(0)
        copied = await copy_part(bucket, head, copy_id, part)
        made.ports.clock.advance(4)
        return copied

    made.ports.objects.copy_part = slow
    return made


def put_film(story: Any, content: bytes = b"film", **more: Any) -> None:
    story.buckets.put(BUCKET, KEY, content, size_bytes=PART_COUNT * 5 * MIB - 1, **more)
    story.ports.clock.advance(1)


def part_requests(story: Any) -> tuple[int, int, int]:
    """How many copies were begun, parts copied, copies finished."""
    names = ("CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
    return tuple(story.requests[name] for name in names)  # type: ignore[return-value]


async def until_part(story: Any, number: int, then: Callable[[], None]) -> Any:
    """Start a sync, and have something happen once, before a part is copied."""
    happened = []

    def on_part(copying: int) -> None:
        if copying == number and not happened:
            happened.append(copying)
            then()

    story.on_part = on_part
    return await story.start()


async def settled(story: Any, job: Any) -> Any:
    job = await story.finish(job.job_id)
    assert story.buckets.uploads == {}
    return job


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


async def test_a_copy_that_takes_longer_than_a_process_lives_is_gone_on_with(story: Any) -> None:
    """More processes than a chunk has attempts: each of them brings it further."""
    created: list[Any] = []
    story.buckets.on_created.append(created.append)
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1

    story.on_chunk = count

    job = await settled(story, await story.start())

    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED, {KEY: "PUT"})
    assert turns > POLICY.chunk_attempt_count_max - 2
    assert part_requests(story) == (1, PART_COUNT, 1)
    assert [event.kind for event in created] == ["CompleteMultipartUpload"]
    assert story.buckets.get(BUCKET, KEY).content == b"film"
    assert len(story.ports.bus.events) == 1


async def test_a_part_that_had_to_wait_for_its_turn_is_not_started_too_late(
    new_story: Callable[..., Any],
) -> None:
    """All ask at the beginning, one at a time is copied: the others' time is over by then."""
    story = prepared(new_story, replace(POLICY, windows_in_flight=1, calls_in_flight=1))
    started_at: list[Any] = []
    story.on_part = lambda number: started_at.append(story.ports.clock.now())
    job = await story.start()
    await story.run_engine()
    began_at = story.ports.clock.now()

    await story.run_chunks()

    assert 0 < len(started_at) < PART_COUNT
    last_s = (started_at[-1] - began_at).total_seconds()
    assert last_s <= LIVES_S - POLICY.stop_margin_s
    assert (await settled(story, job)).status is JobStatus.COMPLETED


async def test_one_part_per_process_is_progress(story: Any) -> None:
    story.time_s = POLICY.stop_margin_s + 3

    job = await settled(story, await story.start())

    assert job.status is JobStatus.COMPLETED
    assert part_requests(story) == (1, PART_COUNT, 1)


async def test_after_a_throttle_no_part_is_copied_twice(story: Any) -> None:
    job = await until_part(story, 3, raising(Throttled("slow down")))

    job = await settled(story, job)

    assert job.status is JobStatus.COMPLETED
    assert part_requests(story) == (1, PART_COUNT, 1)


async def test_a_process_that_dies_loses_its_own_parts_only(story: Any) -> None:
    job = await until_part(story, 5, raising(Crash()))
    await story.run_engine()
    story.ports.queue.receive()
    process = story.use_cases.process_chunk().process
    await process(job.job_id, 0, story.deadline())
    with pytest.raises(Crash):
        await process(job.job_id, 0, story.deadline())

    job = await settled(story, job)

    assert job.status is JobStatus.COMPLETED
    begun, copied, finished = part_requests(story)
    assert (begun, finished) == (1, 1)
    assert PART_COUNT < copied < 2 * PART_COUNT
    assert story.buckets.get(BUCKET, KEY).content == b"film"


async def test_a_new_object_is_copied_from_its_first_part_on(story: Any) -> None:
    job = await until_part(story, 4, lambda: put_film(story, b"another film", tags={"new": "1"}))

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}
    assert story.buckets.get(BUCKET, KEY).content == b"another film"
    assert story.tags(KEY)["new"] == "1"
    assert part_requests(story)[0] == 2


async def test_a_tag_that_is_set_between_two_processes_is_kept(story: Any) -> None:
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    head = await story.ports.objects.head(_bucket(story), KEY)
    story.buckets.set_tags(BUCKET, head, {"rating": "5"})

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}
    assert story.tags(KEY)["rating"] == "5"
    assert part_requests(story)[0] == 2


async def test_a_copy_that_somebody_aborted_is_begun_again(story: Any) -> None:
    job = await until_part(story, 4, story.buckets.uploads.clear)

    job = await settled(story, job)

    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED, {KEY: "PUT"})
    assert part_requests(story)[0] == 2


async def test_a_copy_whose_end_was_not_heard_is_announced_and_not_made_twice(story: Any) -> None:
    finish_copy = story.ports.objects.finish_copy

    async def unheard(*args: Any) -> Any:
        await finish_copy(*args)
        raise TimedOut("no answer")

    story.ports.objects.finish_copy = unheard

    job = await settled(story, await story.start())

    assert story.kinds(job) == {KEY: "PUT"}
    assert part_requests(story) == (1, PART_COUNT, 1)
    assert len(story.ports.bus.events) == 1


@pytest.mark.parametrize("worked_on", [True, False], ids=["worked on", "handed back"])
async def test_a_cancelled_copy_is_given_up(story: Any, worked_on: bool) -> None:
    created: list[Any] = []
    story.buckets.on_created.append(created.append)
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    assert len(story.buckets.uploads) == 1
    await story.use_cases.cancel_job().cancel(job.job_id)
    if worked_on:
        await story.run_chunks()
    else:
        story.ports.queue.receive()

    job = await settled(story, job)

    assert job.status is JobStatus.CANCELLED
    assert created == []
    assert "AssetID" not in story.tags(KEY)


async def test_a_copy_that_never_comes_further_fails_and_is_given_up(story: Any) -> None:
    def throttle(number: int) -> None:
        if number == 3:
            raise Throttled("slow down")

    story.on_part = throttle

    job = await settled(story, await story.start())

    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED_WITH_ERRORS, {KEY: "FAILED"})
    assert [f.error_class for f in await story.failures(job)] == ["Throttled"]


async def test_a_copy_that_is_refused_is_given_up_at_once(story: Any) -> None:
    job = await until_part(story, 2, raising(AccessDenied("no right to read")))

    job = await settled(story, job)

    assert [f.error_class for f in await story.failures(job)] == ["AccessDenied"]
    assert part_requests(story) == (1, 1, 0)


async def test_what_cannot_be_given_up_does_not_keep_the_job(story: Any) -> None:
    job = await until_part(story, 2, raising(AccessDenied("no right to read")))

    async def denied(*_: Any) -> None:
        raise AccessDenied("no right to abort")

    story.ports.objects.abandon_copy = denied

    job = await story.finish(job.job_id)

    assert story.kinds(job) == {KEY: "FAILED"}
    warned = [entry for entry in story.ports.telemetry.warnings if "copy" in entry.name]
    assert warned
    assert all("no right to abort" in entry.facts["cause"] for entry in warned)


async def test_a_redriven_copy_is_begun_again(story: Any) -> None:
    def throttle(number: int) -> None:
        if number == 3:
            raise Throttled("slow down")

    story.on_part = throttle
    job = await story.finish((await story.start()).job_id)
    story.on_part = lambda number: None
    await story.use_cases.redrive_job().redrive(job.job_id)

    job = await settled(story, job)

    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED, {KEY: "PUT"})
    assert [chunk.status for chunk in story.chunks(job)] == [ChunkStatus.COMPLETED]


async def test_chunks_of_small_objects_cost_nothing_more(new_story: Callable[..., Any]) -> None:
    story = new_story(POLICY)
    story.put("a.jpg", "b.jpg")
    read: list[str] = []
    get = story.ports.results.get

    async def noting(key: str) -> bytes:
        read.append(key)
        content: bytes = await get(key)
        return content

    story.ports.results.get = noting
    job = await story.sync()

    assert story.kinds(job) == {"a.jpg": "PUT", "b.jpg": "PUT"}
    assert not [key for key in read if "copies" in key]


def _bucket(story: Any) -> Any:
    (connector,) = story.world.database.connectors.values()
    return connector.bucket
