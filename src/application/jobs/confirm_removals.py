"""Confirming what the guard over removals has stopped; the engine then announces it."""

from __future__ import annotations

from dataclasses import replace

from application.jobs.engine_invocation import request_removals
from application.jobs.update_job import update_job
from application.own_connector import own_connector
from domain.connector import Connector, check_may_start
from domain.errors import ConnectorRemoved, NotConfirmable
from domain.job import Job
from domain.removal_work import confirm_removals
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.telemetry import Telemetry


class ConfirmRemovals:
    """The use case behind `POST /jobs/{id}/removals/confirm`."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        connectors: ConnectorStore,
        engine: EngineInvoker,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._jobs = jobs
        self._connectors = connectors
        self._engine = engine
        self._clock = clock
        self._telemetry = telemetry

    async def confirm(self, job_id: str, *, expected: int) -> Job:
        """Have the engine look for the missing objects, and announce those that are gone.

        `expected` is the number of missing objects that the caller has seen. The engine checks once
        more that no later sync was compared in the meantime.

        Raises:
            NotFound: there is no such job.
            NotConfirmable: the guard has not stopped it, or at another number, or a later sync was
                compared.
            ConnectorDisabled, ConnectorRemoved: its connector starts nothing.
        """
        job = await self._jobs.get(job_id)
        confirmed = confirm_removals(job.removals, expected=expected, now=self._clock.now())
        if confirmed is job.removals:
            return job
        connector = await self._connector_of(job)
        check_may_start(connector)
        if connector.baseline.job_id != confirmed.baseline_job_id:
            raise NotConfirmable(
                f"sync {connector.baseline.job_id} was compared in the meantime, so these removals"
                " are outdated; look at those of that sync"
            )

        def change(job: Job) -> Job:
            work = confirm_removals(job.removals, expected=expected, now=self._clock.now())
            return job if work is job.removals else replace(job, removals=work)

        job = await update_job(self._jobs, job_id, change)
        await request_removals(self._engine, job_id, telemetry=self._telemetry)
        return job

    async def _connector_of(self, job: Job) -> Connector:
        connector = await own_connector(self._connectors, job)
        if connector is None:
            raise ConnectorRemoved(
                f"connector {job.request.connector_id} of job {job.job_id} was removed, and what is"
                " removed announces nothing; the report stays readable"
            )
        return connector
