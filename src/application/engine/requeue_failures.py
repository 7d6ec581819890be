"""Taking the failed chunks of a redriven job back to the queue."""

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
    """The engine's part: takes failed chunks back to the queue, each once per redrive."""

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

        It is a loop over lives: what decreases from one to the next is the number of failed chunks
        whose redrive is an earlier one. Each life requeues one of them at least.

        Raises:
            LeaseLost: the job is not ours any more.
        """
        async for chunk in self._chunks.chunks(job.job_id):
            if redrivable(chunk) and chunk.life.redrive_number < job.redrive_number:
                # A cancel may have come since; it waits for our lease to end before the job does.
                lease.check(await self._jobs.get(job.job_id))
                event = ChunkRedriven(redrive_number=job.redrive_number)
                reopened = evolve(chunk, event, self._clock.now())
                stored = await self._chunks.settle(reopened, tally_change(chunk, reopened))
                await self._queueing.enqueue([stored])
                if lease.deadline.near(self._tuning.stop_margin_s):
                    return None
        return await lease.update(job.job_id, lambda j: replace(j, redriving=False))
