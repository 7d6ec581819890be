"""The slots of connectors in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.memory.database import MemoryDatabase
from domain.lease import Lease
from ports.slot_store import SlotStore


class MemorySlotStore:
    """Stores slots in a `MemoryDatabase`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._slots = database.slots

    async def take(
        self, connector_id: str, count: int, lease: Lease, now: datetime, *, job_id: str
    ) -> int | None:
        free = None
        for number in range(count):
            stored = self._slots.get((connector_id, number))
            if stored is None or not stored[0].live(now):
                free = number if free is None else free
            elif stored[0].token == lease.token:
                return number
        if free is not None:
            self._slots[connector_id, free] = lease, job_id
        return free

    async def give_back(self, connector_id: str, number: int, token: str) -> None:
        stored = self._slots.get((connector_id, number))
        if stored is not None and stored[0].token == token:
            del self._slots[connector_id, number]

    async def holders(self, connector_id: str, count: int, now: datetime) -> Sequence[str]:
        stored = (self._slots.get((connector_id, number)) for number in range(count))
        return [each[1] for each in stored if each is not None and each[0].live(now)]


_: type[SlotStore] = MemorySlotStore
