"""The chunk table, and the transactions that move a job's tally."""

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
    """Keeps chunks, keyed by job and index. Reads see the last write.

    Every method may raise the Retryable and Fatal errors of `ports.errors`. After TimedOut a write
    was done whole or not at all.
    """

    async def add(self, job: Job, chunks: Sequence[Chunk]) -> Job:
        """Record new chunks, save the job, and add the chunks to its tally: all or nothing.

        `chunks` are at most ADDED_CHUNK_COUNT_MAX and get `version` 1; the job is written as by
        `JobStore.save`, and the tally moves by the sum of `domain.tally.tally_of`.

        Raises:
            Conflict: the job's stored version is another, or one of the chunks exists.
            ValueError: more chunks than that, or a job that has ended.
        """
        ...

    async def get(self, job_id: str, index: int) -> Chunk:
        """Return the chunk.

        Raises:
            NotFound: there is none.
        """
        ...

    async def save(self, chunk: Chunk) -> Chunk:
        """Write the chunk over the version that it carries; returns it with its new version.

        Raises:
            Conflict: the stored version is another, or there is no such chunk.
        """
        ...

    async def settle(self, chunk: Chunk, change: Tally) -> Chunk:
        """Write the chunk like `save` and move its job's tally by `change`: both or neither.

        Raises:
            Conflict: the stored version of the chunk is another, the tally moves and there is no
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

        A page may be empty and not the last: one with a cursor is followed by another. Cursors are
        those of `list_page`.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...

    async def list_page(self, job_id: str, *, limit: int, cursor: str | None = None) -> Page[Chunk]:
        """Return up to `limit` chunks of the job by index.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...
