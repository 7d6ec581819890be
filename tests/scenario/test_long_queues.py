"""The sweep distinguishes waiting chunks from lost messages, by the depth of the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.chunk import ChunkStatus
from domain.discovery import Discovery
from domain.job import Job
from domain.message import ChunkMessage
from domain.packing import ChunkSizing
from ports.errors import AccessDenied, PortError, Unavailable

HOUR_S = 3_600.0
SWEEP_S = 300.0
TUNING = Tuning(sizing=ChunkSizing(object_count_max=1))


class LongQueue:
    """A job of many chunks of one object, and the messages that were sent for them."""

    def __init__(self, story: Any, count: int) -> None:
        self.story = story
        self.count = count
        self.sent: list[int] = []
        self.queue = story.ports.queue
        send = self.queue.send

        async def counted(messages: Sequence[ChunkMessage], *, delay_s: int = 0) -> None:
            await send(messages, delay_s=delay_s)
            self.sent += [message.chunk_index for message in messages]

        self.queue.send = counted

    async def fill(self) -> Job:
        """Start the job, and queue all its chunks."""
        self.story.put(*(f"{number:04}.jpg" for number in range(self.count)))
        job: Job = await self.story.start(discovery=Discovery.DIRECT)
        await self.story.run_engine()
        assert sorted(self.sent) == list(range(self.count))
        self.sent.clear()
        return job

    async def work_off(self, count: int) -> None:
        """Process the first messages."""
        for message in self.queue.messages[:count]:
            self.queue.messages.remove(message)
            process = self.story.use_cases.process_chunk().process
            await process(message.job_id, message.chunk_index, self.story.deadline())

    async def sweep(self) -> None:
        """Let the sweep's interval pass, and sweep."""
        self.story.ports.clock.advance(SWEEP_S)
        await self.story.use_cases.sweep().run(self.story.deadline())


@pytest.fixture
def long_queue(new_story: Callable[..., Any]) -> LongQueue:
    return LongQueue(new_story(TUNING), 60)


async def test_a_long_queue_gets_no_more_messages(long_queue: LongQueue) -> None:
    job = await long_queue.fill()
    for hours in range(1, 6):
        for _ in range(12):
            await long_queue.sweep()
            await long_queue.work_off(1)
        assert len(long_queue.queue.messages) == 60 - 12 * hours
    assert long_queue.sent == []
    job = await long_queue.story.ports.jobs.get(job.job_id)
    assert job.terminal


async def test_messages_in_flight_count_as_queued(long_queue: LongQueue) -> None:
    await long_queue.fill()
    taken = [long_queue.queue.messages.pop() for _ in range(5)]
    long_queue.queue.taken_count = len(taken)
    for _ in range(13):
        await long_queue.sweep()
    assert long_queue.sent == []


async def test_no_more_messages_are_sent_again_than_are_missing(long_queue: LongQueue) -> None:
    job = await long_queue.fill()
    del long_queue.queue.messages[20:23]
    for _ in range(40):
        await long_queue.sweep()
    # It is unknown which ones are missing: the oldest are the most likely.
    assert len(long_queue.sent) == 3
    while long_queue.queue.messages:
        await long_queue.work_off(10)
    for _ in range(13):
        await long_queue.sweep()
        await long_queue.work_off(10)
    job = await long_queue.story.ports.jobs.get(job.job_id)
    assert job.terminal
    assert job.tally.statistics.put == 60
    assert len(long_queue.sent) <= 6


async def test_all_messages_are_sent_again_if_the_queue_is_empty(long_queue: LongQueue) -> None:
    await long_queue.fill()
    long_queue.queue.messages.clear()
    for _ in range(11):
        await long_queue.sweep()
    assert long_queue.sent == []  # not before `queued_again_after_s`
    await long_queue.sweep()
    assert sorted(long_queue.sent) == list(range(60))


async def test_two_jobs_are_counted_together(new_story: Callable[..., Any]) -> None:
    """The messages of one job do not count for the other."""
    story = new_story(TUNING)
    story.put("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg")
    first = await story.start(prefixes=("a/",))
    second = await story.start(prefixes=("b/",))
    await story.run_engine()
    queue = story.ports.queue
    queue.messages = [message for message in queue.messages if message.job_id == second.job_id]
    for _ in range(12):
        story.ports.clock.advance(SWEEP_S)
        await story.use_cases.sweep().run(story.deadline())
    assert len(queue.messages) == 4
    assert (await story.finish(first.job_id)).terminal
    assert (await story.finish(second.job_id)).terminal


async def test_a_message_older_than_the_retention_period_is_sent_again(
    long_queue: LongQueue,
) -> None:
    """Whatever the depth is: the queue may have messages of ended jobs."""
    job = await long_queue.fill()
    lost = long_queue.queue.messages.pop().chunk_index
    await long_queue.queue.send([ChunkMessage(job_id="job-unknown", chunk_index=0)])
    long_queue.sent.clear()
    long_queue.story.ports.clock.advance(4 * 24 * HOUR_S)
    chunks = long_queue.story.ports.chunks
    for chunk in long_queue.story.chunks(job):
        if chunk.index != lost:
            await chunks.save(replace(chunk, updated_at=long_queue.story.ports.clock.now()))
    await long_queue.sweep()
    assert long_queue.sent == [lost]


@pytest.mark.parametrize("error", [AccessDenied("no"), Unavailable("down")])
async def test_an_unreadable_queue_stops_nothing_else(
    new_story: Callable[..., Any], error: PortError
) -> None:
    story = new_story(TUNING)
    story.put("a.jpg", "b.jpg")
    job = await story.start()
    await story.run_engine()
    story.ports.queue.messages.clear()
    depth = story.ports.queue.depth

    async def denied() -> int:
        raise error

    story.ports.queue.depth = denied
    first = story.chunks(job)[0]
    await story.ports.chunks.save(replace(first, status=ChunkStatus.PENDING))
    story.ports.clock.advance(2 * HOUR_S)
    with pytest.raises(type(error)):
        await story.use_cases.sweep().run(story.deadline())
    # A chunk that was never queued needs no depth; the other one is not treated as lost.
    assert [message.chunk_index for message in story.ports.queue.messages] == [first.index]
    story.ports.queue.depth = depth
    assert (await story.finish(job.job_id)).terminal


@pytest.mark.parametrize("status", [ChunkStatus.PENDING, ChunkStatus.QUEUED])
async def test_a_sweep_that_dies_has_marked_what_it_sent(
    long_queue: LongQueue, status: ChunkStatus
) -> None:
    job = await long_queue.fill()
    long_queue.queue.messages.clear()
    for chunk in long_queue.story.chunks(job):
        await long_queue.story.ports.chunks.save(replace(chunk, status=status))
    save, count = long_queue.story.ports.chunks.save, 0

    async def dying(chunk: Any) -> Any:
        nonlocal count
        count += 1
        if count > 15:
            raise Unavailable("the table is gone")
        return await save(chunk)

    long_queue.story.ports.chunks.save = dying
    long_queue.story.ports.clock.advance(HOUR_S)
    for _ in range(5):
        count = 0
        with suppress(Unavailable):
            await long_queue.sweep()
    # Each sent 20 and marked 15: except for a group of ten, nothing is sent again.
    assert len(long_queue.sent) <= 60 + 5 * 10
    long_queue.story.ports.chunks.save = save
    job = await long_queue.story.finish(job.job_id)
    assert job.tally.statistics.put == 60
    assert len(long_queue.sent) <= 60 + 5 * 10


@pytest.mark.parametrize("status", [ChunkStatus.PENDING, ChunkStatus.QUEUED])
async def test_a_sweep_stops_before_it_is_killed(
    long_queue: LongQueue, status: ChunkStatus
) -> None:
    job = await long_queue.fill()
    long_queue.queue.messages.clear()
    if status is ChunkStatus.PENDING:
        for chunk in long_queue.story.chunks(job):
            await long_queue.story.ports.chunks.save(replace(chunk, status=ChunkStatus.PENDING))
    send, clock = long_queue.queue.send, long_queue.story.ports.clock

    async def slow(messages: Sequence[ChunkMessage], *, delay_s: int = 0) -> None:
        clock.advance(5)
        await send(messages, delay_s=delay_s)

    long_queue.queue.send = slow
    clock.advance(HOUR_S)
    long_queue.story.time_s = 36.0
    await long_queue.sweep()
    # Twenty seconds before its end it stops sending; the sent ones are marked, and the next sweep
    # continues.
    assert len(long_queue.sent) == 40
    assert "sweep_incomplete" in {each.name for each in long_queue.story.ports.telemetry.warnings}
    await long_queue.sweep()
    assert sorted(long_queue.sent) == list(range(60))
