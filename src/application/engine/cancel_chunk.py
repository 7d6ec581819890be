"""Settles an open chunk of an ending job as CANCELLED, with the outcomes that it already has."""

from __future__ import annotations

from collections.abc import Mapping

from application.execution.tuning import Tuning
from application.multipart.unfinished_copies import UnfinishedCopies
from application.results.chunk_errors import ChunkErrors
from application.results.failure_records import warn_of_chunk
from application.results.files import outcomes_key, write_outcomes
from application.results.progress_files import ProgressFiles
from domain.chunk import Chunk, ChunkLeaseExpired, cancel_chunk, evolve, lease_expired
from domain.job import Job
from domain.job_control import end_may_wait
from domain.outcome import Outcome, count_outcomes
from domain.tally import tally_change
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import Conflict, Misconfigured
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


class CancelChunk:
    """Cancels chunks that no worker holds."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        results: ResultsStore,
        chunk_errors: ChunkErrors,
        unfinished_copies: UnfinishedCopies,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._chunks = chunks
        self._results = results
        self._progress = ProgressFiles(results)
        self._chunk_errors = chunk_errors
        self._unfinished_copies = unfinished_copies
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job: Job, chunk: Chunk) -> Exception | None:
        """Settle a chunk without a valid lease; returns an error that should be retried."""
        now = self._clock.now()
        released = chunk
        if chunk.lease is not None:
            if not lease_expired(chunk, now):
                return None
            released = evolve(chunk, ChunkLeaseExpired(), now)
        done: dict[str, Outcome] = {}
        try:
            done = await self._progress.recorded(chunk)
            await self._write_results(job, released, done)
        except Exception as error:  # noqa: BLE001 - reported, and raised once all is tried
            warn_of_chunk(self._telemetry, "chunk_not_accounted", chunk, error)
            may_wait = end_may_wait(job, now, self._tuning.end_patience_s)
            if may_wait and not isinstance(error, Misconfigured):
                return error
        try:
            cancelled = cancel_chunk(released, count_outcomes(done.values()), now=now)
            await self._chunks.settle(cancelled, tally_change(chunk, cancelled))
        except Conflict:
            pass  # a worker leased or settled it; the next pass reads the result
        return None

    async def _write_results(self, job: Job, chunk: Chunk, done: Mapping[str, Outcome]) -> None:
        """Write outcomes and error records, before the transaction that settles the chunk."""
        if done:
            await write_outcomes(
                self._results,
                outcomes_key(chunk.job_id, chunk.index),
                done.values(),
                job_id=chunk.job_id,
                chunk_index=chunk.index,
            )
        if chunk.attempt_count or chunk.progress_key is not None:
            await self._chunk_errors.replace(chunk, done.values())
        await self._unfinished_copies.abort(job, chunk)
