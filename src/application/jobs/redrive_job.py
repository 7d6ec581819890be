"""Requesting that a job's failures are retried."""

from __future__ import annotations

from application.jobs.engine_invocation import request_advance
from application.jobs.status_publisher import StatusPublisher
from application.jobs.update_job import update_job
from domain.job import Job
from domain.job_control import redrive
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
        status_publisher: StatusPublisher,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._jobs = jobs
        self._engine = engine
        self._status_publisher = status_publisher
        self._clock = clock
        self._telemetry = telemetry

    async def redrive(self, job_id: str) -> Job:
        """Reopen the job, and have the engine requeue its failed chunks.

        A job that is being redriven is returned unchanged.

        Raises:
            NotFound: there is no such job.
            NotRedrivable: no failure of the job can be retried.
            OverlappingJob: another job is active on its prefixes.
            TooManyPrefixes: the bucket's active jobs already have too many.
        """

        def reopened(job: Job) -> Job:
            return job if job.redrive.active else redrive(job, self._clock.now())

        job = await update_job(self._jobs, job_id, reopened)
        await request_advance(self._engine, job_id, telemetry=self._telemetry)
        return await self._status_publisher.publish_pending(job)
