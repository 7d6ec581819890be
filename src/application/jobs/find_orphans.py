"""Asking for the records of the catalog whose objects do not exist; the engine searches them."""

from __future__ import annotations

from dataclasses import replace

from application.jobs.engine_invocation import request_orphans
from application.jobs.update_job import update_job
from application.own_connector import own_connector
from domain.connector import check_may_start
from domain.errors import ConnectorRemoved
from domain.job import COMPLETED, Job
from domain.orphan_work import want_orphans
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.telemetry import Telemetry


class FindOrphans:
    """The use case behind `POST /jobs/{id}/orphans`."""

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

    async def find(self, job_id: str) -> Job:
        """Have the engine search; while a search is under way, no other one starts.

        Raises:
            NotFound: there is no such job.
            NotSearchable: the job has not listed the bucket to its end.
            ConnectorDisabled, ConnectorRemoved: its connector starts nothing.
        """

        def wanted(job: Job) -> Job:
            completed = job.status in COMPLETED
            work = want_orphans(job.orphans, completed=completed, now=self._clock.now())
            return job if work is job.orphans else replace(job, orphans=work)

        job = await self._jobs.get(job_id)
        if job.orphans is not None and wanted(job) is job:
            if job.orphans.needs_engine(self._clock.now()):
                await request_orphans(self._engine, job_id, telemetry=self._telemetry)
            return job
        await self._check_connector(job)
        job = await update_job(self._jobs, job_id, wanted)
        await request_orphans(self._engine, job_id, telemetry=self._telemetry)
        return job

    async def _check_connector(self, job: Job) -> None:
        connector = await own_connector(self._connectors, job)
        if connector is None:
            raise ConnectorRemoved(
                f"connector {job.request.connector_id} of job {job.job_id} was removed, and with it"
                " the right to read its bucket; register it again and start a new sync"
            )
        check_may_start(connector)
