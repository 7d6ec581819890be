"""The runs of the connectors' schedules."""

from __future__ import annotations

from typing import Protocol

from domain.connector import Connector
from domain.schedule_runs import ScheduleRuns


class ScheduleRunStore(Protocol):
    """Stores the runs of each connector's schedule, with the connector. Reads are consistent.

    Every method may raise the Retryable and Fatal errors of `ports.errors`. After TimedOut a write
    was done completely or not at all.
    """

    async def get(self, connector: Connector) -> ScheduleRuns:
        """Return the runs, none for a connector that had none, or that is not there (`same_as`).

        Raises:
            CorruptData: They cannot be read.
        """
        ...

    async def save(self, connector: Connector, runs: ScheduleRuns) -> ScheduleRuns:
        """Write the runs over their version; return them with their new version.

        The connector's own version does not change. They are removed with the connector.

        Raises:
            Conflict: The stored version differs, or there is no such connector (`same_as`).
        """
        ...
