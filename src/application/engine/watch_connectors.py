"""What the sweep does for connectors: their ingest queues, timers, and limits of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from application.engine.ingest_watch import IngestWatch
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.keep_timers import KeepTimers
from application.limit_jobs import LimitJobs
from domain.connector import Connector
from domain.job import Job
from ports.connector_store import ConnectorStore
from ports.telemetry import Telemetry

_PAGE_CONNECTOR_COUNT: Final = 100


class WatchConnectors:
    """Reads all connectors once."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        ingest_watch: IngestWatch,
        timers: KeepTimers,
        limit_jobs: LimitJobs,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._connectors = connectors
        self._ingest_watch = ingest_watch
        self._timers = timers
        self._limit_jobs = limit_jobs
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, deadline: Deadline, active: Sequence[Job]) -> Exception | None:
        """Check all connectors, until the deadline is near; returns the first error of a timer.

        A queue that cannot be read, or a timer that fails, does not stop the pass. Those of
        the `active` jobs whose limits are not those of their connector get them.

        Raises:
            Retryable, Fatal: the connectors or the timers could not be listed.
        """
        scheduled, complete = await self._observe(deadline, active)
        return await self._timers.keep(scheduled, complete=complete)

    async def _observe(
        self, deadline: Deadline, active: Sequence[Job]
    ) -> tuple[list[Connector], bool]:
        """Check the ingest queues.

        Returns the connectors that have a schedule, and whether these are all: not if the deadline
        came near, or a connector could not be read.
        """
        scheduled: list[Connector] = []
        complete = True
        jobs_of: dict[str, list[Job]] = {}
        for job in active:
            jobs_of.setdefault(job.request.connector_id, []).append(job)
        cursor: str | None = None
        while True:
            page = await self._connectors.list_page(limit=_PAGE_CONNECTOR_COUNT, cursor=cursor)
            complete = complete and not page.unreadable
            for each in page.unreadable:
                self._telemetry.warning(
                    "connector_not_read", connector_id=each.record_id, cause=each.cause
                )
            for connector in page.items:
                if deadline.near(self._tuning.stop_margin_s):
                    return scheduled, False
                await self._ingest_watch.observe(connector)
                for job in jobs_of.get(connector.connector_id, ()):
                    await self._limit_jobs.give(job, connector)
                if connector.schedule is not None:
                    scheduled.append(connector)
            cursor = page.cursor
            if cursor is None:
                return scheduled, complete
