"""Requeues the failed chunks of a redriven job."""

from __future__ import annotations

from dataclasses import replace

from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.job_lease import JobLease
from application.execution.tuning import Tuning
from domain.chunk import ChunkRedriven, evolve, redrivable
from domain.job import Job
from domain.tally import tally_change
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.job_store import JobStore


class RequeueFailures:
    """The engine's part of a redrive: requeues each failed chunk, once per redrive."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        queueing: ChunkEnqueuer,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._queueing = queueing
        self._clock = clock
        self._tuning = tuning

    async def run(self, job: Job, lease: JobLease) -> Job | None:
        """Requeue, or return None if the deadline came first.

        A loop over invocations. Its measure, which decreases with each, is the number of failed
        chunks of an earlier redrive: each invocation requeues at least one of them.

        Raises:
            LeaseLost: the job's lease is lost.
        """
        async for chunk in self._chunks.chunks(job.job_id):
            if redrivable(chunk) and chunk.life.redrive_number < job.redrive.number:
                # The job may have been cancelled since; the cancellation waits for the lease.
                lease.check(await self._jobs.get(job.job_id))
                event = ChunkRedriven(redrive_number=job.redrive.number)
                reopened = evolve(chunk, event, self._clock.now())
                stored = await self._chunks.settle(reopened, tally_change(chunk, reopened))
                await self._queueing.enqueue([stored])
                if await lease.must_stop(self._tuning.stop_margin_s):
                    return None
        return await lease.update(
            job.job_id, lambda j: replace(j, redrive=replace(j.redrive, active=False))
        )
