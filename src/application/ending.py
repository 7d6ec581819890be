"""Ending jobs early: cancelling on a person's order, failing on what a retry cannot mend.

A job never jumps to its end. Its end is ordered in its record, from then on no chunk is made or
leased; open chunks are settled as CANCELLED (a worker's own chunk by that worker, which looks for
the order while it works); and with the last of them the job has ended.
"""

from __future__ import annotations

from application.announcer import Announcer
from application.chunk_errors import ChunkErrors
from application.copy_file import LeftCopies
from application.engine_orders import order_advance
from application.failures import whole_failure
from application.files import manifest_key, outcomes_key, write_outcomes
from application.job_updater import update_job
from application.progress_files import ProgressFiles
from domain.chunk import Chunk, ChunkLeaseExpired, cancel_chunk, evolve, lease_expired
from domain.job import Ending, EndingKind, Job
from domain.job_control import order_end, stop_redriving
from domain.outcome import fold
from domain.tally import tally_change
from ports.batch_jobs import BatchJobs
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.error_log import ErrorLog
from ports.errors import AccessDenied, Conflict
from ports.job_store import JobStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


class EndJob:
    """Orders ends and carries them out."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        batch_jobs: BatchJobs,
        results: ResultsStore,
        errors: ErrorLog,
        chunk_errors: ChunkErrors,
        announcer: Announcer,
        left_copies: LeftCopies,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._left_copies = left_copies
        self._batch_jobs = batch_jobs
        self._results = results
        self._errors = errors
        self._chunk_errors = chunk_errors
        self._announcer = announcer
        self._clock = clock
        self._progress = ProgressFiles(results)

    async def fail(self, job_id: str, error: Exception) -> Job:
        """Record why the job fails, order its end, and end what is open."""
        now = self._clock.now()
        await self._errors.record([whole_failure(error, job_id=job_id, chunk_index=None, now=now)])
        job = await update_job(
            self._jobs,
            job_id,
            lambda j: order_end(j, Ending(kind=EndingKind.FAILED, reason=_reason(j, error)), now),
        )
        return await self.drain(job)

    async def drain(self, job: Job) -> Job:
        """Settle what is open of a job whose end is ordered; chunks being worked on are left.

        May be repeated. The job has ended when this finds nothing left.
        """
        if job.batch_job_id is not None and not job.splitting.done:
            await self._batch_jobs.cancel(job.batch_job_id)
        if job.listing.upload_id is not None:
            await self._results.abort_upload(manifest_key(job.job_id), job.listing.upload_id)
        await update_job(self._jobs, job.job_id, lambda j: stop_redriving(j, self._clock.now()))
        async for chunk in self._chunks.chunks(job.job_id):
            # What a later redrive opened is not what was ordered to end.
            if not chunk.terminal and chunk.redrive_number <= job.redrive_number:
                await self._cancel(job, chunk)
        return await self._announcer.finish(job.job_id)

    async def _cancel(self, job: Job, chunk: Chunk) -> None:
        now = self._clock.now()
        free = chunk
        if chunk.lease is not None:
            if not lease_expired(chunk, now):
                return
            free = evolve(chunk, ChunkLeaseExpired(), now)
        done = await self._progress.known(chunk)
        try:
            if done:
                await write_outcomes(
                    self._results,
                    outcomes_key(chunk.job_id, chunk.index),
                    done.values(),
                    job_id=chunk.job_id,
                    chunk_index=chunk.index,
                )
            if free.attempt_count or free.progress_key is not None:
                await self._chunk_errors.replace(free, done.values())
            await self._left_copies.give_up(job, chunk)
            cancelled = cancel_chunk(free, fold(done.values()), now=now)
            await self._chunks.settle(cancelled, tally_change(chunk, cancelled))
        except Conflict:
            return  # a worker took or settled it meanwhile; the next pass sees what became of it


class CancelJob:
    """The use case behind `POST /jobs/{id}/cancel`."""

    def __init__(
        self, *, jobs: JobStore, engine: EngineInvoker, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._jobs = jobs
        self._engine = engine
        self._clock = clock
        self._telemetry = telemetry

    async def cancel(self, job_id: str) -> Job:
        """Order the job's end; it is CANCELLED when nothing of it is worked on any more.

        Returns the job. One that has ended already, or is ending, is returned as it is.

        Raises:
            NotFound: there is no such job.
        """
        ending = Ending(kind=EndingKind.CANCELLED, reason="cancelled by request")
        job = await update_job(
            self._jobs, job_id, lambda j: order_end(j, ending, self._clock.now())
        )
        if job.terminal:
            return job
        await order_advance(self._engine, job_id, telemetry=self._telemetry)
        return job


def _reason(job: Job, error: Exception) -> str:
    """Say in which role a bucket denied itself: that one has to be granted what is missing."""
    role_arn = job.bucket.role_arn
    denied = isinstance(error, AccessDenied) and error.resource != role_arn
    return f"{error} (in the role {role_arn})" if denied and role_arn is not None else str(error)
