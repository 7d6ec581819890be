"""The error table in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from adapters.memory.database import MemoryDatabase, StoredFailure, page_of
from domain.failure import Failure
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.paging import Page


class MemoryErrorLog:
    """Stores failures in a `MemoryDatabase`; lists each for `retention_days` after its write."""

    def __init__(
        self, database: MemoryDatabase, clock: Clock, *, retention_days: float = 90
    ) -> None:
        self._database = database
        self._clock = clock
        self._retention = timedelta(days=retention_days)

    async def record(self, failures: Sequence[Failure]) -> None:
        expires_at = self._clock.now() + self._retention
        for failure in failures:
            kept = self._database.failures.setdefault(failure.job_id, {})
            kept[failure.error_id] = StoredFailure(failure, expires_at)

    async def clear(
        self, job_id: str, id_prefix: str, *, keep: Collection[str] = frozenset()
    ) -> None:
        stored = self._database.failures.get(job_id, {})
        for error_id in [each for each in stored if each.startswith(id_prefix)]:
            if error_id not in keep:
                del stored[error_id]

    async def list_page(
        self, job_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[Failure]:
        kept = self._database.failures.get(job_id, {})
        now = self._clock.now()
        return page_of(
            [stored.failure for stored in kept.values() if now < stored.expires_at],
            position=lambda failure: (failure.error_id,),
            list_name=f"failures of {job_id}",
            limit=limit,
            cursor=cursor,
        )


_: type[ErrorLog] = MemoryErrorLog
