"""Setting, showing and removing the schedule of a connector."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal

from application.connectors import Connectors
from application.keep_timers import KeepTimers
from domain.connector import Connector
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.schedule import FULL_EVERY_DEFAULT, Schedule, ScheduleMode
from domain.schedule_runs import ScheduleRuns
from domain.schedule_times import canonical, schedule_issues
from ports.clock import Clock
from ports.connector_store import ConnectorStore
from ports.errors import NotFound
from ports.schedule_runs import ScheduleRunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSchedule:
    """The schedule that a caller sets."""

    expression: str
    time_zone: str = "UTC"
    jitter_minutes: int = 0
    mode: ScheduleMode = ScheduleMode.INCREMENTAL
    full_every: int = FULL_EVERY_DEFAULT
    enabled: bool = True
    discovery: Discovery | None = None
    max_cost: Decimal | None = None


class Schedules:
    """The use cases behind `/connectors/{id}/schedule`."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        edits: Connectors,
        timers: KeepTimers,
        runs: ScheduleRunStore,
        clock: Clock,
    ) -> None:
        self._connectors = connectors
        self._edits = edits
        self._timers = timers
        self._runs = runs
        self._clock = clock

    async def set(
        self, connector_id: str, new: NewSchedule, *, revisions: Collection[str] | None = None
    ) -> Connector:
        """Record the schedule, and have it run; it replaces the one before, whose runs are kept.

        Raises:
            NotFound: there is no such connector.
            InvalidRequest: one or more fields are invalid; it lists all of them.
            Outdated: the connector is in none of the states `revisions`.
            Conflict: other callers kept changing it.
            Retryable, Fatal: the schedule is recorded, and does not run yet; the sweep retries.
        """
        now = self._clock.now()
        schedule = Schedule(
            expression=canonical(new.expression),
            time_zone=new.time_zone,
            jitter_minutes=new.jitter_minutes,
            mode=new.mode,
            full_every=new.full_every,
            enabled=new.enabled,
            discovery=new.discovery,
            max_cost=new.max_cost,
            set_at=now,
        )
        issues = schedule_issues(schedule, now=now)
        if issues:
            raise InvalidRequest(*issues)

        def change(connector: Connector) -> Connector:
            before = connector.schedule
            if before is not None and before.times == schedule.times:
                # The same times: a rate does not begin again.
                return replace(connector, schedule=replace(schedule, set_at=before.set_at))
            return replace(connector, schedule=schedule)

        connector = await self._edits.edit(connector_id, change, revisions=revisions)
        # Again, if the edit has done it: here an error is an answer.
        await self._timers.apply(connector_id)
        return connector

    async def remove(self, connector_id: str, *, revisions: Collection[str] | None = None) -> None:
        """Remove the schedule; a job that it has started goes on. It need not have one.

        Raises:
            NotFound: there is no such connector.
            Outdated: the connector is in none of the states `revisions`.
            Conflict: other callers kept changing it.
        """
        await self._edits.edit(
            connector_id, lambda connector: replace(connector, schedule=None), revisions=revisions
        )
        await self._timers.follow(connector_id)

    async def show(self, connector_id: str) -> tuple[Connector, Schedule, ScheduleRuns]:
        """Return the connector, its schedule, and the last runs.

        Raises:
            NotFound: there is no such connector, or it has no schedule.
        """
        connector = await self._connectors.get(connector_id)
        if connector.schedule is None:
            raise NotFound(
                f"connector {connector_id} has no schedule; set one: PUT"
                f" /connectors/{connector_id}/schedule, or asset-sync schedule set {connector_id}",
                resource=connector_id,
            )
        return connector, connector.schedule, await self._runs.get(connector)
