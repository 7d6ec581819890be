"""Invocations of the engine, stored in a list."""

from __future__ import annotations

from ports.engine_invoker import EngineInvoker


class MemoryEngineInvoker:
    """Stores the pending invocations: in `job_ids`, and others by their kind."""

    def __init__(self) -> None:
        self.job_ids: list[str] = []
        self.shares: list[tuple[str, int]] = []
        self.compared: list[str] = []
        self.searched: list[str] = []

    async def advance(self, job_id: str) -> None:
        self.job_ids.append(job_id)

    async def list_share(self, job_id: str, number: int) -> None:
        self.shares.append((job_id, number))

    async def removals(self, job_id: str) -> None:
        self.compared.append(job_id)

    async def orphans(self, job_id: str) -> None:
        self.searched.append(job_id)

    def take(self) -> list[str]:
        """Remove and return the pending invocations."""
        taken, self.job_ids = self.job_ids, []
        return taken

    def take_shares(self) -> list[tuple[str, int]]:
        """Remove and return the pending invocations for shares."""
        taken, self.shares = self.shares, []
        return taken

    def take_compared(self) -> list[str]:
        """Remove and return the pending invocations for removals."""
        taken, self.compared = self.compared, []
        return taken

    def take_searched(self) -> list[str]:
        """Remove and return the pending invocations for orphans."""
        taken, self.searched = self.searched, []
        return taken


_: type[EngineInvoker] = MemoryEngineInvoker
