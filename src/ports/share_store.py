"""The shares of long listings, and the transactions that change them with their job and chunks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from domain.chunk import Chunk
from domain.job import Job
from domain.limits import TRANSACTION_ACTION_COUNT_MAX
from domain.listing_share import ListingShare

# Two actions of the transaction are the share and the job.
RECORDED_CHUNK_COUNT_MAX: Final = TRANSACTION_ACTION_COUNT_MAX - 2


class ShareStore(Protocol):
    """Stores shares, keyed by job and number. Reads are strongly consistent.

    Every method may raise the Retryable and Fatal errors of `ports.errors`. After TimedOut a write
    was done completely or not at all.
    """

    async def start(self, job: Job, shares: Sequence[ListingShare]) -> Job:
        """Save the job as `JobStore.save` does, and record new shares of it: atomically.

        `shares` are at most `domain.listing_share.SHARE_COUNT_MAX` and get `version` 1.

        Raises:
            Conflict: The job's stored version differs, or one of the shares exists.
            ValueError: There are more shares than that, or the job has ended.
        """
        ...

    async def get(self, job_id: str, number: int) -> ListingShare:
        """Return the share.

        Raises:
            NotFound: There is none.
        """
        ...

    async def shares(self, job_id: str, share_count: int) -> list[ListingShare]:
        """Return those of the first `share_count` shares of the job that exist, by number.

        They are read one after the other: what one hands on to another may be in neither.
        """
        ...

    async def save(self, share: ListingShare) -> ListingShare:
        """Write the share over its version; return it with its new version.

        Raises:
            Conflict: The stored version differs, or there is no such share.
        """
        ...

    async def record(self, share: ListingShare, chunks: Sequence[Chunk]) -> ListingShare:
        """Write the share like `save`, record new chunks, and add them to the job's tally.

        All of it is atomic. `chunks` are at most RECORDED_CHUNK_COUNT_MAX and get `version` 1. The
        job's version does not change.

        Raises:
            Conflict: The stored version of the share differs, one of the chunks exists, or the job
                does not exist, has ended or is ending.
            ValueError: There are more chunks than that.
        """
        ...

    async def hand_on(
        self, giver: ListingShare, taker: ListingShare
    ) -> tuple[ListingShare, ListingShare]:
        """Write both shares like `save`: both or neither.

        Raises:
            Conflict: One of the stored versions differs, or there is no such share.
        """
        ...

    async def close(self, job: Job, shares: Sequence[ListingShare]) -> Job:
        """Save the job as `JobStore.save` does, and remove the shares: atomically.

        Raises:
            Conflict: The stored version of the job or of a share differs, or one does not exist.
            ValueError: There are more shares than SHARE_COUNT_MAX, or the job has ended.
        """
        ...

    async def discard(self, job_id: str, share_count: int) -> None:
        """Remove the first `share_count` shares of the job, at whatever version; idempotent."""
        ...
