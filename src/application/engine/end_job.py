"""Ending jobs early: cancelling on a person's order, failing on what a retry cannot mend.

A job never jumps to its end. Its end is ordered in its record, from then on no chunk is made or
leased; open chunks are settled as CANCELLED (a worker's own chunk by that worker, which looks for
the order while it works); and with the last of them the job has ended.

The end comes first. What else belongs to it (the batch job is cancelled, the manifest's upload
aborted, what was done of a chunk is counted) is tried at each pass, logged where it fails, and does
not keep the job from its end: a missing right never does, and nothing does for longer than
`end_patience_s`.
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
        status_publisher: StatusPublisher,
        left_copies: UnfinishedCopies,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._left_copies = left_copies
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
        self, job_id: str, error: Exception, deadline: Deadline, *, told: str | None = None
    ) -> Job | None:
        """Order the job's end, record why it fails, and end what is open, as `drain` does.

        The order comes first: a job that was cancelled meanwhile does not fail, and has no record
        of a failure. `told` says why in full where the error alone does not.
        """
        now = self._clock.now()
        job = await update_job(
            self._jobs,
            job_id,
            lambda j: request_end(
                j, Ending(kind=EndingKind.FAILED, reason=told or _reason(j, error)), now
            ),
        )
        if job.ending == Ending(kind=EndingKind.FAILED, reason=told or _reason(job, error)):
            failure = chunk_or_job_failure(error, job_id=job_id, chunk_index=None, now=now)
            await self._record(replace(failure, message=told or failure.message))
        return await self.drain(job, deadline)

    async def _record(self, failure: Failure) -> None:
        """Record the failure; what hinders that is not to keep the job from its end."""
        for _ in range(_RECORD_TRY_COUNT):
            try:
                await self._errors.record([failure])
                break
            except Exception as error:  # noqa: BLE001 - reported
                self._telemetry.warning(
                    "failure_not_recorded", job_id=failure.job_id, cause=cause_of(error)
                )

    async def drain(self, job: Job, deadline: Deadline) -> Job | None:
        """Settle what is open of a job whose end is ordered, or None if the deadline came first.

        Chunks that are being worked on are left. May be repeated; the job has ended when this finds
        nothing left. It is a loop over lives: what decreases from one to the next is the number of
        chunks that are open and not worked on. Each life settles one of them at least, whatever its
        deadline is, or finds that a step of the end is to be tried again, for `end_patience_s`.

        Raises:
            Retryable: something is worth another try; what could be settled is.
        """
        left = await self._clean_up(job)
        now = await update_job(
            self._jobs, job.job_id, lambda j: stop_redriving(j, self._clock.now())
        )
        if now.tally.chunks_settled < now.tally.chunks_total:
            async for chunk in self._chunks.chunks(job.job_id):
                # What a later redrive opened is not what was ordered to end.
                if not chunk.terminal and chunk.life.redrive_number <= job.redrive_number:
                    left = await self._cancel(job, chunk) or left
                    if deadline.near(self._tuning.stop_margin_s):
                        return None
        if left is not None:
            raise left
        return await self._status_publisher.finish_if_settled(job.job_id)

    async def _clean_up(self, job: Job) -> Exception | None:
        """Stop what is under way beside the chunks; returns an error that is worth another try."""
        left: Exception | None = None
        for step in (self._stop_discovery, self._abort_manifest):
            try:
                await step(job)
            except Exception as error:  # noqa: BLE001 - reported, and raised once all is tried
                self._telemetry.warning("end_step_failed", job_id=job.job_id, cause=cause_of(error))
                worth_it = isinstance(error, Retryable) or is_unknown(error)
                if worth_it and self._patient(job):
                    left = error
        return left

    async def _stop_discovery(self, job: Job) -> None:
        """Cancel the batch job; one that the record does not name yet is looked for."""
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
        """Whether the end may still wait: once it is ordered, nothing moves `updated_at`."""
        waited_s = (self._clock.now() - job.updated_at).total_seconds()
        return waited_s < self._tuning.end_patience_s

    async def _cancel(self, job: Job, chunk: Chunk) -> Exception | None:
        """Settle a chunk that nobody works on; returns an error that is worth another try."""
        now = self._clock.now()
        free = chunk
        if chunk.lease is not None:
            if not lease_expired(chunk, now):
                return None
            free = evolve(chunk, ChunkLeaseExpired(), now)
        done: dict[str, Outcome] = {}
        try:
            done = await self._progress.known(chunk)
            await self._write_down(job, free, done)
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
            cancelled = cancel_chunk(free, count_outcomes(done.values()), now=now)
            await self._chunks.settle(cancelled, tally_change(chunk, cancelled))
        except Conflict:
            pass  # a worker took or settled it meanwhile; the next pass sees what became of it
        return None

    async def _write_down(self, job: Job, chunk: Chunk, done: Mapping[str, Outcome]) -> None:
        """Write what belongs to the chunk's end, before the transaction that settles it."""
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
        await self._left_copies.give_up(job, chunk)


def _reason(job: Job, error: Exception) -> str:
    """Say in which role a bucket denied itself: that one has to be granted what is missing."""
    role_arn = job.bucket.role_arn
    denied = isinstance(error, AccessDenied) and error.resource != role_arn
    cause = cause_of(error)
    return f"{cause} (in the role {role_arn})" if denied and role_arn is not None else cause
