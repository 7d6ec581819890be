"""Settling a leased chunk: as completed, failed or cancelled.

The order is the same each time. Outcomes and error records are written first; the transaction that
settles the chunk and moves the job's counts comes last. A process that dies in between leaves files
and records that the next attempt replaces.

An error in the outcomes, the error records or the clean-up of multipart copies blocks the
settlement only for a bounded number of attempts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.multipart.unfinished_copies import UnfinishedCopies
from application.processor.chunk_outcomes import ChunkOutcomes, must_end
from application.results.chunk_errors import ChunkErrors
from application.results.failure_records import (
    cause_of,
    chunk_or_job_failure,
    error_class,
    warn_of_chunk,
)
from domain.chunk import (
    Chunk,
    cancel_chunk,
    check_lease,
    fail_chunk,
    settle_chunk,
)
from domain.errors import LeaseLost
from domain.failure import Failure
from domain.job import Job
from domain.outcome import Outcome, Statistics, count_outcomes
from domain.tally import tally_change
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import Conflict, Fatal
from ports.telemetry import Metric, Telemetry

_METRICS: Final = {
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


class ChunkSettlement:
    """Settles leased chunks."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        chunk_outcomes: ChunkOutcomes,
        chunk_errors: ChunkErrors,
        status_publisher: StatusPublisher,
        unfinished_copies: UnfinishedCopies,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._chunks = chunks
        self._chunk_outcomes = chunk_outcomes
        self._chunk_errors = chunk_errors
        self._status_publisher = status_publisher
        self._unfinished_copies = unfinished_copies
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def settle(self, job: Job, chunk: Chunk, outcomes: Mapping[str, Outcome]) -> None:
        """Settle a chunk of which each entry has an outcome.

        Raises:
            LeaseLost, Conflict: the lease is lost; another worker has the chunk.
        """
        await self._chunk_outcomes.write(chunk, outcomes)
        statistics = count_outcomes(outcomes.values())
        settled = settle_chunk(chunk, statistics, now=self._clock.now())
        await self._settle(job, chunk, outcomes, settled)

    async def fail(
        self,
        job: Job,
        chunk: Chunk,
        cause: Exception | str,
        *,
        outcomes: Mapping[str, Outcome] | None = None,
    ) -> None:
        """Settle the chunk as FAILED: entries without an outcome fail with `cause`.

        Raises:
            LeaseLost, Conflict: the lease is lost; another worker has the chunk.
        """
        reason = error_class(cause) if isinstance(cause, Exception) else "GivenUp"
        message = cause_of(cause) if isinstance(cause, Exception) else cause
        recorded = await self._chunk_outcomes.recorded(chunk, outcomes or {})
        complete = await self._chunk_outcomes.with_failed(chunk, recorded, reason, message)
        counted = complete
        refusal = await self._chunk_outcomes.try_to_write(chunk, complete)
        if refusal is not None:
            counted = {}
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
        failed = fail_chunk(chunk, count_outcomes(counted.values()), message, now=now)
        await self._settle(job, chunk, complete, failed, whole=replace(failure, message=message))

    async def cancel(self, job: Job, chunk: Chunk, outcomes: Mapping[str, Outcome]) -> None:
        """Settle the chunk as CANCELLED, with the outcomes that it has.

        Raises:
            LeaseLost, Conflict: the lease is lost; another worker has the chunk.
        """
        counted = await self._chunk_outcomes.recorded(chunk, outcomes) or {}
        if await self._chunk_outcomes.try_to_write(chunk, counted) is not None:
            counted = {}
        cancelled = cancel_chunk(chunk, count_outcomes(counted.values()), now=self._clock.now())
        await self._settle(job, chunk, counted, cancelled)

    async def _settle(
        self,
        job: Job,
        chunk: Chunk,
        outcomes: Mapping[str, Outcome],
        settled: Chunk,
        *,
        whole: Failure | None = None,
    ) -> None:
        """Record the failed outcomes and the failure of the whole chunk, and settle it."""
        with self._not_blocking(chunk, "errors_not_recorded"):
            await self._chunk_errors.replace(chunk, outcomes.values(), whole=whole)
        check_lease(chunk, token=chunk.lease_token, now=self._clock.now())
        with self._not_blocking(chunk, "copies_not_aborted"):
            await self._unfinished_copies.abort(job, chunk)
        await self._chunks.settle(settled, tally_change(chunk, settled))
        self._count(settled.statistics - chunk.statistics)
        await self._status_publisher.finish_if_settled(job.job_id)

    @contextmanager
    def _not_blocking(self, chunk: Chunk, name: str) -> Iterator[None]:
        """Report an error instead of raising it, where a retry cannot help."""
        try:
            yield
        except (LeaseLost, Conflict):
            raise
        except Exception as error:
            if not (isinstance(error, Fatal) or must_end(chunk, self._tuning)):
                raise
            warn_of_chunk(self._telemetry, name, chunk, error)

    def _count(self, change: Statistics) -> None:
        self._telemetry.count(Metric.CHUNKS_SETTLED)
        for name, metric in _METRICS.items():
            self._telemetry.count(metric, getattr(change, name))
