"""The error table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.failure import Failure
from ports.paging import Page


class ErrorLog(Protocol):
    """Stores failures per job. Records expire some time after they were written.

    Every method may raise the Retryable and Fatal errors of `ports.errors`.
    """

    async def record(self, failures: Sequence[Failure]) -> None:
        """Write any number of failures; one with the same job and id replaces the older one.

        Messages over 64 KiB and traces over 256 KiB may be truncated, and are marked then. The
        write is not atomic: after an error some may be written. It is safe to write them again.
        """
        ...

    async def clear(
        self, job_id: str, id_prefix: str, *, keep: Collection[str] = frozenset()
    ) -> None:
        """Remove the job's failures whose ids start with `id_prefix`, except those in `keep`."""
        ...

    async def list_page(
        self, job_id: str, *, limit: int, cursor: str | None = None
    ) -> Page[Failure]:
        """Return up to `limit` failures of the job by id; none for an unknown job.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...
