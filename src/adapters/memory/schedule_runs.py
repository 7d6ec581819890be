"""The runs of schedules in memory."""

from __future__ import annotations

from dataclasses import replace

from adapters.memory.database import MemoryDatabase, Write
from domain.connector import Connector
from domain.schedule_runs import ScheduleRuns
from ports.errors import Conflict
from ports.schedule_runs import ScheduleRunStore


class MemoryScheduleRunStore:
    """Stores the runs in a `MemoryDatabase`, with the connector that they are of."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def get(self, connector: Connector) -> ScheduleRuns:
        return _stored(self._database, connector)

    async def save(self, connector: Connector, runs: ScheduleRuns) -> ScheduleRuns:
        self._database.commit(runs_write(self._database, connector, runs))
        return _stored(self._database, connector)


def runs_write(database: MemoryDatabase, connector: Connector, runs: ScheduleRuns) -> Write:
    """Return the write of the runs over their version.

    Its condition is a Conflict if the stored version differs, or there is no such connector.
    """

    def check() -> None:
        stored = _stored(database, connector)
        if not _is_there(database, connector) or stored.version != runs.version:
            raise Conflict(
                f"the runs of connector {connector.connector_id} are not at version {runs.version}",
                resource=connector.connector_id,
            )

    def apply() -> None:
        saved = replace(runs, version=runs.version + 1)
        database.schedule_runs[connector.connector_id] = (connector, saved)

    return Write(check, apply)


def _stored(database: MemoryDatabase, connector: Connector) -> ScheduleRuns:
    stored = database.schedule_runs.get(connector.connector_id)
    if stored is None or not _is_there(database, connector) or not stored[0].same_as(connector):
        return ScheduleRuns()
    return stored[1]


def _is_there(database: MemoryDatabase, connector: Connector) -> bool:
    there = database.connectors.get(connector.connector_id)
    return there is not None and there.same_as(connector)


_: type[ScheduleRunStore] = MemoryScheduleRunStore
