"""Handling a chunk's message: lease the chunk, run an attempt, settle or release it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.ingest_backlog import IngestBacklog
from application.jobs.status_publisher import StatusPublisher
from application.processor.attempt_result import AttemptResult
from application.processor.hand_over import HandOver
from application.processor.lease_chunk import ChunkLeases
from application.processor.run_attempt import ChunkAttempts
from application.processor.settle_chunk import ChunkSettlement
from application.processor.worker_slot import WorkerSlot, WorkerSlots
from application.results.failure_records import cause_of, is_final
from domain.chunk import FIRST_LIFE, Chunk, ChunkLife
from domain.errors import (
    ChunkAlreadySettled,
    ChunkLeaseHeld,
    InvalidMessage,
    LeaseLost,
    MessageOutdated,
)
from domain.hold import hold_of
from domain.job import Job
from ports.clock import Clock
from ports.errors import Conflict, NotFound
from ports.job_store import JobStore
from ports.telemetry import Telemetry

# Between the tries to release a chunk: the failed store may be the one that has the chunk's record.
_RELEASE_PAUSES_S: Final = (2.0, 6.0)


class Delivery(Enum):
    """The result of a chunk message; each of them acknowledges the message."""

    SETTLED = "settled"
    RELEASED = "released"
    PARKED = "parked"
    NOTHING_TO_DO = "nothing_to_do"


class ProcessChunk:
    """The use case behind a chunk message."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        leases: ChunkLeases,
        attempts: ChunkAttempts,
        settlement: ChunkSettlement,
        status_publisher: StatusPublisher,
        ingest_backlog: IngestBacklog,
        worker_slots: WorkerSlots,
        hand_over: HandOver,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._leases = leases
        self._attempts = attempts
        self._settlement = settlement
        self._status_publisher = status_publisher
        self._backlog = ingest_backlog
        self._slots = worker_slots
        self._hand_over = hand_over
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def process(self, job_id: str, index: int, deadline: Deadline) -> Delivery:
        """Process the chunk as far as the deadline allows.

        A message that is a duplicate, is late, or is for a chunk that another worker holds, does
        nothing. One that is received while the job is held is taken from the queue: the chunk is
        parked, and gets another message when the job goes on. So is one for which no slot is free.

        Raises:
            InvalidMessage: there is no such job or chunk.
            Retryable: the message must be redelivered.
        """
        slot = self._slots.of(deadline)
        try:
            return await self._process(job_id, index, deadline, slot)
        finally:
            if await slot.give_back():
                await self._hand_over.after(job_id, index)

    async def _process(
        self, job_id: str, index: int, deadline: Deadline, slot: WorkerSlot
    ) -> Delivery:
        try:
            chunk = await self._lease(job_id, index, deadline, slot=slot)
        except ChunkLeaseHeld as held:
            self._telemetry.event(
                "chunk_lease_held", job_id=job_id, chunk_index=index, cause=str(held)
            )
            return Delivery.NOTHING_TO_DO
        if isinstance(chunk, Delivery):
            return chunk
        result = AttemptResult()
        try:
            job = await self._jobs.get(job_id)
            if chunk.attempt_count > self._tuning.chunk_attempt_count_max:
                count = self._tuning.chunk_attempt_count_max
                reason = f"{count} attempts failed; {_last_attempt(chunk)}"
                await self._settlement.fail(job, chunk, reason)
                return Delivery.SETTLED
            result = await self._attempts.run(job, chunk, deadline, slot)
            return await self._end_attempt(job, chunk, result, slot)
        except (LeaseLost, Conflict) as lost:
            return self._lost(chunk, lost)
        except Exception as error:
            self._telemetry.warning(
                "chunk_attempt_failed", job_id=job_id, chunk_index=index, cause=cause_of(error)
            )
            if await self._released(chunk, error, deadline, result):
                return Delivery.RELEASED
            raise

    async def process_dead_letter(
        self,
        job_id: str,
        index: int,
        reason: str,
        deadline: Deadline,
        *,
        life: ChunkLife = FIRST_LIFE,
    ) -> Delivery:
        """Requeue or fail the chunk whose message of this life ended in the dead-letter queue.

        The chunk itself need not be the cause: SQS also counts receives that Lambda throttled. So
        the chunk is queued again, which is not an attempt. A dead letter settles the chunk as
        FAILED when no attempt is left, or after too many other dead letters: their number is
        bounded. A dead letter of an earlier life does nothing: the chunk has another message.

        Raises:
            InvalidMessage: there is no such job or chunk.
            ChunkLeaseHeld: a worker holds the chunk; the message must be redelivered.
            Retryable: the message must be redelivered.
        """
        try:
            chunk = await self._lease(job_id, index, deadline, life)
        except MessageOutdated as error:
            self._telemetry.event(
                "dead_letter_outdated", job_id=job_id, chunk_index=index, cause=str(error)
            )
            return Delivery.NOTHING_TO_DO
        if isinstance(chunk, Delivery):
            return chunk
        try:
            job = await self._jobs.get(job_id)
            if job.ending is not None:
                await self._settlement.cancel(job, chunk, {})
            elif self._exhausted(chunk):
                last = f"; {_last_attempt(chunk)}" if chunk.status_reason is not None else ""
                await self._settlement.fail(job, chunk, f"{reason}{last}")
            else:
                await self._leases.requeue(chunk, reason)
                return Delivery.RELEASED
        except (LeaseLost, Conflict) as lost:
            return self._lost(chunk, lost)
        except Exception as error:
            if await self._released(chunk, error, deadline, AttemptResult()):
                return Delivery.RELEASED
            raise
        return Delivery.SETTLED

    async def _lease(
        self,
        job_id: str,
        index: int,
        deadline: Deadline,
        life: ChunkLife | None = None,
        *,
        slot: WorkerSlot | None = None,
    ) -> Chunk | Delivery:
        """Lease the chunk that a message names; without a lease return the delivery's result.

        With `slot`, only if that is or can be taken.
        """
        with _named_by_message(job_id, index):
            # First: while its record cannot be read, nothing of the job is touched.
            job = await self._backlog.before_starting(await self._jobs.get(job_id))
            try:
                if hold_of(job, self._clock.now()) is None and (
                    slot is None or await slot.keep(job)
                ):
                    return await self._leases.acquire(job_id, index, deadline, life)
                parked = await self._leases.park(job_id, index, life)
                return await self._unless_it_goes_on(parked)
            except ChunkAlreadySettled:
                pass
        await self._status_publisher.finish_if_settled(job_id)
        return Delivery.NOTHING_TO_DO

    async def _unless_it_goes_on(self, parked: Chunk | None) -> Delivery:
        """Send the message of a parked chunk, if its job is no longer held, or a slot is free.

        The engine, or who had the slot, may have looked for parked chunks before this was parked.
        """
        if parked is None:
            return Delivery.NOTHING_TO_DO
        job = await self._jobs.get(parked.job_id)
        if hold_of(job, self._clock.now()) is not None or not await self._hand_over.may_start(job):
            return Delivery.PARKED
        await self._leases.unpark(parked)
        return Delivery.RELEASED

    async def _end_attempt(
        self, job: Job, chunk: Chunk, result: AttemptResult, slot: WorkerSlot
    ) -> Delivery:
        if result.error is not None:
            if not is_final(result.error):
                raise result.error
            await self._settlement.fail(job, chunk, result.error, outcomes=result.outcomes)
            return Delivery.SETTLED
        if result.job_ending:
            await self._settlement.cancel(job, chunk, result.outcomes)
            return Delivery.SETTLED
        last_attempt = chunk.attempt_count >= self._tuning.chunk_attempt_count_max
        if result.settles(chunk.entry_count, last_attempt=last_attempt):
            await self._settlement.settle(job, chunk, result.outcomes)
            return Delivery.SETTLED
        if result.job_held:
            parked = await self._leases.park_leased(chunk, result)
            await slot.give_back()
            return await self._unless_it_goes_on(parked)
        await self._leases.release(chunk, result)
        return Delivery.RELEASED

    def _exhausted(self, chunk: Chunk) -> bool:
        """Return whether a chunk that a dead letter leased has no attempt or dead letter left."""
        return (
            chunk.attempt_count > self._tuning.chunk_attempt_count_max
            or chunk.dead_letter_count + 1 >= self._tuning.chunk_dead_letter_count_max
        )

    async def _released(
        self, chunk: Chunk, error: Exception, deadline: Deadline, result: AttemptResult
    ) -> bool:
        """Release the chunk after an error, so that no worker waits for its lease to expire.

        False if that is not possible: after its settlement, or while its record cannot be written.
        """
        for pause_s in (*_RELEASE_PAUSES_S, None):
            try:
                await self._leases.release_failed(chunk, error, result)
            except Exception as failed:  # noqa: BLE001 - the caller raises the first error
                self._telemetry.warning(
                    "chunk_not_released",
                    job_id=chunk.job_id,
                    chunk_index=chunk.index,
                    cause=cause_of(failed),
                )
                if pause_s is None or isinstance(failed, Conflict) or deadline.near(2 * pause_s):
                    return False
                await self._clock.sleep(pause_s)
            else:
                return True
        return False

    def _lost(self, chunk: Chunk, cause: Exception) -> Delivery:
        """Report that another worker has the chunk now, and the rest of its work."""
        self._telemetry.event(
            "chunk_lease_lost", job_id=chunk.job_id, chunk_index=chunk.index, cause=str(cause)
        )
        return Delivery.NOTHING_TO_DO


@contextmanager
def _named_by_message(job_id: str, index: int) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise InvalidMessage(f"a message names chunk {index} of job {job_id}: {error}") from error


def _last_attempt(chunk: Chunk) -> str:
    if chunk.status_reason is None:
        return "the last one ended without an error: its process died, or its time ran out"
    return f"the last one ended with: {chunk.status_reason}"
