"""The chunk table, and the transactions that change a job's tally."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from domain.chunk import Chunk
from domain.job import Job
from domain.limits import TRANSACTION_ACTION_COUNT_MAX
from domain.tally import Tally
from ports.paging import Page

# One action of the transaction is the job itself.
ADDED_CHUNK_COUNT_MAX: Final = TRANSACTION_ACTION_COUNT_MAX - 1


class ChunkStore(Protocol):
    """Stores chunks, keyed by job and index. Reads are strongly consistent.

    Every method may raise the Retryable and Fatal errors of `ports.errors`. After TimedOut a write
    was done completely or not at all.
    """

    async def add(self, job: Job, chunks: Sequence[Chunk]) -> Job:
        """Record new chunks, save the job, and add the chunks to its tally: atomically.

        `chunks` are at most ADDED_CHUNK_COUNT_MAX and get `version` 1. The job is written as by
        `JobStore.save`, and the tally changes by the sum of `domain.tally.tally_of`.

        Raises:
            Conflict: The job's stored version differs, or one of the chunks exists.
            ValueError: There are more chunks than that, or the job has ended.
        """
        ...

    async def get(self, job_id: str, index: int) -> Chunk:
        """Return the chunk.

        Raises:
            NotFound: There is none.
        """
        ...

    async def save(self, chunk: Chunk) -> Chunk:
        """Write the chunk over its version; return it with its new version.

        Raises:
            Conflict: The stored version differs, or there is no such chunk.
        """
        ...

    async def settle(self, chunk: Chunk, change: Tally) -> Chunk:
        """Write the chunk like `save` and change its job's tally by `change`: both or neither.

        Raises:
            Conflict: The stored version of the chunk differs, the tally changes and there is no
                such job, or `change.reopens` and the job has ended; nothing was written. So a
                write that arrives late cannot reopen a chunk of a job that ended in the meantime.
        """
        ...

    def chunks(self, job_id: str) -> AsyncIterator[Chunk]:
        """Yield all chunks of the job by index."""
        ...

    async def covering_page(
        self, job_id: str, key: str, *, limit: int, cursor: str | None = None
    ) -> Page[Chunk]:
        """Return those of the next `limit` chunks by index whose range of keys covers `key`.

        A page may be empty and not the last: a page with a cursor is followed by another. Cursors
        are those of `list_page`.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...

    async def parked(self, job_id: str, *, after: int, among: int) -> list[Chunk]:
        """Return the parked ones of the next `among` chunks (1 to 1,000) by index after `after`.

        After index -1 they are the job's first.
        """
        ...

    async def list_page(self, job_id: str, *, limit: int, cursor: str | None = None) -> Page[Chunk]:
        """Return up to `limit` chunks of the job by index.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...
