"""Ends jobs early: cancels them on request, or fails them on an error that no retry can fix.

A job does not end at once. First its record gets an end request; from then on no chunk is created
or leased. Open chunks are settled as CANCELLED (a leased chunk by its worker, which checks for the
request while it works); with the last of them the job has ended.

Clean-up does not block the end. Cancelling the batch job, aborting the manifest's upload and
counting the finished objects of a chunk are tried at each pass, and logged if they fail. A missing
permission never delays the end; other errors delay it for `end_patience_s` at most.
"""

from __future__ import annotations

from dataclasses import replace

from application.engine.cancel_chunk import CancelChunk
from application.engine.record_failure import RecordFailure
from application.engine.stop_discovery import StopDiscovery
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of, chunk_or_job_failure
from domain.job import Ending, EndingKind, Job
from domain.job_control import request_end, stop_redriving
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import AccessDenied
from ports.job_store import JobStore


class EndJob:
    """Requests the end of jobs, and carries it out."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        stop_discovery: StopDiscovery,
        cancel_chunk: CancelChunk,
        record_failure: RecordFailure,
        status_publisher: StatusPublisher,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._stop_discovery = stop_discovery
        self._cancel_chunk = cancel_chunk
        self._record_failure = record_failure
        self._status_publisher = status_publisher
        self._clock = clock
        self._tuning = tuning

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
            await self._record_failure.run(replace(failure, message=reason or failure.message))
        return await self.drain(job, deadline)

    async def drain(self, job: Job, deadline: Deadline) -> Job | None:
        """Settle the open chunks of a job whose end is requested; None if the deadline came first.

        Leased chunks are left to their workers. Idempotent; the job has ended when no chunk is
        left. A loop over invocations: its measure, which decreases with each, is the number of open
        chunks without a lease. Each invocation settles at least one of them, whatever its deadline
        is, or finds a step that must be retried, for `end_patience_s`.

        Raises:
            Retryable: a step should be retried; the chunks that could be settled are.
        """
        left = await self._stop_discovery.run(job)
        now = await update_job(
            self._jobs, job.job_id, lambda j: stop_redriving(j, self._clock.now())
        )
        if now.tally.chunks_settled < now.tally.chunks_total:
            async for chunk in self._chunks.chunks(job.job_id):
                # The request does not cover chunks that a later redrive reopened.
                if not chunk.terminal and chunk.life.redrive_number <= job.redrive.number:
                    left = await self._cancel_chunk.run(job, chunk) or left
                    if deadline.near(self._tuning.stop_margin_s):
                        return None
        if left is not None:
            raise left
        return await self._status_publisher.finish_if_settled(job.job_id)


def _failure_reason(job: Job, error: Exception) -> str:
    """Return the cause, with the role that S3 denied access: it needs the missing permission."""
    role_arn = job.request.bucket.role_arn
    denied = isinstance(error, AccessDenied) and error.resource != role_arn
    cause = cause_of(error)
    return f"{cause} (in the role {role_arn})" if denied and role_arn is not None else cause
