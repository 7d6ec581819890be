"""Requesting that a job's failures are retried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from application.jobs.engine_invocation import request_advance
from application.jobs.status_publisher import StatusPublisher
from application.jobs.update_job import update_job
from application.own_connector import own_connector
from domain.connector import Connector, check_may_start
from domain.errors import ConnectorRemoved
from domain.job import Job
from domain.job_control import redrive
from domain.job_limits import with_limits
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.engine_invoker import EngineInvoker
from ports.job_store import ConnectorChanged, JobStore
from ports.telemetry import Telemetry

# Edits of a connector are rare. The bound only keeps a bug from looping forever.
_MAX_TRIES: Final = 10


class RedriveJob:
    """The use case behind `POST /jobs/{id}/redrive`."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        connectors: ConnectorStore,
        engine: EngineInvoker,
        status_publisher: StatusPublisher,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._jobs = jobs
        self._connectors = connectors
        self._engine = engine
        self._status_publisher = status_publisher
        self._clock = clock
        self._telemetry = telemetry

    async def redrive(self, job_id: str) -> Job:
        """Reopen the job, and have the engine requeue its failed chunks.

        A job that is being redriven is returned unchanged.

        Raises:
            NotFound: there is no such job.
            ConnectorDisabled, ConnectorRemoved: its connector starts nothing.
            NotRedrivable: no failure of the job can be retried.
            OverlappingJob: another job is active on its prefixes.
            TooManyPrefixes: the bucket's active jobs already have too many.
        """

        def reopened(job: Job) -> Job:
            return job if job.redrive.active else redrive(job, self._clock.now())

        job = await self._updated(job_id, reopened)
        await request_advance(self._engine, job_id, telemetry=self._telemetry)
        return await self._status_publisher.publish_pending(job)

    async def _updated(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        job = await self._jobs.get(job_id)
        for _ in range(_MAX_TRIES):
            if change(job) is job:
                return job
            connector = await self._connector_of(job)
            try:
                return await update_job(
                    self._jobs, job_id, self._with_limits_of(connector, change), connector=connector
                )
            except ConnectorChanged:
                job = await self._jobs.get(job_id)
        raise ConnectorChanged(job.request.connector_id)

    def _with_limits_of(
        self, connector: Connector, change: Callable[[Job], Job]
    ) -> Callable[[Job], Job]:
        return lambda job: with_limits(change(job), connector, self._clock.now())

    async def _connector_of(self, job: Job) -> Connector:
        connector = await own_connector(self._connectors, job)
        if connector is None:
            raise _removed(job)
        check_may_start(connector)
        return connector


def _removed(job: Job) -> ConnectorRemoved:
    return ConnectorRemoved(
        f"connector {job.request.connector_id} of job {job.job_id} was removed, and what is removed"
        " starts nothing; register the bucket again and start a sync: objects that are done are"
        " skipped"
    )
