"""A worker whose attempt fails as a whole releases its chunk: no process waits for its lease."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from faulty_ports import Call, Faults, faulty

from application.processor.process_chunk import Delivery
from domain.chunk import ChunkStatus
from domain.job import Job, JobStatus
from domain.outcome import Statistics
from entrypoints.wiring.memory import use_cases
from ports.errors import (
    AccessDenied,
    CorruptData,
    Garbled,
    PortError,
    Throttled,
    TimedOut,
    Unavailable,
    Unknown,
)

KEYS: Final = [f"{number}.jpg" for number in range(5)]
KNOWN: Final = [Throttled, Unavailable, TimedOut, Garbled]
# SQS delays messages for 15 minutes at most (SendMessageBatch, DelaySeconds), as long as a lease.
SOON_S: Final = 120


class Worker:
    """Delivers the one chunk's messages and dead letters, on ports with faults; no sweep runs."""

    def __init__(self, story: Any) -> None:
        self.story = story
        self.faults = Faults()
        self.cases = use_cases(faulty(story.ports, self.faults), story.tuning)

    async def begin(self) -> Job:
        """Start a job of one chunk, whose message is in the queue."""
        self.story.put(*KEYS)
        job: Job = await self.story.start()
        await self.story.run_engine()
        self.faults.calls.clear()
        return job

    async def deliver(self) -> Delivery:
        """Deliver the message that is due."""
        [message] = self.story.ports.queue.receive()
        process = self.cases.process_chunk().process
        return await process(message.job_id, message.chunk_index, self.story.deadline())

    async def dead_letter(self) -> Delivery:
        """Deliver the message that is due as a dead letter."""
        [message] = self.story.ports.queue.receive()
        return await self.cases.process_chunk().process_dead_letter(
            message.job_id,
            message.chunk_index,
            "its message ended in the dead-letter queue",
            self.story.deadline(),
            life=message.life,
        )

    def fail(self, method: str, kind: type[PortError], *, count: int = 1) -> None:
        """Make a call fail this many times."""
        seen = 0

        def failing(call: Call) -> PortError | None:
            nonlocal seen
            if call[0] != method or seen == count:
                return None
            seen += 1
            return kind(f"{method}: not now")

        self.faults.before = failing


@pytest.fixture
def worker(new_story: Callable[..., Any]) -> Worker:
    return Worker(new_story())


@pytest.mark.parametrize("kind", [*KNOWN, Unknown], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "method", ["results.stream", "results.put", "chunks.settle", "errors.record", "jobs.get"]
)
async def test_the_next_delivery_succeeds(
    worker: Worker, method: str, kind: type[PortError]
) -> None:
    job = await worker.begin()
    if method == "errors.record":
        worker.story.ports.bus.refuse = lambda event: (
            AccessDenied("no") if event.object_key == "4.jpg" else None
        )
    # The job is read before the chunk is leased, too.
    worker.fail(method, kind)
    if method == "jobs.get":
        leased = worker.faults.before
        worker.faults.before = lambda call: leased(call) if len(worker.faults.calls) > 3 else None

    assert await worker.deliver() is Delivery.RELEASED
    [chunk] = worker.story.chunks(job)
    assert (chunk.status, chunk.lease) == (ChunkStatus.QUEUED, None)
    # The outcomes of objects count, although the attempt failed.
    assert chunk.attempt_count == (1 if chunk.progress_key is None else 0)
    assert f"{method}: not now" in str(chunk.status_reason)

    worker.story.ports.clock.advance(SOON_S)
    assert await worker.deliver() is Delivery.SETTLED
    job = await worker.story.ports.jobs.get(job.job_id)
    failed = 1 if method == "errors.record" else 0
    assert job.tally.statistics == Statistics(put=5 - failed, failed=failed)
    # The work of the failed attempt is not repeated.
    assert worker.story.requests["CopyObject"] == 5


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.__name__)
async def test_attempts_end(worker: Worker, kind: type[PortError]) -> None:
    """They outlast an outage of half an hour; then the chunk fails with the last cause."""
    job = await worker.begin()
    clock, queue = worker.story.ports.clock, worker.story.ports.queue
    worker.fail("results.stream", kind, count=1_000)
    delays_s = []
    for _ in range(worker.story.tuning.chunk_attempt_count_max):
        assert await worker.deliver() is Delivery.RELEASED
        [message] = queue.messages
        delays_s.append((message.visible_at - clock.now()).total_seconds())
        clock.advance(delays_s[-1])
    assert delays_s == [60, 240, 900, 900, 900]
    worker.faults.stop()
    assert await worker.deliver() is Delivery.SETTLED
    [chunk] = worker.story.chunks(job)
    assert chunk.status is ChunkStatus.FAILED
    assert "results.stream: not now" in str(chunk.status_reason)
    job = await worker.story.ports.jobs.get(job.job_id)
    assert (job.status, job.tally.statistics) == (
        JobStatus.COMPLETED_WITH_ERRORS,
        Statistics(failed=5),
    )


async def test_a_store_that_recovers_in_seconds_gets_the_release(worker: Worker) -> None:
    """The release is a write as well: it is retried as long as a process has time."""
    job = await worker.begin()
    worker.fail("chunks.settle", Unavailable)
    failing = worker.faults.before
    refused = 0

    def down(call: Call) -> Exception | None:
        nonlocal refused
        if call[0] == "chunks.save" and any(c[0] == "chunks.settle" for c in worker.faults.calls):
            refused += 1
            return Unavailable("chunks.save: not now") if refused <= 2 else None
        return failing(call)

    worker.faults.before = down
    assert await worker.deliver() is Delivery.RELEASED
    assert refused == 3
    [chunk] = worker.story.chunks(job)
    assert (chunk.status, chunk.lease) == (ChunkStatus.QUEUED, None)


async def test_a_store_that_stays_unavailable_leaves_the_lease_until_its_expiry(
    worker: Worker,
) -> None:
    """The error that ended the attempt is raised; the message is redelivered."""
    job = await worker.begin()
    worker.faults.before = lambda call: (
        Unavailable(f"{call[0]}: not now")
        if call[0] == "chunks.settle"
        or (call[0] == "chunks.save" and any(c[0] == "chunks.settle" for c in worker.faults.calls))
        else None
    )
    with pytest.raises(Unavailable, match=r"chunks\.settle"):
        await worker.deliver()
    assert worker.story.chunks(job)[0].lease is not None
    worker.faults.stop()
    job = await worker.story.finish(job.job_id)
    assert job.tally.statistics == Statistics(put=5)


async def test_a_dead_letter_of_an_unreadable_job_sends_no_message(worker: Worker) -> None:
    """As for a job of a newer version: message and dead letter would alternate forever."""
    job = await worker.begin()
    worker.fail("jobs.get", CorruptData, count=1_000)
    with pytest.raises(CorruptData):
        await worker.dead_letter()
    assert worker.story.chunks(job)[0].lease is None
    worker.story.ports.clock.advance(10_000)
    assert list(worker.story.ports.queue.receive()) == []


@pytest.mark.parametrize("kind", [*KNOWN, Unknown], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("method", ["results.put", "chunks.settle", "jobs.get"])
async def test_a_dead_letter_that_cannot_be_settled_leaves_no_lease(
    worker: Worker, method: str, kind: type[PortError]
) -> None:
    job = await worker.begin()
    for _ in range(worker.story.tuning.chunk_dead_letter_count_max - 1):
        assert await worker.dead_letter() is Delivery.RELEASED
        worker.story.ports.clock.advance(900)
    worker.fail(method, kind)
    if method == "jobs.get":
        worker.faults.calls.clear()
        leased = worker.faults.before
        worker.faults.before = lambda call: leased(call) if len(worker.faults.calls) > 3 else None
    assert await worker.dead_letter() is Delivery.RELEASED
    [chunk] = worker.story.chunks(job)
    assert (chunk.status, chunk.lease) == (ChunkStatus.QUEUED, None)

    worker.story.ports.clock.advance(900)
    assert await worker.dead_letter() is Delivery.SETTLED
    [chunk] = worker.story.chunks(job)
    assert chunk.status is ChunkStatus.FAILED
