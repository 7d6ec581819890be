"""Processing a chunk: lease it, fan out over its objects, settle it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from application.execution.deadline import Deadline
from application.execution.fanout import AdaptiveLimit, fan_out
from application.execution.stop_signal import StopSignal
from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.multipart.copy_state_file import CopyStateFile
from application.multipart.resumable_copies import ResumableCopies
from application.processor.attempt_context import AttemptContext
from application.processor.process_objects import ObjectProcessor
from application.processor.settle_chunk import ChunkSettlement
from application.results.failure_records import cause_of
from application.results.files import chunk_key, copies_key, read_entries
from application.results.progress_files import ProgressFiles
from domain.chunk import FIRST_LIFE, Chunk, ChunkLife, check_lease, check_life, lease_chunk
from domain.errors import (
    ChunkAlreadySettled,
    ChunkLeaseHeld,
    DomainError,
    InvalidMessage,
    LeaseLost,
    MessageOutdated,
)
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.outcome import Outcome
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import Conflict, Fatal, NotFound
from ports.ids import Ids
from ports.job_store import JobStore
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

_LEASE_TRY_COUNT_MAX: Final = 3

# Between the tries to hand a chunk back: the store that failed may be the one that has its record.
_RELEASE_PAUSES_S: Final = (2.0, 6.0)


class Delivery(Enum):
    """What became of a chunk message; all of them are acknowledged."""

    SETTLED = "settled"
    RELEASED = "handed_back"
    NOTHING_TO_DO = "nothing_to_do"


@dataclass(slots=True)
class _Attempt:
    """What an attempt at a chunk has come to; `before` is how many outcomes it began with."""

    done: dict[str, Outcome] = field(default_factory=dict)
    before: int = 0


class ProcessChunk:
    """The use case behind a chunk message."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        objects: ObjectStore,
        results: ResultsStore,
        object_processor: ObjectProcessor,
        settlement: ChunkSettlement,
        status_publisher: StatusPublisher,
        clock: Clock,
        ids: Ids,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._objects = objects
        self._results = results
        self._object_processor = object_processor
        self._settlement = settlement
        self._progress = ProgressFiles(results)
        self._status_publisher = status_publisher
        self._clock = clock
        self._ids = ids
        self._telemetry = telemetry
        self._tuning = tuning

    async def process(self, job_id: str, index: int, deadline: Deadline) -> Delivery:
        """Do a chunk's work, as far as the deadline allows.

        A message that came twice, too late, or for a chunk that another worker has, does nothing.

        Raises:
            InvalidMessage: there is no such job or chunk.
            Retryable: the message is to come again.
        """
        try:
            job = await self._jobs.get(job_id)
            chunk = await self._lease(job_id, index, deadline)
        except NotFound as error:
            raise InvalidMessage(
                f"a message names chunk {index} of job {job_id}: {error}"
            ) from error
        except ChunkAlreadySettled:
            await self._status_publisher.finish_if_settled(job_id)
            return Delivery.NOTHING_TO_DO
        except ChunkLeaseHeld as held:
            self._telemetry.event(
                "chunk_lease_held", job_id=job_id, chunk_index=index, cause=str(held)
            )
            return Delivery.NOTHING_TO_DO
        attempt = _Attempt()
        try:
            return await self._work(job, chunk, deadline, attempt)
        except (LeaseLost, Conflict) as lost:
            return self._lost(job_id, index, lost)
        except Exception as error:
            self._telemetry.warning(
                "chunk_attempt_failed", job_id=job_id, chunk_index=index, cause=cause_of(error)
            )
            if await self._handed_back(chunk, error, deadline, attempt):
                return Delivery.RELEASED
            raise

    async def give_up(
        self,
        job_id: str,
        index: int,
        reason: str,
        deadline: Deadline,
        *,
        life: ChunkLife = FIRST_LIFE,
    ) -> Delivery:
        """Do what follows when a chunk's message of this life ended in the dead-letter queue.

        That the chunk was not done need not be its own fault: SQS counts receives that Lambda
        throttled, too. So it is queued again, and this is no attempt. A dead letter without an
        attempt left, or after too many others, settles the chunk as FAILED: the number of those
        that are left decreases from one dead letter to the next. One of an earlier life does
        nothing: the chunk has another message.

        Raises:
            InvalidMessage: there is no such job or chunk.
            ChunkLeaseHeld: a worker is at it; the message is to come again.
            Retryable: the message is to come again.
        """
        try:
            # First: while its record cannot be read, nothing of the job is touched.
            await self._jobs.get(job_id)
            chunk = await self._lease(job_id, index, deadline, life)
        except NotFound as error:
            raise InvalidMessage(
                f"a message names chunk {index} of job {job_id}: {error}"
            ) from error
        except ChunkAlreadySettled:
            await self._status_publisher.finish_if_settled(job_id)
            return Delivery.NOTHING_TO_DO
        except MessageOutdated as error:
            self._telemetry.event(
                "dead_letter_outdated", job_id=job_id, chunk_index=index, cause=str(error)
            )
            return Delivery.NOTHING_TO_DO
        try:
            job = await self._jobs.get(job_id)
            if job.ending is not None:
                await self._settlement.cancel(job, chunk, {})
            elif self._given_up(chunk):
                told = f"; {_last_attempt(chunk)}" if chunk.status_reason is not None else ""
                await self._settlement.give_up(job, chunk, f"{reason}{told}")
            else:
                await self._settlement.queue_again(chunk, reason)
                return Delivery.RELEASED
        except (LeaseLost, Conflict) as lost:
            return self._lost(job_id, index, lost)
        except Exception as error:
            if await self._handed_back(chunk, error, deadline, _Attempt()):
                return Delivery.RELEASED
            raise
        return Delivery.SETTLED

    def _given_up(self, chunk: Chunk) -> bool:
        """Tell whether a chunk that a dead letter leased has no attempt or dead letter left."""
        return (
            chunk.attempt_count > self._tuning.chunk_attempt_count_max
            or chunk.dead_letter_count + 1 >= self._tuning.chunk_dead_letter_count_max
        )

    async def _handed_back(
        self, chunk: Chunk, error: Exception, deadline: Deadline, attempt: _Attempt
    ) -> bool:
        """Hand the chunk back after an error, so that nobody waits for the end of its lease.

        False if it cannot be, as after its settlement, or while its record cannot be written.
        """
        for pause_s in (*_RELEASE_PAUSES_S, None):
            try:
                await self._settlement.release_after(
                    chunk, error, attempt.done, outcome_count_before=attempt.before
                )
            except Exception as failed:  # noqa: BLE001 - the error before it is raised
                self._telemetry.warning(
                    "chunk_not_handed_back",
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

    def _lost(self, job_id: str, index: int, cause: Exception) -> Delivery:
        """Note that another worker has the chunk now; what is left of it is that one's."""
        self._telemetry.event(
            "chunk_lease_lost", job_id=job_id, chunk_index=index, cause=str(cause)
        )
        return Delivery.NOTHING_TO_DO

    async def _lease(
        self, job_id: str, index: int, deadline: Deadline, life: ChunkLife | None = None
    ) -> Chunk:
        """Lease the chunk; if a life is given, only in that one."""
        token = self._ids.new_token()
        lease_s = deadline.remaining_s() + self._tuning.lease_margin_s
        chunk = await self._chunks.get(job_id, index)
        for _ in range(_LEASE_TRY_COUNT_MAX):
            if chunk.lease is not None and chunk.lease.token == token:
                return chunk  # our own write, whose answer got lost
            if life is not None:
                check_life(chunk, life)
            leased = lease_chunk(chunk, token=token, now=self._clock.now(), lease_s=lease_s)
            with suppress(Conflict):
                return await self._chunks.save(leased)
            chunk = await self._chunks.get(job_id, index)
        raise ChunkLeaseHeld(f"chunk {index} of {job_id} keeps being changed by others")

    async def _work(
        self, job: Job, chunk: Chunk, deadline: Deadline, attempt: _Attempt
    ) -> Delivery:
        job = await self._jobs.get(job.job_id)
        if chunk.attempt_count > self._tuning.chunk_attempt_count_max:
            count = self._tuning.chunk_attempt_count_max
            reason = f"{count} attempts came to nothing; {_last_attempt(chunk)}"
            await self._settlement.give_up(job, chunk, reason)
            return Delivery.SETTLED
        stop_signal = StopSignal(
            jobs=self._jobs,
            job=job,
            deadline=deadline,
            clock=self._clock,
            stop_margin_s=self._tuning.stop_margin_s,
            poll_s=self._tuning.ending_poll_s,
        )
        try:
            attempt.done = done = await self._progress.load(chunk)
            attempt.before = len(done)
            copies_advanced = await self._process_windows(job, chunk, done, stop_signal)
        except (DomainError, Fatal, NotFound) as error:
            await self._settlement.give_up(job, chunk, error, done=attempt.done)
            return Delivery.SETTLED
        if stop_signal.job_ending:
            await self._settlement.cancel(job, chunk, done)
            return Delivery.SETTLED
        settled = await self._settlement.finish_attempt(
            job, chunk, done, outcome_count_before=attempt.before, copies_advanced=copies_advanced
        )
        return Delivery.SETTLED if settled else Delivery.RELEASED

    async def _process_windows(
        self, job: Job, chunk: Chunk, done: dict[str, Outcome], stop_signal: StopSignal
    ) -> bool:
        """Add to `done`; tells whether a copy in parts came further."""
        limit = AdaptiveLimit(self._tuning.windows_in_flight * self._tuning.calls_in_flight)
        copies = ResumableCopies(
            objects=self._objects,
            file=CopyStateFile(
                self._results,
                key=copies_key(job.job_id, chunk.index),
                check=lambda: check_lease(chunk, token=chunk.lease_token, now=self._clock.now()),
                telemetry=self._telemetry,
            ),
            clock=self._clock,
            telemetry=self._telemetry,
            tuning=self._tuning,
            bucket=job.bucket,
            stop_signal=stop_signal,
            limit=limit,
        )
        context = AttemptContext(stop_signal=stop_signal, limit=limit, copies=copies)
        kept = frozenset(done)

        async def windows() -> AsyncIterator[list[ManifestEntry]]:
            window: list[ManifestEntry] = []
            async for entry in read_entries(self._results, chunk_key(job.job_id, chunk.index)):
                if entry.key in kept:
                    continue
                if (entry.size_bytes or 0) > self._tuning.single_copy_bytes_max:
                    # Alone: it takes minutes, in which tags that were read with its own grow old.
                    yield [entry]
                    continue
                window.append(entry)
                if len(window) == self._tuning.window_object_count:
                    yield window
                    window = []
            if window:
                yield window

        async def process(window: list[ManifestEntry]) -> None:
            if await stop_signal.should_stop():
                return
            for outcome in await self._object_processor.process(job, window, context):
                done[outcome.key] = outcome

        await fan_out(windows(), process, limit=self._tuning.windows_in_flight)
        return copies.advanced


def _last_attempt(chunk: Chunk) -> str:
    if chunk.status_reason is None:
        return "the last one ended without an error: its process died, or its time ran out"
    return f"the last one ended with: {chunk.status_reason}"
