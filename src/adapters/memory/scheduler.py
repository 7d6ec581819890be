"""Timers, stored in a dictionary."""

from __future__ import annotations

from domain.schedule_runs import Timer
from ports.scheduler import Scheduler


class MemoryScheduler:
    """Stores the timers by connector, in `timers`; a simulator or a test delivers their times."""

    def __init__(self) -> None:
        self.timers: dict[str, Timer] = {}

    async def put(self, timer: Timer) -> None:
        stored = self.timers.get(timer.connector_id)
        if stored is None or stored.revision != timer.revision:
            self.timers[timer.connector_id] = timer

    async def remove(self, connector_id: str) -> None:
        self.timers.pop(connector_id, None)

    async def names(self) -> frozenset[str]:
        return frozenset(timer.name for timer in self.timers.values())

    async def connector_of(self, name: str) -> str | None:
        ids = (timer.connector_id for timer in self.timers.values() if timer.name == name)
        return next(ids, None)

    async def remove_one(self, name: str) -> None:
        connector_id = await self.connector_of(name)
        if connector_id is not None:
            del self.timers[connector_id]


_: type[Scheduler] = MemoryScheduler
