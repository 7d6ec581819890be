"""Keeping the timers that run up to date with the connectors.

The connector's record decides. It is written first, and the timer follows: after a crash between
the two, or an error of the scheduler, the sweep puts a timer that is missing, and one that should
not be there is removed when it delivers for the first time.
"""

from __future__ import annotations

from collections.abc import Iterable

from application.results.failure_records import cause_of
from domain.connector import Connector
from domain.schedule_runs import timer_of
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.errors import NotFound
from ports.scheduler import Scheduler
from ports.telemetry import Telemetry


class KeepTimers:
    """Puts and removes timers, as the connectors' records require."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        scheduler: Scheduler,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._connectors = connectors
        self._scheduler = scheduler
        self._clock = clock
        self._telemetry = telemetry

    async def apply(self, connector_id: str) -> None:
        """Have the timer run that the connector's record requires, or none.

        Raises:
            Retryable, Fatal: the record cannot be read, or the scheduler failed; the sweep retries.
        """
        try:
            connector = await self._connectors.get(connector_id)
        except NotFound:
            await self._scheduler.remove(connector_id)
            return
        timer = timer_of(connector, now=self._clock.now())
        if timer is None:
            await self._scheduler.remove(connector_id)
        else:
            await self._scheduler.put(timer)

    async def follow(self, connector_id: str) -> None:
        """Do the same after a change that is done. Never fails: the sweep does it later."""
        try:
            await self.apply(connector_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._report(connector_id, error)

    async def put_missing(self, connectors: Iterable[Connector]) -> Exception | None:
        """Put the timers that these connectors must have and that do not run.

        Makes no request if none must have one. A timer that cannot be put does not stop the others;
        returns the first error.
        """
        now = self._clock.now()
        wanted = [timer for each in connectors if (timer := timer_of(each, now=now)) is not None]
        if not wanted:
            return None
        running = await self._scheduler.revisions()
        first_error: Exception | None = None
        for timer in wanted:
            if timer.revision in running:
                continue
            try:
                # By its record as it is now: it may have been edited since it was listed.
                await self.apply(timer.connector_id)
                self._telemetry.event("schedule_applied", connector_id=timer.connector_id)
            except Exception as error:  # noqa: BLE001 - reported
                self._report(timer.connector_id, error)
                first_error = first_error or error
        return first_error

    def _report(self, connector_id: str, error: Exception) -> None:
        self._telemetry.warning(
            "schedule_not_applied", connector_id=connector_id, cause=cause_of(error)
        )
