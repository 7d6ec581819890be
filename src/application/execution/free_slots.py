"""How many more workers a connector's limits let work now."""

from __future__ import annotations

from domain.job import Job
from domain.job_limits import slot_count
from ports.clock import Clock
from ports.slot_store import SlotStore


class FreeSlots:
    """Counts free slots; a job whose workers need none costs no request."""

    def __init__(self, *, slots: SlotStore, clock: Clock) -> None:
        self._slots = slots
        self._clock = clock

    async def count(self, job: Job) -> int | None:
        """Return the number of free slots of the job's connector; None if none is needed."""
        count = slot_count(job)
        if count is None:
            return None
        connector_id, now = job.request.connector_id, self._clock.now()
        return count - len(await self._slots.holders(connector_id, count, now))
