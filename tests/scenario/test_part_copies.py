"""Multipart copies that take longer than the lifetime of a process."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from adapters.memory.buckets import EVERYBODY
from application.execution.fanout import AdaptiveLimit
from application.execution.tuning import Tuning
from domain.chunk import ChunkStatus
from domain.job import JobStatus
from entrypoints.wiring.memory import use_cases
from ports.errors import (
    AccessDenied,
    Conflict,
    NotFound,
    PortError,
    Throttled,
    TimedOut,
    Unavailable,
)

BUCKET = "media"
MIB = 1024**2
KEY = "film.mxf"
PART_COUNT = 9
LIVES_S = 30.0

TUNING = Tuning(
    single_copy_bytes_max=10 * MIB,
    copy_part_bytes=5 * MIB,
    stop_margin_s=20.0,
    ending_poll_s=0.1,
    manifest_part_bytes=1,
)


class Crash(BaseException):
    """The process is killed."""


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """A bucket with one large object; copying a part takes four seconds of ten."""
    return prepared(new_story, replace(TUNING, copy_parts_in_flight=1))


def prepared(new_story: Callable[..., Any], tuning: Tuning) -> Any:
    made = new_story(tuning)
    made.time_s = LIVES_S
    put_film(made)
    made.on_part = lambda number: None
    copy_part = made.ports.objects.copy_part

    async def slow(bucket: Any, head: Any, copy_id: str, part: Any) -> Any:
        made.on_part(part.number)
        for _ in range(20):  # other tasks run, as during any real request
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
    """Return the numbers of copies created, parts copied, and copies completed."""
    names = ("CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
    return tuple(story.requests[name] for name in names)  # type: ignore[return-value]


async def until_part(story: Any, number: int, then: Callable[[], None]) -> Any:
    """Start a sync, and run a hook once, before a part is copied."""
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


async def test_a_copy_that_takes_longer_than_a_process_lives_is_resumed(story: Any) -> None:
    """More processes than a chunk has attempts: each of them makes progress."""
    created: list[Any] = []
    story.buckets.on_created.append(created.append)
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1

    story.on_chunk = count

    job = await settled(story, await story.start())

    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED, {KEY: "PUT"})
    assert turns > TUNING.chunk_attempt_count_max - 2
    assert part_requests(story) == (1, PART_COUNT, 1)
    assert [event.kind for event in created] == ["CompleteMultipartUpload"]
    assert story.buckets.get(BUCKET, KEY).content == b"film"
    assert len(story.ports.bus.events) == 1


async def test_a_part_that_waited_for_its_permit_is_not_started_too_late(
    new_story: Callable[..., Any],
) -> None:
    """All wait at the start, one at a time is copied: the time of the others is over by then."""
    story = prepared(new_story, replace(TUNING, windows_in_flight=1, calls_in_flight=1))
    started_at: list[Any] = []
    story.on_part = lambda number: started_at.append(story.ports.clock.now())
    job = await story.start()
    await story.run_engine()
    began_at = story.ports.clock.now()

    await story.run_chunks()

    assert 0 < len(started_at) < PART_COUNT
    last_s = (started_at[-1] - began_at).total_seconds()
    assert last_s <= LIVES_S - TUNING.stop_margin_s
    assert (await settled(story, job)).status is JobStatus.COMPLETED


async def test_one_part_per_process_is_progress(story: Any) -> None:
    story.time_s = TUNING.stop_margin_s + 3

    job = await settled(story, await story.start())

    assert job.status is JobStatus.COMPLETED
    assert part_requests(story) == (1, PART_COUNT, 1)


async def test_after_a_throttle_no_part_is_copied_twice(story: Any) -> None:
    job = await until_part(story, 3, raising(Throttled("slow down")))

    job = await settled(story, job)

    assert job.status is JobStatus.COMPLETED
    assert part_requests(story) == (1, PART_COUNT, 1)


async def test_a_process_that_dies_loses_its_own_parts_only(story: Any) -> None:
    job = await until_part(story, 4, raising(Crash()))
    await story.run_engine()
    story.ports.queue.receive()
    process = story.use_cases.process_chunk().process
    await process(job.job_id, 0, story.deadline())
    with pytest.raises(Crash):
        await process(job.job_id, 0, story.deadline())

    job = await settled(story, job)

    assert job.status is JobStatus.COMPLETED
    created, copied, finished = part_requests(story)
    assert (created, finished) == (1, 1)
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


async def test_a_copy_that_another_process_aborted_is_created_again(story: Any) -> None:
    job = await until_part(story, 4, story.buckets.uploads.clear)

    job = await settled(story, job)

    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED, {KEY: "PUT"})
    assert part_requests(story)[0] == 2


async def test_a_copy_whose_completion_response_was_lost_is_announced_and_not_repeated(
    story: Any,
) -> None:
    complete_multipart_copy = story.ports.objects.complete_multipart_copy

    async def losing_response(*args: Any) -> Any:
        await complete_multipart_copy(*args)
        raise TimedOut("no answer")

    story.ports.objects.complete_multipart_copy = losing_response

    job = await settled(story, await story.start())

    assert story.kinds(job) == {KEY: "PUT"}
    assert part_requests(story) == (1, PART_COUNT, 1)
    assert len(story.ports.bus.events) == 1


@pytest.mark.parametrize("worked_on", [True, False], ids=["worked on", "released"])
async def test_a_cancelled_copy_is_aborted(story: Any, worked_on: bool) -> None:
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


async def test_a_copy_without_progress_fails_and_is_aborted(story: Any) -> None:
    def throttle(number: int) -> None:
        if number == 3:
            raise Throttled("slow down")

    story.on_part = throttle

    job = await settled(story, await story.start())

    assert (job.status, story.kinds(job)) == (JobStatus.COMPLETED_WITH_ERRORS, {KEY: "FAILED"})
    assert [f.error_class for f in await story.failures(job)] == ["Throttled"]


async def test_a_refused_copy_is_aborted_immediately(story: Any) -> None:
    job = await until_part(story, 2, raising(AccessDenied("no right to read")))

    job = await settled(story, job)

    assert [f.error_class for f in await story.failures(job)] == ["AccessDenied"]
    assert part_requests(story) == (1, 1, 0)


async def test_a_failed_abort_does_not_keep_the_job_from_its_end(story: Any) -> None:
    job = await until_part(story, 2, raising(AccessDenied("no right to read")))

    async def denied(*_: Any) -> None:
        raise AccessDenied("no right to abort")

    story.ports.objects.abort_multipart_copy = denied

    job = await story.finish(job.job_id)

    assert story.kinds(job) == {KEY: "FAILED"}
    warned = [entry for entry in story.ports.telemetry.warnings if "copy" in entry.name]
    assert warned
    assert all("no right to abort" in entry.facts["cause"] for entry in warned)


async def test_a_redriven_copy_is_created_again(story: Any) -> None:
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


async def test_a_chunk_of_small_objects_costs_one_read_more(new_story: Callable[..., Any]) -> None:
    story = new_story(TUNING)
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
    assert len([key for key in read if "copies" in key]) == 1
    assert not [key for key in story.ports.results.files if "copies" in key]


# Copies without progress are bounded.


async def ended(story: Any, job: Any, after_each: Callable[[], Any] = lambda: None) -> Any:
    """Run workers until the job has ended; a hundred must be enough."""
    await story.run_engine()
    for _ in range(100):
        await story.run_chunks()
        job = await story.ports.jobs.get(job.job_id)
        if job.terminal:
            break
        after_each()
        story.ports.clock.advance(60)
    assert job.terminal, f"a hundred workers, {part_requests(story)}"
    assert story.buckets.uploads == {}
    return job


async def test_an_object_that_is_tagged_repeatedly_finally_fails(story: Any) -> None:
    count = itertools.count()

    def tag() -> None:
        head = story.buckets.get(BUCKET, KEY).head
        story.buckets.set_tags(BUCKET, head, {"seen": str(next(count))})

    job = await ended(story, await story.start(), tag)

    assert story.kinds(job) == {KEY: "FAILED"}


async def test_a_copy_that_can_never_be_completed_finally_fails(story: Any) -> None:
    async def conflict(*_: Any) -> None:
        raise Conflict("409", vendor_code="ConditionalRequestConflict")

    story.ports.objects.complete_multipart_copy = conflict

    job = await ended(story, await story.start())

    assert story.kinds(job) == {KEY: "FAILED"}


async def test_a_part_that_cannot_be_recorded_is_not_progress(story: Any) -> None:
    put = story.ports.results.put

    async def failing(key: str, content: bytes) -> None:
        if "copies" in key and b'"parts": [[' in content:
            raise Unavailable("503")
        await put(key, content)

    story.ports.results.put = failing

    job = await ended(story, await story.start())

    assert story.kinds(job) == {KEY: "FAILED"}


# What changes between two workers.


async def test_an_acl_that_is_narrowed_between_two_workers_stays_narrow(story: Any) -> None:
    bucket = story.buckets.find(BUCKET)
    bucket.acls = True
    put_film(story, grants=frozenset({("READ", EVERYBODY)}))
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    # PutObjectAcl changes neither ETag nor time.
    bucket.versions[KEY][-1] = replace(bucket.versions[KEY][-1], grants=frozenset())

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}
    assert story.buckets.get(BUCKET, KEY).grants == frozenset()
    assert part_requests(story)[0] == 2


async def test_parts_keep_the_part_size_of_the_copy(story: Any) -> None:
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    story.use_cases = use_cases(story.ports, replace(TUNING, copy_part_bytes=7 * MIB))

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}
    assert part_requests(story) == (1, PART_COUNT, 1)
    assert story.buckets.get(BUCKET, KEY).content == b"film"


@pytest.mark.parametrize("worked_on", [True, False], ids=["worked on", "released"])
async def test_a_cancelled_copy_of_an_object_that_grew_is_aborted(
    story: Any, worked_on: bool
) -> None:
    """It was small when it was listed, so no multipart copy is expected in its chunk."""
    story.buckets.put(BUCKET, KEY, b"small")
    story.ports.clock.advance(1)
    job = await story.start()
    await story.run_engine()
    put_film(story)
    if worked_on:
        orders: list[Any] = []

        def cancel(number: int) -> None:
            if number == 2 and not orders:
                orders.append(
                    asyncio.ensure_future(story.use_cases.cancel_job().cancel(job.job_id))
                )

        story.on_part = cancel
        await story.run_chunks()
        await asyncio.gather(*orders)
    else:
        await story.run_chunks()
        await story.use_cases.cancel_job().cancel(job.job_id)
        story.ports.queue.receive()

    job = await settled(story, job)

    assert job.status is JobStatus.CANCELLED


# Workers that die, or resume late.


async def test_a_process_that_dies_while_it_completes_loses_no_part(story: Any) -> None:
    story.time_s = 900.0
    complete_multipart_copy = story.ports.objects.complete_multipart_copy
    deaths = [Crash()]

    async def die_once(*args: Any) -> Any:
        if deaths:
            raise deaths.pop()
        return await complete_multipart_copy(*args)

    story.ports.objects.complete_multipart_copy = die_once
    job = await story.start()
    await story.run_engine()
    story.ports.queue.receive()
    with pytest.raises(Crash):
        await story.use_cases.process_chunk().process(job.job_id, 0, story.deadline())
    story.ports.clock.advance(1_000)

    job = await settled(story, job)

    assert part_requests(story) == (1, PART_COUNT, 1)


async def test_progress_is_recorded_before_a_process_ends(story: Any) -> None:
    """It may be killed: parts are recorded while others are still copied."""
    story.time_s = 900.0
    job = await until_part(story, 9, raising(Crash()))
    await story.run_engine()
    story.ports.queue.receive()
    with pytest.raises(Crash):
        await story.use_cases.process_chunk().process(job.job_id, 0, story.deadline())

    [noted] = [
        json.loads(content)[KEY]["underWay"]["parts"]
        for name, content in story.ports.results.files.items()
        if "copies" in name
    ]
    assert len(noted) == 8


async def test_a_worker_that_lost_its_lease_leaves_the_record_to_the_next(story: Any) -> None:
    """A sleeps beyond its lease; B starts another copy, for the owner's tag; A wakes, and B
    dies."""
    job = await story.start()
    await story.run_engine()
    story.ports.queue.receive()
    process = story.use_cases.process_chunk().process
    copy_part = story.ports.objects.copy_part
    asleep, awake, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def staged(bucket: Any, head: Any, copy_id: str, part: Any) -> Any:
        seen.append(part.number)
        if len(seen) == 2:
            asleep.set()
            await awake.wait()
        elif copy_id == "upload-2" and part.number == 2:
            awake.set()
            await over.wait()
            raise Crash
        return await copy_part(bucket, head, copy_id, part)

    async def be_late() -> None:
        await process(job.job_id, 0, story.deadline())
        over.set()

    story.ports.objects.copy_part = staged
    late = asyncio.create_task(be_late())
    await asleep.wait()
    story.ports.clock.advance(100)
    story.buckets.set_tags(BUCKET, story.buckets.get(BUCKET, KEY).head, {"rating": "5"})
    with pytest.raises(Crash):
        await process(job.job_id, 0, story.deadline())
    await late
    story.ports.objects.copy_part = copy_part

    job = await settled(story, job)

    assert story.tags(KEY)["rating"] == "5"


@pytest.mark.parametrize("refused", [False, True], ids=["goes on", "is refused"])
async def test_a_worker_that_resumes_late_harms_no_copy(story: Any, refused: bool) -> None:
    """A sleeps beyond its lease, B resumes the same copy and releases the chunk; A wakes.

    It writes no older record, and aborts nothing.
    """
    job = await story.start()
    await story.run_engine()
    story.ports.queue.receive()
    process = story.use_cases.process_chunk().process
    copy_part = story.ports.objects.copy_part
    asleep, awake = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def staged(bucket: Any, head: Any, copy_id: str, part: Any) -> Any:
        seen.append(part.number)
        if len(seen) == 2:
            asleep.set()
            await awake.wait()
            if refused:
                raise AccessDenied("no right to the key")
        return await copy_part(bucket, head, copy_id, part)

    story.ports.objects.copy_part = staged
    late = asyncio.create_task(process(job.job_id, 0, story.deadline()))
    await asleep.wait()
    story.ports.clock.advance(100)
    for _ in range(2):
        await process(job.job_id, 0, story.deadline())
    awake.set()
    await late
    story.ports.objects.copy_part = copy_part

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}
    # One unknown to B, and one that was in progress twice.
    assert part_requests(story) == (1, PART_COUNT + (1 if refused else 2), 1)


async def test_a_worker_that_settles_late_leaves_the_copy_of_the_next_alone(story: Any) -> None:
    """A is refused a part and sleeps while it settles; B creates a new copy; A wakes."""
    job = await story.start()
    await story.run_engine()
    story.ports.queue.receive()
    process = story.use_cases.process_chunk().process
    copy_part, put = story.ports.objects.copy_part, story.ports.results.put
    asleep, awake = asyncio.Event(), asyncio.Event()
    refusals = [AccessDenied("once")]

    async def refusing_once(bucket: Any, head: Any, copy_id: str, part: Any) -> Any:
        if refusals:
            raise refusals.pop()
        if part.number == 2 and not awake.is_set():
            awake.set()
            for _ in range(200):
                await asyncio.sleep(0)
        return await copy_part(bucket, head, copy_id, part)

    async def sleepy(key: str, content: bytes) -> None:
        await put(key, content)
        if "/outcomes/" in key and not asleep.is_set():
            asleep.set()
            await awake.wait()

    story.ports.objects.copy_part, story.ports.results.put = refusing_once, sleepy
    late = asyncio.create_task(process(job.job_id, 0, story.deadline()))
    await asleep.wait()
    story.ports.clock.advance(100)
    await process(job.job_id, 0, story.deadline())
    await late

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}
    assert part_requests(story)[0] == 2


async def test_outcomes_of_a_settlement_that_died_are_counted(story: Any) -> None:
    """The next worker only continues a copy, and then the job is cancelled."""
    job = await until_part(story, 1, raising(AccessDenied("not yet")))
    await story.run_engine()
    story.ports.queue.receive()
    process = story.use_cases.process_chunk().process
    settle = story.ports.chunks.settle

    async def die(*_: Any) -> None:
        raise Crash

    story.ports.chunks.settle = die
    with pytest.raises(Crash):
        await process(job.job_id, 0, story.deadline())
    story.ports.chunks.settle = settle
    story.ports.clock.advance(400)
    await process(job.job_id, 0, story.deadline())
    await story.use_cases.cancel_job().cancel(job.job_id)
    story.ports.queue.receive()

    job = await settled(story, job)

    assert len(story.outcomes(job)) == story.chunks(job)[0].statistics.total


# Errors, and their causes.


async def test_an_abort_that_fails_once_is_retried_at_the_end(story: Any) -> None:
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    story.buckets.set_tags(BUCKET, story.buckets.get(BUCKET, KEY).head, {"rating": "5"})
    abort_multipart_copy = story.ports.objects.abort_multipart_copy
    failures = [Unavailable("503")]

    async def fail_once(*args: Any) -> None:
        if failures:
            raise failures.pop()
        await abort_multipart_copy(*args)

    story.ports.objects.abort_multipart_copy = fail_once

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}


async def test_no_part_is_being_copied_when_a_copy_is_aborted(
    new_story: Callable[..., Any],
) -> None:
    """It could arrive after the abort, and stay."""
    story = prepared(new_story, replace(TUNING, copy_parts_in_flight=4))
    copy_part, abort_multipart_copy = (
        story.ports.objects.copy_part,
        story.ports.objects.abort_multipart_copy,
    )
    in_flight: set[int] = set()
    at_abort: list[set[int]] = []

    async def refusing_one(bucket: Any, head: Any, copy_id: str, part: Any) -> Any:
        if part.number == 2:
            raise AccessDenied("no right to the key")
        in_flight.add(part.number)
        copied = await copy_part(bucket, head, copy_id, part)
        # Not when its caller is cancelled: S3 continues the request.
        in_flight.discard(part.number)
        return copied

    async def noting(*args: Any) -> None:
        at_abort.append(set(in_flight))
        await abort_multipart_copy(*args)

    story.ports.objects.copy_part = refusing_one
    story.ports.objects.abort_multipart_copy = noting

    job = await settled(story, await story.start())

    assert story.kinds(job) == {KEY: "FAILED"}
    assert at_abort[0] == set()
    assert part_requests(story)[1] < PART_COUNT


async def test_parts_that_are_not_started_are_not_successes(
    story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the bound of calls in flight, lowered by a throttle, would rise immediately."""
    limits: list[AdaptiveLimit] = []

    def noted(maximum: int) -> AdaptiveLimit:
        limits.append(AdaptiveLimit(maximum))
        return limits[-1]

    monkeypatch.setattr("application.processor.run_attempt.AdaptiveLimit", noted)
    story.buckets.put(BUCKET, KEY, b"film", size_bytes=2_000 * 5 * MIB)
    story.ports.clock.advance(1)
    await until_part(story, 1, raising(Throttled("slow down")))
    await story.run_engine()

    await story.run_chunks()

    assert limits[0].bound < TUNING.windows_in_flight * TUNING.calls_in_flight * 0.6


async def test_a_part_that_takes_longer_than_thought_is_not_started_too_late(
    new_story: Callable[..., Any],
) -> None:
    """The estimate for a part is zero; the first part corrects it."""
    story = prepared(new_story, replace(TUNING, copy_parts_in_flight=1, stop_margin_s=1.0))
    story.time_s = 10.0
    job = await story.start()
    await story.run_engine()
    began_at = story.ports.clock.now()

    await story.run_chunks()

    assert (story.ports.clock.now() - began_at).total_seconds() <= 10.0 - 1.0
    assert (await settled(story, job)).status is JobStatus.COMPLETED


async def test_a_throttled_part_does_not_lose_the_concurrent_ones(
    new_story: Callable[..., Any],
) -> None:
    story = prepared(new_story, replace(TUNING, copy_parts_in_flight=4))
    job = await until_part(story, 3, raising(Throttled("slow down")))

    job = await settled(story, job)

    assert part_requests(story) == (1, PART_COUNT, 1)


@pytest.mark.parametrize("error", [AccessDenied("no right to the table"), NotFound("no job")])
async def test_an_error_of_the_services_own_table_is_not_the_objects(
    story: Any, error: Any
) -> None:
    get = story.ports.jobs.get
    parts: list[int] = []
    story.on_part = parts.append

    async def failing(job_id: str) -> Any:
        if len(parts) == 1:
            raise error
        return await get(job_id)

    job = await story.start()
    await story.run_engine()
    story.ports.jobs.get = failing
    with suppress(PortError):
        await story.run_chunks()
    story.ports.jobs.get = get

    job = await settled(story, job)

    assert story.kinds(job) == {KEY: "PUT"}


async def test_an_unrecognised_record_is_replaced(story: Any) -> None:
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    [name] = [name for name in story.ports.results.files if "copies" in name]
    story.ports.results.files[name] = b"{"

    job = await story.finish(job.job_id)

    assert story.kinds(job) == {KEY: "PUT"}
    assert [entry for entry in story.ports.telemetry.warnings if "copy" in entry.name]


async def test_small_objects_do_not_wait_for_a_large_one_with_old_tags(
    new_story: Callable[..., Any],
) -> None:
    story = prepared(new_story, replace(TUNING, windows_in_flight=1, calls_in_flight=1))
    story.put("z.jpg")

    def tag(number: int) -> None:
        if number == 2:
            story.buckets.set_tags(BUCKET, story.buckets.get(BUCKET, "z.jpg").head, {"rating": "5"})

    story.on_part = tag

    job = await settled(story, await story.start())

    assert story.kinds(job) == {KEY: "PUT", "z.jpg": "PUT"}
    assert story.tags("z.jpg")["rating"] == "5"


def _bucket(story: Any) -> Any:
    (connector,) = story.world.database.connectors.values()
    return connector.bucket
