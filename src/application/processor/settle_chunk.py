"""How a leased chunk ends: settled, handed back with its progress, given up, or cancelled.

The order is the same for all: what belongs to the end (outcomes, then failures) is written first,
the transaction that settles the chunk and moves the job's counts comes last. A process that dies
between them leaves files and records that the next attempt replaces.

The end comes first here, too: what hinders only the account of a chunk (its outcomes, its error
records, its copies in parts) keeps it from its end for a bounded number of attempts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.multipart.unfinished_copies import UnfinishedCopies
from application.results.chunk_errors import ChunkErrors
from application.results.failure_records import cause_of, chunk_or_job_failure, error_class
from application.results.files import chunk_key, outcomes_key, read_entries, write_outcomes
from application.results.progress_files import ProgressFiles
from domain.chunk import (
    Chunk,
    ChunkDeadLettered,
    ChunkReleased,
    cancel_chunk,
    check_lease,
    evolve,
    fail_chunk,
    settle_chunk,
)
from domain.errors import DomainError, LeaseLost
from domain.failure import Failure
from domain.job import Job
from domain.limits import QUEUE_DELAY_S_MAX
from domain.message import chunk_message
from domain.outcome import Outcome, OutcomeKind, Statistics, count_outcomes
from domain.tally import tally_change
from ports.chunk_queue import ChunkQueue
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import Conflict, Fatal, NotFound
from ports.results_store import ResultsStore
from ports.telemetry import Metric, Telemetry

_METRICS = {
    "skipped": Metric.OBJECTS_SKIPPED,
    "copied": Metric.OBJECTS_COPIED,
    "put": Metric.OBJECTS_PUT,
    "ingesting": Metric.OBJECTS_INGESTING,
    "not_taken": Metric.OBJECTS_NOT_TAKEN,
    "not_media": Metric.OBJECTS_NOT_MEDIA,
    "archived": Metric.OBJECTS_ARCHIVED,
    "gone": Metric.OBJECTS_GONE,
    "failed": Metric.OBJECTS_FAILED,
    "tags_restored": Metric.TAGS_RESTORED,
}


# What ends a whole attempt mostly ends those of other chunks as well, and takes longer to pass than
# what hinders some objects: its delays are four times as long.
_MORE_PATIENCE: Final = 2


class ChunkSettlement:
    """Ends a worker's hold on a chunk."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        results: ResultsStore,
        chunk_errors: ChunkErrors,
        queue: ChunkQueue,
        status_publisher: StatusPublisher,
        clock: Clock,
        telemetry: Telemetry,
        left_copies: UnfinishedCopies,
        tuning: Tuning,
    ) -> None:
        self._chunks = chunks
        self._results = results
        self._chunk_errors = chunk_errors
        self._queue = queue
        self._progress = ProgressFiles(results)
        self._status_publisher = status_publisher
        self._clock = clock
        self._telemetry = telemetry
        self._left_copies = left_copies
        self._tuning = tuning

    async def finish_attempt(
        self,
        job: Job,
        chunk: Chunk,
        outcomes: Mapping[str, Outcome],
        *,
        outcome_count_before: int,
        copies_advanced: bool,
    ) -> bool:
        """Settle the chunk if all of its entries have an outcome that stands; else hand it back.

        Entries that were not started, and failures that another attempt may mend, are a reason to
        hand it back; the latter only while attempts are left. True if it was settled.

        What decreases from one attempt to the next is the number of entries without an outcome that
        stands (`outcome_count_before` counts the same), or the parts of large objects that are
        still to be copied; an attempt that decreases neither uses up one of a bounded number.

        Raises:
            LeaseLost, Conflict: the lease is lost; another worker has the chunk.
        """
        standing = {key: outcome for key, outcome in outcomes.items() if not outcome.retryable}
        unstarted = chunk.entry_count - len(outcomes)
        retryable_count = len(outcomes) - len(standing)
        last_attempt = chunk.attempt_count >= self._tuning.chunk_attempt_count_max
        if unstarted > 0 or (retryable_count and not last_attempt):
            progressed = copies_advanced or len(standing) > outcome_count_before
            key = await self._progress.save(chunk, chunk.lease_token, standing)
            released = ChunkReleased(progress_key=key, progressed=progressed)
            await self._release(
                evolve(chunk, released, self._clock.now()),
                delay_s=self._retry_delay_s(chunk.attempt_count) if retryable_count else 0,
            )
            return False
        await self._write(chunk, outcomes)
        await self._settle(
            job,
            chunk,
            outcomes,
            settle_chunk(chunk, count_outcomes(outcomes.values()), now=self._clock.now()),
        )
        return True

    async def queue_again(self, chunk: Chunk, reason: str) -> None:
        """Hand back, as it was, a chunk whose message is a dead letter; not counted as an attempt.

        Raises:
            Conflict: the lease is lost; another worker has the chunk.
        """
        self._telemetry.warning(
            "chunk_queued_again", job_id=chunk.job_id, chunk_index=chunk.index, cause=reason
        )
        queued = evolve(chunk, ChunkDeadLettered(), self._clock.now())
        await self._release(queued, delay_s=self._retry_delay_s(queued.dead_letter_count))

    async def release_after(
        self,
        chunk: Chunk,
        error: Exception,
        outcomes: Mapping[str, Outcome],
        *,
        outcome_count_before: int,
    ) -> None:
        """Hand back a chunk whose attempt ended in an error, with what stands of its outcomes.

        Raises:
            Exception: it cannot be handed back now.
        """
        standing = {key: outcome for key, outcome in outcomes.items() if not outcome.retryable}
        progress_key, progressed = chunk.progress_key, len(standing) > outcome_count_before
        if progressed:
            try:
                progress_key = await self._progress.save(chunk, chunk.lease_token, standing)
            except Exception as unsaved:  # noqa: BLE001 - these objects are looked at again
                progressed = False
                self._warn_of("outcomes_not_written", chunk, unsaved)
        released = ChunkReleased(
            progress_key=progress_key, progressed=progressed, reason=cause_of(error)
        )
        await self._release(
            evolve(chunk, released, self._clock.now()),
            delay_s=self._retry_delay_s(chunk.attempt_count + _MORE_PATIENCE),
        )

    async def give_up(
        self,
        job: Job,
        chunk: Chunk,
        cause: Exception | str,
        *,
        done: Mapping[str, Outcome] | None = None,
    ) -> None:
        """Settle the chunk as FAILED: entries without an outcome fail with `cause`.

        Raises:
            LeaseLost, Conflict: the lease is lost; another worker has the chunk.
        """
        reason = error_class(cause) if isinstance(cause, Exception) else "GivenUp"
        message = cause_of(cause) if isinstance(cause, Exception) else cause
        known = await self._known(chunk, done)
        outcomes = await self._all_outcomes(chunk, known, reason, message)
        recorded = outcomes
        refusal = await self._try_to_write(chunk, outcomes)
        if refusal is not None:
            outcomes = {}
            message = f"{message}; its outcomes cannot be written: {refusal}"
        now = self._clock.now()
        failure = chunk_or_job_failure(
            cause,
            job_id=job.job_id,
            chunk_index=chunk.index,
            now=now,
            attempt_number=chunk.attempt_count,
            reason=reason,
        )
        self._telemetry.warning(
            "chunk_failed", job_id=job.job_id, chunk_index=chunk.index, cause=message
        )
        self._telemetry.count(Metric.CHUNKS_FAILED)
        failed = fail_chunk(chunk, count_outcomes(outcomes.values()), message, now=now)
        await self._settle(job, chunk, recorded, failed, whole=replace(failure, message=message))

    async def cancel(self, job: Job, chunk: Chunk, outcomes: Mapping[str, Outcome]) -> None:
        """Settle the chunk as CANCELLED, with what was done of it.

        Raises:
            LeaseLost, Conflict: the lease is lost; another worker has the chunk.
        """
        done = await self._known(chunk, outcomes) or {}
        if await self._try_to_write(chunk, done) is not None:
            done = {}
        cancelled = cancel_chunk(chunk, count_outcomes(done.values()), now=self._clock.now())
        await self._settle(job, chunk, done, cancelled)

    async def _settle(
        self,
        job: Job,
        chunk: Chunk,
        outcomes: Mapping[str, Outcome],
        settled: Chunk,
        *,
        whole: Failure | None = None,
    ) -> None:
        """Record the failures among the outcomes and that of the whole chunk, and settle it."""
        with self._account(chunk, "errors_not_recorded"):
            await self._chunk_errors.replace(chunk, outcomes.values(), whole=whole)
        self._check_lease(chunk)
        with self._account(chunk, "copies_not_given_up"):
            await self._left_copies.give_up(job, chunk)
        await self._chunks.settle(settled, tally_change(chunk, settled))
        self._count(settled.statistics - chunk.statistics)
        await self._status_publisher.finish_if_settled(job.job_id)

    @contextmanager
    def _account(self, chunk: Chunk, name: str) -> Iterator[None]:
        """Report what goes wrong inside instead of raising it, where a retry cannot help."""
        try:
            yield
        except (LeaseLost, Conflict):
            raise
        except Exception as error:
            if not (isinstance(error, Fatal) or self._must_end(chunk)):
                raise
            self._warn_of(name, chunk, error)

    def _must_end(self, chunk: Chunk) -> bool:
        """Whether even giving the chunk up failed as often as an attempt may."""
        return chunk.attempt_count > 2 * self._tuning.chunk_attempt_count_max

    def _retry_delay_s(self, try_count: int) -> int:
        doubled: int = self._tuning.retry_delay_s * 2 ** (try_count - 1)
        return min(doubled, QUEUE_DELAY_S_MAX)

    async def _release(self, chunk: Chunk, *, delay_s: int) -> None:
        queued = await self._chunks.save(chunk)
        await self._queue.send([chunk_message(queued)], delay_s=delay_s)
        self._telemetry.event(
            "chunk_released", job_id=chunk.job_id, chunk_index=chunk.index, delay_s=delay_s
        )

    async def _write(self, chunk: Chunk, outcomes: Mapping[str, Outcome]) -> None:
        """Write the file that the settlement counts; without outcomes, an older one stays."""
        if not outcomes:
            return
        self._check_lease(chunk)
        key = outcomes_key(chunk.job_id, chunk.index)
        await write_outcomes(
            self._results, key, outcomes.values(), job_id=chunk.job_id, chunk_index=chunk.index
        )

    async def _try_to_write(
        self, chunk: Chunk, outcomes: Mapping[str, Outcome]
    ) -> Exception | None:
        """Write the file, or return why that is refused: it is not to keep a chunk from its end.

        What is not in the file may not be counted.
        """
        try:
            await self._write(chunk, outcomes)
        except (LeaseLost, Conflict):
            raise
        except Exception as error:
            if not (isinstance(error, Fatal | NotFound) or self._must_end(chunk)):
                raise
            self._warn_of("outcomes_not_written", chunk, error)
            return error
        return None

    async def _all_outcomes(
        self, chunk: Chunk, known: Mapping[str, Outcome] | None, reason: str, message: str
    ) -> dict[str, Outcome]:
        """Return what is known of the chunk's entries, and all others failed if they can be read.

        Nothing, if what is known can not be read now: it is not to be written over.
        """
        if known is None:
            return {}
        outcomes = dict(known)
        try:
            async for entry in read_entries(self._results, chunk_key(chunk.job_id, chunk.index)):
                if entry.key not in outcomes:
                    outcomes[entry.key] = Outcome(
                        key=entry.key, kind=OutcomeKind.FAILED, reason=reason, message=message
                    )
        except Exception as error:
            if not (isinstance(error, NotFound | DomainError | Fatal) or self._must_end(chunk)):
                raise
            # The chunk's own file is what is broken; its other objects still count as failed.
            self._warn_of("chunk_unreadable", chunk, error)
        return outcomes

    async def _known(
        self, chunk: Chunk, done: Mapping[str, Outcome] | None
    ) -> dict[str, Outcome] | None:
        """Return the outcomes of this attempt and those on file; None if they are denied to us."""
        try:
            return {**await self._progress.known(chunk), **(done or {})}
        except Exception as error:
            if not (isinstance(error, Fatal) or self._must_end(chunk)):
                raise
            self._warn_of("outcomes_unreadable", chunk, error)
            # What an attempt has done begins with what was on file before.
            return dict(done) if done else None

    def _check_lease(self, chunk: Chunk) -> None:
        check_lease(chunk, token=chunk.lease_token, now=self._clock.now())

    def _warn_of(self, name: str, chunk: Chunk, error: Exception) -> None:
        self._telemetry.warning(
            name, job_id=chunk.job_id, chunk_index=chunk.index, cause=cause_of(error)
        )

    def _count(self, change: Statistics) -> None:
        self._telemetry.count(Metric.CHUNKS_SETTLED)
        for name, metric in _METRICS.items():
            self._telemetry.count(metric, getattr(change, name))
