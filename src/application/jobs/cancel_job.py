"""Requesting the cancellation of a job; `engine.end_job` and the workers carry it out."""

from __future__ import annotations

from application.jobs.engine_invocation import request_advance
from application.jobs.update_job import update_job
from domain.job import Ending, EndingKind, Job
from domain.job_control import request_end
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.telemetry import Telemetry


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
        """Request the cancellation; the job is CANCELLED once no worker has a chunk of it.

        Returns the job. A job that has ended, or is ending, is returned unchanged.

        Raises:
            NotFound: there is no such job.
        """
        ending = Ending(kind=EndingKind.CANCELLED, reason="cancelled by request")
        job = await update_job(
            self._jobs, job_id, lambda j: request_end(j, ending, self._clock.now())
        )
        if job.terminal:
            return job
        await request_advance(self._engine, job_id, telemetry=self._telemetry)
        return job
