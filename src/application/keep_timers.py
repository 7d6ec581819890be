"""Keeping the timers that run up to date with the connectors.

The connector's record decides. It is written first, and the timer follows: after a crash between
the two, or an error of the scheduler, the sweep puts a timer that is missing, and removes one that
should not be there; so does the first time that this one delivers.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from application.results.failure_records import cause_of
from domain.connector import Connector
from domain.schedule_runs import Timer, id_part, timer_of
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.errors import NotFound
from ports.scheduler import Scheduler
from ports.telemetry import Telemetry

_REMOVED_MAX: Final = 20
"""In one sweep; each takes up to five requests. The next one removes more."""


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

    async def keep(self, connectors: Collection[Connector], *, complete: bool) -> Exception | None:
        """Put the timers that connectors must have and that do not run; remove those left over.

        `connectors` are those that have a schedule; none is removed if they are not `complete`.
        Makes no request if there are none. A timer that cannot be put or removed does not stop the
        others; returns the first error.
        """
        if not connectors:
            return None
        now = self._clock.now()
        wanted = [timer for each in connectors if (timer := timer_of(each, now=now)) is not None]
        running = await self._scheduler.names()
        first_error: Exception | None = None
        for timer in wanted:
            if timer.name in running:
                continue
            try:
                # By its record as it is now: it may have been edited since it was listed.
                await self.apply(timer.connector_id)
                self._telemetry.event("schedule_applied", connector_id=timer.connector_id)
            except Exception as error:  # noqa: BLE001 - reported
                self._report(timer.connector_id, error)
                first_error = first_error or error
        if complete:
            left_over = {*filter(id_part, running)} - {timer.name for timer in wanted}
            for name in sorted(left_over)[:_REMOVED_MAX]:
                try:
                    await self._remove_left_over(name)
                except Exception as error:  # noqa: BLE001 - reported
                    self._report(str(id_part(name)), error)
                    first_error = first_error or error
        return first_error

    async def _remove_left_over(self, name: str) -> None:
        """Remove a timer, unless its connector must have it by now.

        This one alone: another may have been put since.
        """
        connector_id = await self._scheduler.connector_of(name)
        if connector_id is None or await self._wanted(connector_id, name):
            return
        await self._scheduler.remove_one(name)
        timer = await self._wanted(connector_id, name)
        if timer is not None:
            # Enabled again since the read: `put` found the timer, and left it as it was.
            await self._scheduler.put(timer)
            return
        self._telemetry.event("schedule_removed", connector_id=connector_id)

    async def _wanted(self, connector_id: str, name: str) -> Timer | None:
        """Return the timer of this name, if the connector must have it."""
        try:
            connector = await self._connectors.get(connector_id)
        except NotFound:
            return None
        timer = timer_of(connector, now=self._clock.now())
        return timer if timer is not None and timer.name == name else None

    def _report(self, connector_id: str, error: Exception) -> None:
        self._telemetry.warning(
            "schedule_not_applied", connector_id=connector_id, cause=cause_of(error)
        )
