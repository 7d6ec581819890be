"""The runs of schedules in memory."""

from __future__ import annotations

from dataclasses import replace

from adapters.memory.database import MemoryDatabase
from domain.connector import Connector
from domain.schedule_runs import ScheduleRuns
from ports.errors import Conflict
from ports.schedule_runs import ScheduleRunStore


class MemoryScheduleRunStore:
    """Stores the runs in a `MemoryDatabase`, with the connector that they are of."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def get(self, connector: Connector) -> ScheduleRuns:
        stored = self._database.schedule_runs.get(connector.connector_id)
        if stored is None or not self._is_there(connector) or not stored[0].same_as(connector):
            return ScheduleRuns()
        return stored[1]

    async def save(self, connector: Connector, runs: ScheduleRuns) -> ScheduleRuns:
        stored = await self.get(connector)
        if not self._is_there(connector) or stored.version != runs.version:
            raise Conflict(
                f"the runs of connector {connector.connector_id} are not at version {runs.version}",
                resource=connector.connector_id,
            )
        saved = replace(runs, version=runs.version + 1)
        self._database.schedule_runs[connector.connector_id] = (connector, saved)
        return saved

    def _is_there(self, connector: Connector) -> bool:
        there = self._database.connectors.get(connector.connector_id)
        return there is not None and there.same_as(connector)


_: type[ScheduleRunStore] = MemoryScheduleRunStore
