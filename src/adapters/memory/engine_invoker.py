"""Invocations of the engine, stored in a list."""

from __future__ import annotations

from ports.engine_invoker import EngineInvoker


class MemoryEngineInvoker:
    """Stores the pending invocations: in `job_ids`, and those for shares in `shares`."""

    def __init__(self) -> None:
        self.job_ids: list[str] = []
        self.shares: list[tuple[str, int]] = []

    async def advance(self, job_id: str) -> None:
        self.job_ids.append(job_id)

    async def list_share(self, job_id: str, number: int) -> None:
        self.shares.append((job_id, number))

    def take(self) -> list[str]:
        """Remove and return the pending invocations."""
        taken, self.job_ids = self.job_ids, []
        return taken

    def take_shares(self) -> list[tuple[str, int]]:
        """Remove and return the pending invocations for shares."""
        taken, self.shares = self.shares, []
        return taken


_: type[EngineInvoker] = MemoryEngineInvoker
