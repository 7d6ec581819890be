"""Invocations of the engine, stored in a list."""

from __future__ import annotations

from ports.engine_invoker import EngineInvoker


class MemoryEngineInvoker:
    """Stores the pending invocations in `job_ids`."""

    def __init__(self) -> None:
        self.job_ids: list[str] = []

    async def advance(self, job_id: str) -> None:
        self.job_ids.append(job_id)

    def take(self) -> list[str]:
        """Remove and return the pending invocations."""
        taken, self.job_ids = self.job_ids, []
        return taken


_: type[EngineInvoker] = MemoryEngineInvoker
