"""Pausing one job, and resuming it: workers and engine find the pause in its record."""

from __future__ import annotations

from application.jobs.engine_invocation import request_advance
from application.jobs.update_job import update_job
from domain.hold import pause_job, resume_job
from domain.job import Job
from domain.pause import Pause
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.telemetry import Telemetry


class PauseJob:
    """The use cases behind `POST /jobs/{id}/pause` and `/resume`."""

    def __init__(
        self, *, jobs: JobStore, engine: EngineInvoker, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._jobs = jobs
        self._engine = engine
        self._clock = clock
        self._telemetry = telemetry

    async def pause(self, job_id: str, *, reason: str | None, by: str | None) -> Job:
        """Pause the job: within seconds nothing of it is started, until it is resumed.

        Returns the job. One that is paused already stays so, and gets the new reason, if any.

        Raises:
            NotFound: there is no such job.
            NotPausable: it has ended, or is ending.
        """
        pause = Pause(since=self._clock.now(), reason=reason, by=by)
        job = await update_job(self._jobs, job_id, lambda j: pause_job(j, pause))
        self._telemetry.event("job_paused", job_id=job_id, cause=reason or "")
        return job

    async def resume(self, job_id: str) -> Job:
        """End the job's own pause, and have the engine send what was parked.

        Returns the job. One that is not paused is returned unchanged; one whose stage is paused
        stays held by that.

        Raises:
            NotFound: there is no such job.
        """
        job = await update_job(self._jobs, job_id, lambda j: resume_job(j, self._clock.now()))
        if job.terminal:
            return job
        # Also where nothing changed: the invocation of an earlier request may have been lost.
        await request_advance(self._engine, job_id, telemetry=self._telemetry)
        self._telemetry.event("job_resumed", job_id=job_id)
        return job
