"""Checks whether a system has processed its ingest queue.

An object that was triggered a day ago may still wait there: Media Lake processes its queue nearly
one message at a time. So a trigger's grace period does not end before the queue was empty once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from application.execution.tuning import Tuning
from domain.connector import Connector, Trigger
from domain.job import Job
from domain.limits import QUEUE_DEPTH_LAG_S
from domain.trigger_mark import UNKNOWN_QUEUE, QueueView
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.errors import Fatal, Misconfigured, NotFound, PortError
from ports.ingest_queue import IngestQueue
from ports.telemetry import Telemetry

# The depth lags: an empty queue was empty this long before the request.
_DEPTH_LAG: Final = timedelta(seconds=QUEUE_DEPTH_LAG_S)


class IngestWatch:
    """Reads the depth of ingest queues, and records when they were seen empty."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        queue: IngestQueue,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._connectors = connectors
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def look(self, job: Job) -> tuple[QueueView, tuple[str, ...]]:
        """Return the state of the ingest queue for a job that starts now, and its warnings.

        If the queue cannot be read, only the grace period counts, and the job gets a warning.

        Raises:
            Misconfigured: the job sends to this queue, and it does not exist.
            Retryable: its depth could not be read.
        """
        queue_url = job.request.ingest.queue_url
        if queue_url is None:
            return UNKNOWN_QUEUE, ()
        seen_at = self._clock.now() - _DEPTH_LAG
        try:
            depth = await self._queue.depth(queue_url)
        except NotFound as error:
            if job.request.ingest.trigger is Trigger.QUEUE:
                raise Misconfigured(
                    f"the connector's ingest queue {queue_url} does not exist, and its trigger"
                    " sends to it; edit the connector, so that it has the queue of the system",
                    operation=error.operation,
                    resource=queue_url,
                    vendor_code=error.vendor_code,
                ) from error
            return UNKNOWN_QUEUE, (self._unread(queue_url, error),)
        except Fatal as error:
            return UNKNOWN_QUEUE, (self._unread(queue_url, error),)
        if depth == 0:
            await self._connectors.record_queue_empty(
                job.request.connector_id, seen_at, queue_url=queue_url
            )
            return QueueView(known=True, empty_at=seen_at), ()
        connector = await self._connectors.get(job.request.connector_id)
        # The connector may have been edited since the job began.
        same_queue = connector.ingest.queue_url == queue_url
        empty_at = connector.queue_empty_at if same_queue else None
        return QueueView(known=True, empty_at=empty_at), ()

    async def observe(self, connector: Connector) -> None:
        """Check the ingest queue of a connector; that it cannot be read is logged."""
        queue_url = connector.ingest.queue_url
        if queue_url is None:
            return
        seen_at = self._clock.now() - _DEPTH_LAG
        try:
            if await self._queue.depth(queue_url) == 0:
                await self._connectors.record_queue_empty(
                    connector.connector_id, seen_at, queue_url=queue_url
                )
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning(
                "ingest_queue_not_read", connector_id=connector.connector_id, cause=str(error)
            )

    def _unread(self, queue_url: str, error: PortError) -> str:
        hours = self._tuning.ingest_grace_s / 3600
        return (
            f"the ingest queue {queue_url} cannot be read ({type(error).__name__}: {error});"
            f" objects count as being ingested for {hours:g} h after their trigger, even if they"
            " still wait in the queue"
        )
