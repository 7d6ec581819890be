"""Gives the limits of a connector to its jobs that are active: they hold for these at once."""

from __future__ import annotations

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.engine_invocation import request_advance
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of
from domain.connector import Connector
from domain.job import Job
from domain.job_control import is_of
from domain.job_limits import has_limits_of, with_limits
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.paging import Unreadable
from ports.telemetry import Telemetry


class LimitJobs:
    """Called when limits were edited, and by the sweep for what an edit did not reach."""

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

    async def follow(self, connector: Connector) -> None:
        """Give its limits to all of its jobs that are active, as far as a request's time reaches.

        An error is reported, and not raised: the limits are saved, and the sweep does the rest.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        try:
            async for job in self._jobs.open_jobs():
                if deadline.near(0):
                    return
                if not isinstance(job, Unreadable):
                    await self.give(job, connector)
        except Exception as error:  # noqa: BLE001 - reported; the sweep does it
            self._telemetry.warning(
                "limits_not_given", connector_id=connector.connector_id, cause=cause_of(error)
            )

    async def give(self, job: Job, connector: Connector) -> None:
        """Give the connector's limits to a job as it was read, if it is one of its active jobs.

        A job whose limits have changed since it was read keeps them.

        Raises:
            Conflict: other processes kept changing the job.
            Retryable, Fatal: its record cannot be read or written now.
        """
        if job.terminal or not is_of(job, connector) or has_limits_of(job, connector):
            return
        before = job.limits, job.watched_queue

        def change(current: Job) -> Job:
            if (current.limits, current.watched_queue) != before:
                return current
            return with_limits(current, connector, self._clock.now())

        changed = await update_job(self._jobs, job.job_id, change)
        self._telemetry.event(
            "limits_changed", job_id=job.job_id, connector_id=connector.connector_id
        )
        if not changed.terminal:
            await request_advance(self._engine, job.job_id, telemetry=self._telemetry)
