"""Orders to the engine, kept in a list."""

from __future__ import annotations

from ports.engine_invoker import EngineInvoker


class MemoryEngineInvoker:
    """Holds the orders that nobody has carried out yet, in `job_ids`."""

    def __init__(self) -> None:
        self.job_ids: list[str] = []

    async def advance(self, job_id: str) -> None:
        """See the port."""
        self.job_ids.append(job_id)

    def take(self) -> list[str]:
        """Return the orders and forget them."""
        taken, self.job_ids = self.job_ids, []
        return taken


_: type[EngineInvoker] = MemoryEngineInvoker
