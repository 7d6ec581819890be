"""Redrive: a person orders a job's failures to be tried again."""

from __future__ import annotations

from dataclasses import replace

from application.announcer import Announcer
from application.engine_orders import order_advance
from application.job_updater import update_job
from application.policy import Policy
from application.queueing import Queueing
from application.work import Work
from domain.chunk import ChunkRedriven, evolve, redrivable
from domain.job import Job
from domain.job_control import redrive
from domain.tally import tally_change
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.telemetry import Telemetry


class RedriveJob:
    """The use case behind `POST /jobs/{id}/redrive`."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        engine: EngineInvoker,
        announcer: Announcer,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._jobs = jobs
        self._engine = engine
        self._announcer = announcer
        self._clock = clock
        self._telemetry = telemetry

    async def redrive(self, job_id: str) -> Job:
        """Reopen the job and have the engine queue its failed chunks again.

        A job that is being redriven is returned as it is.

        Raises:
            NotFound: there is no such job.
            NotRedrivable: it has no failures that another attempt could mend.
            OverlappingJob: another job is active on its prefixes.
            TooManyPrefixes: the bucket's active jobs have too many already.
        """

        def reopened(job: Job) -> Job:
            return job if job.redriving else redrive(job, self._clock.now())

        job = await update_job(self._jobs, job_id, reopened)
        await order_advance(self._engine, job_id, telemetry=self._telemetry)
        return await self._announcer.announce(job)


class RequeueFailures:
    """The engine's part: takes failed chunks back to the queue, each once per redrive."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        queueing: Queueing,
        clock: Clock,
        policy: Policy,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._queueing = queueing
        self._clock = clock
        self._policy = policy

    async def run(self, job: Job, work: Work) -> Job | None:
        """Requeue, or return None if the deadline came first.

        It is a loop over lives: what decreases from one to the next is the number of failed chunks
        whose redrive is an earlier one. Each life requeues one of them at least.

        Raises:
            WorkLost: the job is not ours any more.
        """
        async for chunk in self._chunks.chunks(job.job_id):
            if redrivable(chunk) and chunk.redrive_number < job.redrive_number:
                # A cancel may have come since; it waits for our lease to end before the job does.
                work.check(await self._jobs.get(job.job_id))
                event = ChunkRedriven(redrive_number=job.redrive_number)
                reopened = evolve(chunk, event, self._clock.now())
                stored = await self._chunks.settle(reopened, tally_change(chunk, reopened))
                await self._queueing.enqueue([stored])
                if work.deadline.near(self._policy.stop_margin_s):
                    return None
        return await work.update(job.job_id, lambda j: replace(j, redriving=False))
