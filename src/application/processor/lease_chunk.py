"""The lease on a chunk: a worker acquires it, and releases the chunk that it does not settle."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.processor.attempt_result import AttemptResult
from application.results.failure_records import cause_of, warn_of_chunk
from application.results.progress_files import ProgressFiles
from domain.chunk import (
    Chunk,
    ChunkDeadLettered,
    ChunkLife,
    ChunkParked,
    ChunkQueued,
    ChunkReleased,
    check_life,
    evolve,
    lease_chunk,
)
from domain.errors import ChunkLeaseHeld
from domain.limits import QUEUE_DELAY_S_MAX
from domain.message import chunk_message
from domain.parking import park_chunk
from ports.chunk_queue import ChunkQueue
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import Conflict
from ports.ids import Ids
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

_MAX_TRIES: Final = 3


class ChunkLeases:
    """Acquires leases, and releases chunks with a new message."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        results: ResultsStore,
        queue: ChunkQueue,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._chunks = chunks
        self._progress = ProgressFiles(results)
        self._queue = queue
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def acquire(
        self, job_id: str, index: int, deadline: Deadline, life: ChunkLife | None = None
    ) -> Chunk:
        """Return the leased chunk; with `life`, only while the chunk is in that life.

        The lease lasts a little longer than the process can.

        Raises:
            NotFound: there is no such chunk.
            ChunkAlreadySettled: the chunk has ended.
            ChunkLeaseHeld: another worker holds the lease.
            MessageOutdated: the chunk is in another life.
            Retryable: the chunk cannot be read or written now.
        """
        token = self._ids.new_token()
        lease_s = deadline.remaining_s() + self._tuning.lease_margin_s
        chunk = await self._chunks.get(job_id, index)
        for _ in range(_MAX_TRIES):
            if chunk.lease is not None and chunk.lease.token == token:
                return chunk  # the write succeeded, and its response was lost
            if life is not None:
                check_life(chunk, life)
            leased = lease_chunk(chunk, token=token, now=self._clock.now(), lease_s=lease_s)
            with suppress(Conflict):
                return await self._chunks.save(leased)
            chunk = await self._chunks.get(job_id, index)
        raise ChunkLeaseHeld(f"chunk {index} of {job_id} keeps being changed by other processes")

    async def park(self, job_id: str, index: int, life: ChunkLife | None = None) -> Chunk | None:
        """Park a chunk whose message was received while its job is held; None if there is no need.

        With `life`, only while the chunk is in that life.

        Raises:
            NotFound: there is no such chunk.
            ChunkAlreadySettled: the chunk has ended.
            MessageOutdated: the chunk is in another life.
            Retryable: the chunk cannot be read or written now.
        """
        for _ in range(_MAX_TRIES):
            chunk = await self._chunks.get(job_id, index)
            if life is not None:
                check_life(chunk, life)
            parked = park_chunk(chunk, self._clock.now())
            if parked is chunk:
                return chunk if chunk.parked else None
            with suppress(Conflict):
                return await self._parked(parked)
        return None  # other processes have it

    async def park_leased(self, chunk: Chunk, result: AttemptResult) -> Chunk:
        """Park a chunk whose worker stopped because its job is held, with its final outcomes.

        Raises:
            Conflict: the lease is lost; another worker has the chunk.
        """
        progressed = result.copies_advanced or result.has_more_final
        key = chunk.progress_key
        if result.has_more_final:
            key = await self._progress.save(chunk, chunk.lease_token, result.final)
        event = ChunkParked(progress_key=key, progressed=progressed)
        return await self._parked(evolve(chunk, event, self._clock.now()))

    async def unpark(self, chunk: Chunk) -> None:
        """Send the message of a chunk that was parked just when its job was no longer held."""
        await self._queue.send([chunk_message(chunk)])
        with suppress(Conflict):  # another process did the same, or has it
            await self._chunks.save(evolve(chunk, ChunkQueued(), self._clock.now()))

    async def _parked(self, chunk: Chunk) -> Chunk:
        parked = await self._chunks.save(chunk)
        self._telemetry.event("chunk_parked", job_id=chunk.job_id, chunk_index=chunk.index)
        return parked

    async def release(self, chunk: Chunk, result: AttemptResult) -> None:
        """Release a chunk that needs another attempt, with its final outcomes.

        An attempt makes progress if it adds final outcomes or copies parts of large objects. One
        that does neither uses up one of a bounded number.

        Raises:
            Conflict: the lease is lost; another worker has the chunk.
        """
        progressed = result.copies_advanced or result.has_more_final
        key = await self._progress.save(chunk, chunk.lease_token, result.final)
        await self._release(
            chunk,
            ChunkReleased(progress_key=key, progressed=progressed),
            delay_s=self._retry_delay_s(chunk.attempt_count) if result.retryable_count else 0,
        )

    async def release_failed(self, chunk: Chunk, error: Exception, result: AttemptResult) -> None:
        """Release a chunk whose attempt ended in an error, with its final outcomes.

        Raises:
            Exception: it cannot be released now.
        """
        progress_key, progressed = chunk.progress_key, result.has_more_final
        if progressed:
            try:
                progress_key = await self._progress.save(chunk, chunk.lease_token, result.final)
            except Exception as unsaved:  # noqa: BLE001 - these objects are processed again
                progressed = False
                warn_of_chunk(self._telemetry, "outcomes_not_written", chunk, unsaved)
        await self._release(
            chunk,
            ChunkReleased(progress_key=progress_key, progressed=progressed, reason=cause_of(error)),
            # Such an error usually ends attempts at other chunks as well, and lasts longer than
            # those of single objects: 1, 4, 15, and 15 minutes outlast half an hour's outage.
            delay_s=self._retry_delay_s(2 * chunk.attempt_count + 1),
        )

    async def requeue(self, chunk: Chunk, reason: str) -> None:
        """Release a chunk whose message is a dead letter, unchanged; this is not an attempt.

        Raises:
            Conflict: the lease is lost; another worker has the chunk.
        """
        self._telemetry.warning(
            "chunk_requeued", job_id=chunk.job_id, chunk_index=chunk.index, cause=reason
        )
        delay_s = self._retry_delay_s(chunk.dead_letter_count + 1)
        await self._release(chunk, ChunkDeadLettered(), delay_s=delay_s)

    async def _release(
        self, chunk: Chunk, event: ChunkReleased | ChunkDeadLettered, *, delay_s: int
    ) -> None:
        queued = await self._chunks.save(evolve(chunk, event, self._clock.now()))
        await self._queue.send([chunk_message(queued)], delay_s=delay_s)
        self._telemetry.event(
            "chunk_released", job_id=chunk.job_id, chunk_index=chunk.index, delay_s=delay_s
        )

    def _retry_delay_s(self, try_count: int) -> int:
        doubled: int = self._tuning.retry_delay_s * 2 ** (try_count - 1)
        return min(doubled, QUEUE_DELAY_S_MAX)
