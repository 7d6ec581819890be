"""What the sweep does for connectors: it checks their ingest queues, and puts missing timers."""

from __future__ import annotations

from typing import Final

from application.engine.ingest_watch import IngestWatch
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.keep_timers import KeepTimers
from domain.connector import Connector
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
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._connectors = connectors
        self._ingest_watch = ingest_watch
        self._timers = timers
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, deadline: Deadline) -> Exception | None:
        """Check all connectors, until the deadline is near; returns the first error of a timer.

        A queue that cannot be read, or a timer that cannot be put, does not stop the pass.

        Raises:
            Retryable, Fatal: the connectors or the timers could not be listed.
        """
        scheduled = await self._observe(deadline)
        return await self._timers.put_missing(scheduled)

    async def _observe(self, deadline: Deadline) -> list[Connector]:
        """Check the ingest queues; returns the connectors that have a schedule."""
        scheduled: list[Connector] = []
        cursor: str | None = None
        while True:
            page = await self._connectors.list_page(limit=_PAGE_CONNECTOR_COUNT, cursor=cursor)
            for each in page.unreadable:
                self._telemetry.warning(
                    "connector_not_read", connector_id=each.record_id, cause=each.cause
                )
            for connector in page.items:
                if deadline.near(self._tuning.stop_margin_s):
                    return scheduled
                await self._ingest_watch.observe(connector)
                if connector.schedule is not None:
                    scheduled.append(connector)
            cursor = page.cursor
            if cursor is None:
                return scheduled
