"""Ending a job of many chunks takes several invocations, and none of them times out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.chunk import ChunkStatus
from domain.job import JobStatus
from ports.errors import Unavailable

SETTLE_S = 10.0
CHUNK_COUNT = 12


@pytest.fixture
def slow_story(new_story: Callable[..., Any]) -> Any:
    """A story with a job of twelve chunks, whose settlements take ten seconds each."""
    story = new_story(page_object_count=5)
    settle = story.ports.chunks.settle

    async def slow(chunk: Any, change: Any) -> Any:
        story.ports.clock.advance(SETTLE_S)
        return await settle(chunk, change)

    story.ports.chunks.settle = slow
    return story


async def cancelled_job(story: Any, prefix: str = "a/") -> Any:
    """Return a job that is ending, with all of its chunks open."""
    story.put(*(f"{prefix}{number:02}.jpg" for number in range(5 * CHUNK_COUNT)))
    job = await story.start(prefixes=(prefix,))
    await story.run_engine()
    assert len(story.chunks(job)) == CHUNK_COUNT
    await story.use_cases.cancel_job().cancel(job.job_id)
    return job


def cancelled(story: Any, job: Any) -> int:
    """Count the chunks of a job that are settled as CANCELLED."""
    return sum(chunk.status is ChunkStatus.CANCELLED for chunk in story.chunks(job))


async def test_the_engine_ends_a_job_in_several_invocations(slow_story: Any) -> None:
    job = await cancelled_job(slow_story)
    slow_story.time_s = slow_story.tuning.stop_margin_s + 45
    settled = []
    while slow_story.ports.invoker.job_ids:
        deadline = slow_story.deadline()
        await slow_story.run_engine()
        assert slow_story.ports.clock.now() < deadline.at
        settled.append(cancelled(slow_story, job))
    assert settled == [5, 10, 12]
    job = await slow_story.ports.jobs.get(job.job_id)
    assert (job.status, job.tally.chunks_cancelled) == (JobStatus.CANCELLED, CHUNK_COUNT)
    assert slow_story.statuses(job)[-1] == "CANCELLED"


async def test_an_invocation_without_time_settles_one_chunk(slow_story: Any) -> None:
    """However short the invocations are, their number is bounded by that of the chunks."""
    job = await cancelled_job(slow_story)
    slow_story.time_s = 1.0
    await slow_story.run_engine()
    assert cancelled(slow_story, job) == 1
    assert slow_story.ports.invoker.job_ids == [job.job_id]


async def test_a_redrive_reopens_at_least_one_chunk_per_invocation(slow_story: Any) -> None:
    story = slow_story
    story.put(*(f"a/{number:02}.jpg" for number in range(5 * CHUNK_COUNT)))
    story.ports.bus.refuse = lambda event: Unavailable("no bus")
    job = await story.sync(prefixes=("a/",))
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    story.ports.invoker.take()  # for the index of outcomes
    await story.use_cases.redrive_job().redrive(job.job_id)
    story.time_s = 1.0
    queued = []
    while story.ports.invoker.job_ids:
        await story.run_engine()
        queued.append(sum(not chunk.terminal for chunk in story.chunks(job)))
    assert queued == [*range(1, CHUNK_COUNT + 1), CHUNK_COUNT]


async def test_the_sweep_does_not_spend_all_its_time_on_one_job(slow_story: Any) -> None:
    first = await cancelled_job(slow_story)
    slow_story.ports.invoker.take()
    second = await cancelled_job(slow_story, "b/")
    slow_story.ports.invoker.take()
    slow_story.time_s = 100.0
    sweep = slow_story.use_cases.sweep()
    both = []
    for _ in range(CHUNK_COUNT + 1):
        deadline = slow_story.deadline()
        await sweep.run(deadline)
        assert slow_story.ports.clock.now() <= deadline.at
        both.append((cancelled(slow_story, first), cancelled(slow_story, second)))
    assert both[0] == (1, 1)
    assert both[-1] == (CHUNK_COUNT, CHUNK_COUNT)
    for job in (first, second):
        assert (await slow_story.ports.jobs.get(job.job_id)).status is JobStatus.CANCELLED
