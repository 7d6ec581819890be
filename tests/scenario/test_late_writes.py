"""Writes whose response was lost, and that take effect later, after other processes continued."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from faulty_ports import Crash

from application.execution.tuning import Tuning
from domain.chunk import ChunkStatus
from domain.job import JobStatus
from ports.errors import Conflict, TimedOut, Unavailable

MIB = 1024**2


def delayed(port: Any, method: str, applies: Callable[..., bool]) -> Callable[[], Any]:
    """Make the next matching call time out; return the function that performs it later."""
    sound = getattr(port, method)
    held: list[Any] = []

    async def timing_out(*args: Any, **named: Any) -> Any:
        if held or not applies(*args):
            return await sound(*args, **named)
        held.append((args, named))
        raise TimedOut("no response")

    async def arrive() -> None:
        setattr(port, method, sound)
        args, named = held.pop()
        with suppress(Conflict):
            await sound(*args, **named)

    setattr(port, method, timing_out)
    return arrive


async def test_a_redrive_cannot_reopen_a_chunk_of_a_job_that_was_cancelled(story: Any) -> None:
    story.put("a.jpg")
    story.ports.bus.refuse = lambda _event: Unavailable("no bus")
    job = await story.finish((await story.start()).job_id)
    assert story.chunks(job)[0].status is ChunkStatus.COMPLETED_WITH_ERRORS
    await story.use_cases.redrive_job().redrive(job.job_id)
    arrive = delayed(story.ports.chunks, "settle", lambda chunk, _: not chunk.terminal)
    with pytest.raises(TimedOut):
        await story.use_cases.engine().advance(job.job_id, story.deadline())
    await story.use_cases.cancel_job().cancel(job.job_id)
    ended = await story.finish(job.job_id)

    await arrive()

    assert ended.terminal
    assert [chunk.terminal for chunk in story.chunks(job)] == [True]
    stored = await story.ports.jobs.get(job.job_id)
    assert (stored.status, stored.tally) == (ended.status, ended.tally)


async def test_two_processes_that_end_a_chunk_leave_its_error_records(story: Any) -> None:
    """One clears, the other records; the one settles, the other does not get so far."""
    story.put("a.jpg", "b.jpg")
    job = await story.start()
    await story.run_engine()
    story.ports.bus.refuse = lambda event: (
        Unavailable("no bus") if event.object_key == "a.jpg" else None
    )
    [chunk] = story.chunks(job)
    attempts = story.tuning.chunk_attempt_count_max - 1
    await story.ports.chunks.save(replace(chunk, attempt_count=attempts))
    settle = story.ports.chunks.settle

    async def dying(*_: Any) -> None:
        raise Crash

    story.ports.chunks.settle = dying
    with pytest.raises(Crash):
        await story.run_chunks()
    story.ports.chunks.settle = settle
    story.ports.clock.advance(1_000)
    await story.use_cases.cancel_job().cancel(job.job_id)
    arrive = delayed(story.ports.errors, "clear", lambda *_: True)
    with suppress(TimedOut):
        await story.use_cases.engine().advance(job.job_id, story.deadline())

    job = await story.finish(job.job_id)
    await arrive()

    assert job.status is JobStatus.CANCELLED
    assert (job.tally.statistics.put, job.tally.statistics.failed) == (1, 1)
    assert [failure.key for failure in await story.failures(job)] == ["a.jpg"]


async def test_an_earlier_record_of_copies_cannot_replace_a_later_one(
    new_story: Callable[..., Any],
) -> None:
    """An upload without a record would be neither completed nor aborted."""
    tuning = Tuning(
        single_copy_bytes_max=10 * MIB,
        copy_part_bytes=5 * MIB,
        stop_margin_s=20.0,
        manifest_part_bytes=1,
        copy_parts_in_flight=1,
    )
    story = new_story(tuning)
    story.time_s = 30.0
    for key in ("a.mxf", "b.mxf"):
        story.buckets.put("media", key, b"film", size_bytes=45 * MIB - 1)
    story.ports.clock.advance(1)
    copy_part = story.ports.objects.copy_part

    async def slow(*args: Any) -> Any:
        story.ports.clock.advance(4)
        return await copy_part(*args)

    story.ports.objects.copy_part = slow
    arrive = delayed(story.ports.results, "replace", lambda *_: True)

    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    await arrive()
    job = await story.finish(job.job_id)

    assert (job.status, story.kinds(job)) == (
        JobStatus.COMPLETED,
        {"a.mxf": "PUT", "b.mxf": "PUT"},
    )
    assert story.buckets.uploads == {}


async def test_a_late_summary_does_not_replace_that_of_a_later_end(story: Any) -> None:
    story.put("a.jpg")
    story.ports.bus.refuse = lambda _event: Unavailable("no bus")
    arrive = delayed(story.ports.results, "replace", lambda key, *_: key.endswith("summary.json"))
    job = await story.start()
    ended = await story.finish(job.job_id)
    assert ended.status is JobStatus.COMPLETED_WITH_ERRORS
    story.ports.bus.refuse = lambda _event: None
    await story.use_cases.redrive_job().redrive(job.job_id)
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED

    await arrive()

    assert _summary(story, job.job_id)["status"] == "COMPLETED"


async def test_a_process_that_pauses_before_the_summary_leaves_that_of_a_later_end(
    story: Any,
) -> None:
    """It read the job before the others published the notice, removed it, and redrove the job."""
    story.put("a.jpg")
    story.ports.bus.refuse = lambda _event: Unavailable("no bus")
    publish = story.ports.notifier.publish
    story.ports.notifier.publish = _refused
    job = await story.start()
    early = await story.finish(job.job_id)
    assert [notice.status for notice in early.notices.pending][
        -1
    ] is JobStatus.COMPLETED_WITH_ERRORS
    story.ports.notifier.publish = publish
    story.ports.bus.refuse = lambda _event: None
    await story.use_cases.sweep().run(story.deadline())
    await story.use_cases.redrive_job().redrive(job.job_id)
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED

    await story.use_cases.status_publisher().publish_pending(early)

    assert _summary(story, job.job_id)["status"] == "COMPLETED"


async def _refused(*_: Any) -> None:
    raise Unavailable("no topic")


def _summary(story: Any, job_id: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(story.ports.results.files[f"jobs/{job_id}/summary.json"])
    return content
