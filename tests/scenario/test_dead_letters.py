"""A dead letter counts for the life of its chunk in which it was sent, and for no later one."""

from __future__ import annotations

from typing import Any

import pytest

from application.processor.process_chunk import Delivery
from domain.chunk import Chunk, ChunkLife, ChunkStatus
from domain.errors import ChunkLeaseHeld
from domain.job import Job, JobStatus
from domain.outcome import Statistics
from ports.errors import Unavailable

KEYS = [f"{number}.jpg" for number in range(3)]
REASON = "received 5 times"


class Crash(BaseException):
    """The process is killed."""


def only_chunk(story: Any, job: Job) -> Chunk:
    [chunk] = story.chunks(job)
    assert isinstance(chunk, Chunk)
    return chunk


def refuse(story: Any, *keys: str) -> None:
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key in keys else None


async def queued(story: Any) -> tuple[Job, Any]:
    """Return a job with one chunk, and its message, which is not delivered."""
    story.put(*KEYS)
    job = await story.start()
    await story.run_engine()
    [message] = story.ports.queue.receive()
    return job, message


async def die(story: Any, message: Any) -> Delivery:
    """Move a message to the dead-letter queue."""
    delivery = await story.use_cases.process_chunk().process_dead_letter(
        message.job_id, message.chunk_index, REASON, story.deadline(), life=message.life
    )
    assert isinstance(delivery, Delivery)
    return delivery


def next_message(story: Any) -> Any:
    """Return the delayed message, and wait until it can be received."""
    [sent] = story.ports.queue.messages
    story.ports.clock.advance(900)
    [message] = story.ports.queue.receive()
    assert message == sent
    return message


async def test_a_chunk_without_an_attempt_is_requeued(story: Any) -> None:
    job, message = await queued(story)
    assert await die(story, message) is Delivery.RELEASED
    assert only_chunk(story, job).status is ChunkStatus.QUEUED
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=3))
    assert await story.failures(job) == []


async def test_a_chunk_whose_messages_all_become_dead_letters_fails(story: Any) -> None:
    """No endlessly repeated event keeps a job from its end."""
    job, message = await queued(story)
    for _ in range(story.tuning.chunk_dead_letter_count_max - 1):
        assert await die(story, message) is Delivery.RELEASED
        message = next_message(story)
    assert await die(story, message) is Delivery.SETTLED
    assert story.ports.queue.messages == []
    job = await story.ports.jobs.get(job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert {(f.key, f.message) for f in await story.failures(job)} == {
        (key, REASON) for key in (None, *KEYS)
    }


async def test_a_chunk_whose_workers_all_died_fails(story: Any) -> None:
    job, message = await queued(story)

    async def dying(bucket: Any, key: str) -> Any:
        raise Crash

    sound, story.ports.objects.read_tags = story.ports.objects.read_tags, dying
    for _ in range(story.tuning.chunk_attempt_count_max):
        with pytest.raises(Crash):
            await story.use_cases.process_chunk().process(
                message.job_id, message.chunk_index, story.deadline()
            )
        with pytest.raises(ChunkLeaseHeld):
            await die(story, message)
        story.ports.clock.advance(1_000)
    story.ports.objects.read_tags = sound
    assert await die(story, message) is Delivery.SETTLED
    assert only_chunk(story, job).status is ChunkStatus.FAILED


async def test_dead_letters_use_up_no_attempt(story: Any) -> None:
    """SQS counts a receive that Lambda throttled; the chunk had no attempt."""
    job, message = await queued(story)
    story.ports.bus.refuse = lambda _: Unavailable("no bus")
    process = story.use_cases.process_chunk()
    deliveries = []
    for number in range(1, story.tuning.chunk_attempt_count_max + 1):
        if number < story.tuning.chunk_dead_letter_count_max:
            assert await die(story, message) is Delivery.RELEASED
            message = next_message(story)
        assert only_chunk(story, job).attempt_count == number - 1
        deliveries.append(await process.process(job.job_id, 0, story.deadline()))
        if deliveries[-1] is Delivery.RELEASED:
            message = next_message(story)
    assert deliveries == [Delivery.RELEASED] * 4 + [Delivery.SETTLED]
    assert only_chunk(story, job).status is ChunkStatus.COMPLETED_WITH_ERRORS


async def test_progress_and_a_redrive_reset_the_count_of_dead_letters(story: Any) -> None:
    job, message = await queued(story)
    refuse(story, "0.jpg")
    assert await die(story, message) is Delivery.RELEASED
    assert only_chunk(story, job).dead_letter_count == 1
    next_message(story)
    process = story.use_cases.process_chunk()
    assert await process.process(job.job_id, 0, story.deadline()) is Delivery.RELEASED
    assert only_chunk(story, job).dead_letter_count == 0
    assert await die(story, next_message(story)) is Delivery.RELEASED
    job = await story.finish(job.job_id)
    assert (only_chunk(story, job).dead_letter_count, job.tally.statistics.failed) == (1, 1)
    await story.use_cases.redrive_job().redrive(job.job_id)
    await story.run_engine()
    assert only_chunk(story, job).dead_letter_count == 0


@pytest.mark.parametrize("tried", [False, True])
async def test_an_old_dead_letter_does_not_undo_a_redrive(story: Any, tried: bool) -> None:
    job, old = await queued(story)
    refuse(story, "0.jpg")
    story.ports.clock.advance(4_000)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    await story.use_cases.redrive_job().redrive(job.job_id)
    await story.run_engine()
    if tried:
        await story.run_chunks()
    before, messages = only_chunk(story, job), list(story.ports.queue.messages)
    for life in (old.life, ChunkLife(), ChunkLife(released_count=7)):
        delivery = await story.use_cases.process_chunk().process_dead_letter(
            job.job_id, 0, REASON, story.deadline(), life=life
        )
        assert delivery is Delivery.NOTHING_TO_DO
    assert (only_chunk(story, job), story.ports.queue.messages) == (before, messages)
    assert before.life == ChunkLife(redrive_number=1, released_count=int(tried))
    refuse(story)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=3))


async def test_a_dead_letter_of_an_earlier_attempt_does_nothing(story: Any) -> None:
    job, old = await queued(story)
    refuse(story, "0.jpg")
    process = story.use_cases.process_chunk()
    assert await process.process(job.job_id, 0, story.deadline()) is Delivery.RELEASED
    before, messages = only_chunk(story, job), list(story.ports.queue.messages)
    assert await die(story, old) is Delivery.NOTHING_TO_DO
    assert (only_chunk(story, job), story.ports.queue.messages) == (before, messages)
    # A duplicate message gives two dead letters, which count once.
    message = next_message(story)
    assert await die(story, message) is Delivery.RELEASED
    assert await die(story, message) is Delivery.NOTHING_TO_DO
    # Nothing is repeated.
    refuse(story)
    after = only_chunk(story, job)
    assert (after.progress_key, after.attempt_count) == (before.progress_key, 0)
    events = len(story.ports.bus.events)
    job = await story.finish(job.job_id)
    assert job.tally.statistics == Statistics(put=3)
    assert len(story.ports.bus.events) == events + 1


async def test_the_sweep_sends_the_current_life_of_the_chunk(story: Any) -> None:
    job, _ = await queued(story)
    refuse(story, "0.jpg")
    await story.use_cases.process_chunk().process(job.job_id, 0, story.deadline())
    lost = next_message(story)
    story.ports.clock.advance(4_000)
    await story.use_cases.sweep().run(story.deadline())
    [again] = story.ports.queue.messages
    assert again.life == lost.life == ChunkLife(released_count=1)


async def test_a_dead_letter_of_a_job_that_is_ending_cancels_its_chunk(story: Any) -> None:
    job, message = await queued(story)
    await story.use_cases.cancel_job().cancel(job.job_id)
    assert await die(story, message) is Delivery.SETTLED
    assert only_chunk(story, job).status is ChunkStatus.CANCELLED
    job = await story.ports.jobs.get(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert await story.failures(job) == []


async def test_a_process_that_dies_while_it_requeues_loses_nothing(story: Any) -> None:
    job, message = await queued(story)
    send = story.ports.queue.send

    async def dying(*_: Any, **__: Any) -> None:
        raise Crash

    story.ports.queue.send = dying
    with pytest.raises(Crash):
        await die(story, message)
    story.ports.queue.send = send
    assert await die(story, message) is Delivery.NOTHING_TO_DO
    story.ports.clock.advance(4_000)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=3))
