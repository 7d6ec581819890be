"""Pausing all jobs of a stage with one record, and resuming them.

The record is read with each job, so it also holds jobs that are started later. A job's own pause is
another one, and stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from application.execution.deadline import Deadline
from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_advance
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of
from domain.hold import resume_with_stage
from domain.job import Job
from domain.pause import Pause
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.paging import Unreadable
from ports.telemetry import Telemetry

_JOBS_IN_FLIGHT: Final = 8


class PauseStage:
    """The use cases behind `/stage`, `/stage/pause` and `/stage/resume`."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        engine: EngineInvoker,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._engine = engine
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def current(self) -> Pause | None:
        """Return the stage's pause, None if it is not paused."""
        return await self._jobs.stage_pause()

    async def pause(self, *, reason: str | None, by: str | None) -> Pause:
        """Pause the stage; one that is paused already keeps its time, and gets the new reason."""
        before = await self._jobs.stage_pause()
        if before is not None and reason in (None, before.reason):
            return before
        since = before.since if before is not None else self._clock.now()
        pause = Pause(since=since, reason=reason, by=by)
        await self._jobs.pause_stage(pause)
        self._telemetry.event("stage_paused", cause=reason or "")
        return pause

    async def resume(self) -> None:
        """End the stage's pause, and have the engine continue the open jobs.

        Those that cannot be reached in `Tuning.read_s` are continued by the sweep.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        pause = await self._jobs.stage_pause()
        if pause is None:
            return
        await self._jobs.pause_stage(None)
        self._telemetry.event("stage_resumed")

        async def go_on(job: Job) -> None:
            try:
                await update_job(
                    self._jobs,
                    job.job_id,
                    lambda j: resume_with_stage(j, pause, self._clock.now()),
                )
            except Exception as error:  # noqa: BLE001 - reported; the sweep continues the job
                self._telemetry.warning("job_not_resumed", job_id=job.job_id, cause=cause_of(error))
                return
            await request_advance(self._engine, job.job_id, telemetry=self._telemetry)

        await fan_out(self._open_jobs(deadline), go_on, limit=_JOBS_IN_FLIGHT)

    async def _open_jobs(self, deadline: Deadline) -> AsyncIterator[Job]:
        async for job in self._jobs.open_jobs():
            if deadline.near(0):
                return
            if not isinstance(job, Unreadable) and not job.terminal:
                yield job
