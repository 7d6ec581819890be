"""Ends jobs early: cancels them on request, or fails them on an error that no retry can fix.

A job does not end at once. First its record gets an end request; from then on no chunk is created
or leased. Open chunks are settled as CANCELLED (a leased chunk by its worker, which checks for the
request while it works); with the last of them the job has ended.

Clean-up does not block the end. Cancelling the batch job, aborting the manifest's upload and
counting the finished objects of a chunk are tried at each pass, and logged if they fail. A missing
permission never delays the end; other errors delay it for `end_patience_s` at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.jobs.update_job import update_job
from application.multipart.unfinished_copies import UnfinishedCopies
from application.results.chunk_errors import ChunkErrors
from application.results.failure_records import cause_of, chunk_or_job_failure, is_unknown
from application.results.files import manifest_key, outcomes_key, write_outcomes
from application.results.progress_files import ProgressFiles
from domain.chunk import Chunk, ChunkLeaseExpired, cancel_chunk, evolve, lease_expired
from domain.failure import Failure
from domain.job import Discovery, Ending, EndingKind, Job
from domain.job_control import request_end, stop_redriving
from domain.outcome import Outcome, count_outcomes
from domain.tally import tally_change
from ports.batch_jobs import BatchJobs
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.errors import AccessDenied, Conflict, Misconfigured, Retryable
from ports.job_store import JobStore
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

_RECORD_TRY_COUNT: Final = 2


class EndJob:
    """Requests the end of jobs, and carries it out."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        batch_jobs: BatchJobs,
        results: ResultsStore,
        errors: ErrorLog,
        chunk_errors: ChunkErrors,
        status_publisher: StatusPublisher,
        unfinished_copies: UnfinishedCopies,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._unfinished_copies = unfinished_copies
        self._batch_jobs = batch_jobs
        self._results = results
        self._errors = errors
        self._chunk_errors = chunk_errors
        self._status_publisher = status_publisher
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning
        self._progress = ProgressFiles(results)

    async def fail(
        self, job_id: str, error: Exception, deadline: Deadline, *, reason: str | None = None
    ) -> Job | None:
        """Request the job's end, record the failure, and settle its open chunks as `drain` does.

        The request comes first: a job that was cancelled in the meantime does not fail, and gets
        no failure record. `reason` is the full reason, where the error alone does not have it.
        """
        now = self._clock.now()
        job = await update_job(
            self._jobs,
            job_id,
            lambda j: request_end(
                j, Ending(kind=EndingKind.FAILED, reason=reason or _failure_reason(j, error)), now
            ),
        )
        if job.ending == Ending(
            kind=EndingKind.FAILED, reason=reason or _failure_reason(job, error)
        ):
            failure = chunk_or_job_failure(error, job_id=job_id, chunk_index=None, now=now)
            await self._record(replace(failure, message=reason or failure.message))
        return await self.drain(job, deadline)

    async def _record(self, failure: Failure) -> None:
        """Record the failure; an error here must not block the end of the job."""
        for _ in range(_RECORD_TRY_COUNT):
            try:
                await self._errors.record([failure])
                break
            except Exception as error:  # noqa: BLE001 - reported
                self._telemetry.warning(
                    "failure_not_recorded", job_id=failure.job_id, cause=cause_of(error)
                )

    async def drain(self, job: Job, deadline: Deadline) -> Job | None:
        """Settle the open chunks of a job whose end is requested; None if the deadline came first.

        Leased chunks are left to their workers. Idempotent; the job has ended when no chunk is
        left. A loop over invocations: its measure, which decreases with each, is the number of open
        chunks without a lease. Each invocation settles at least one of them, whatever its deadline
        is, or finds a step that must be retried, for `end_patience_s`.

        Raises:
            Retryable: a step should be retried; the chunks that could be settled are.
        """
        left = await self._clean_up(job)
        now = await update_job(
            self._jobs, job.job_id, lambda j: stop_redriving(j, self._clock.now())
        )
        if now.tally.chunks_settled < now.tally.chunks_total:
            async for chunk in self._chunks.chunks(job.job_id):
                # The request does not cover chunks that a later redrive reopened.
                if not chunk.terminal and chunk.life.redrive_number <= job.redrive.number:
                    left = await self._cancel(job, chunk) or left
                    if deadline.near(self._tuning.stop_margin_s):
                        return None
        if left is not None:
            raise left
        return await self._status_publisher.finish_if_settled(job.job_id)

    async def _clean_up(self, job: Job) -> Exception | None:
        """Stop the batch job and the upload; returns an error that should be retried."""
        left: Exception | None = None
        for step in (self._stop_discovery, self._abort_manifest):
            try:
                await step(job)
            except Exception as error:  # noqa: BLE001 - reported, and raised once all is tried
                self._telemetry.warning("end_step_failed", job_id=job.job_id, cause=cause_of(error))
                retryable = isinstance(error, Retryable) or is_unknown(error)
                if retryable and self._patient(job):
                    left = error
        return left

    async def _stop_discovery(self, job: Job) -> None:
        """Cancel the batch job; search for one that the record does not name yet."""
        if job.options.discovery is not Discovery.BATCH or job.splitting.done:
            return
        found: Sequence[str] = []
        if job.batch_job_id is not None:
            found = [job.batch_job_id]
        elif job.manifest is not None:
            found = await self._batch_jobs.find(job.job_id)
        for batch_job_id in found:
            await self._batch_jobs.cancel(batch_job_id)

    async def _abort_manifest(self, job: Job) -> None:
        if job.listing.upload_id is not None:
            await self._results.abort_upload(manifest_key(job.job_id), job.listing.upload_id)

    def _patient(self, job: Job) -> bool:
        """Return whether the end may still wait; `updated_at` does not move after the request."""
        waited_s = (self._clock.now() - job.updated_at).total_seconds()
        return waited_s < self._tuning.end_patience_s

    async def _cancel(self, job: Job, chunk: Chunk) -> Exception | None:
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
            self._telemetry.warning(
                "chunk_not_accounted",
                job_id=job.job_id,
                chunk_index=chunk.index,
                cause=cause_of(error),
            )
            if self._patient(job) and not isinstance(error, Misconfigured):
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


def _failure_reason(job: Job, error: Exception) -> str:
    """Return the cause, with the role that S3 denied access: it needs the missing permission."""
    role_arn = job.bucket.role_arn
    denied = isinstance(error, AccessDenied) and error.resource != role_arn
    cause = cause_of(error)
    return f"{cause} (in the role {role_arn})" if denied and role_arn is not None else cause
