"""The shares of listings in memory, next to the jobs and chunks that change with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.memory.database import MemoryDatabase, Write
from adapters.memory.job_store import job_write
from domain.chunk import Chunk
from domain.job import Job
from domain.listing_share import SHARE_COUNT_MAX, ListingShare
from domain.tally import tally_of
from ports.errors import Conflict, NotFound
from ports.share_store import RECORDED_CHUNK_COUNT_MAX, ShareStore


class MemoryShareStore:
    """Stores shares in a `MemoryDatabase`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def start(self, job: Job, shares: Sequence[ListingShare]) -> Job:
        _check(job, shares)
        saved, write = job_write(self._database, job)
        table = self._database.shares_of(job.job_id)
        self._database.commit(
            write,
            *(
                table.write(share.number, replace(share, version=1), expected_version=None)
                for share in shares
            ),
        )
        return replace(saved, stage_pause=job.stage_pause)

    async def get(self, job_id: str, number: int) -> ListingShare:
        share = self._database.shares_of(job_id).find(number)
        if share is None:
            raise NotFound(f"job {job_id} has no share {number}", resource=job_id)
        return share

    async def shares(self, job_id: str, share_count: int) -> list[ListingShare]:
        return [each for each in self._database.shares_of(job_id) if each.number < share_count]

    async def save(self, share: ListingShare) -> ListingShare:
        saved, write = self._over(share)
        self._database.commit(write)
        return saved

    async def record(self, share: ListingShare, chunks: Sequence[Chunk]) -> ListingShare:
        if len(chunks) > RECORDED_CHUNK_COUNT_MAX:
            raise ValueError(f"{len(chunks)} chunks at once; {RECORDED_CHUNK_COUNT_MAX} at most")
        job = self._database.jobs.find(share.job_id)
        if job is None or job.terminal or job.ending is not None:
            raise Conflict(f"job {share.job_id} has ended or is ending", resource=share.job_id)
        # The tally is not part of what a job's version guards.
        moved = replace(job, tally=sum(map(tally_of, chunks), start=job.tally))
        saved, write = self._over(share)
        table = self._database.chunks_of(share.job_id)
        self._database.commit(
            write,
            *(
                table.write(chunk.index, replace(chunk, version=1), expected_version=None)
                for chunk in chunks
            ),
            self._database.jobs.write(job.job_id, moved, expected_version=job.version),
        )
        return saved

    async def hand_on(
        self, giver: ListingShare, taker: ListingShare
    ) -> tuple[ListingShare, ListingShare]:
        (kept, kept_write), (taken, taken_write) = self._over(giver), self._over(taker)
        self._database.commit(kept_write, taken_write)
        return kept, taken

    async def close(self, job: Job, shares: Sequence[ListingShare]) -> Job:
        _check(job, shares)
        saved, write = job_write(self._database, job)
        table = self._database.shares_of(job.job_id)
        removals = [table.removal(each.number, expected_version=each.version) for each in shares]
        self._database.commit(write, *removals)
        return replace(saved, stage_pause=job.stage_pause)

    async def discard(self, job_id: str, share_count: int) -> None:
        table = self._database.shares_of(job_id)
        for share in table:
            if share.number < share_count:
                self._database.commit(table.removal(share.number, expected_version=share.version))

    def _over(self, share: ListingShare) -> tuple[ListingShare, Write]:
        saved = replace(share, version=share.version + 1)
        table = self._database.shares_of(share.job_id)
        return saved, table.write(share.number, saved, expected_version=share.version)


def _check(job: Job, shares: Sequence[ListingShare]) -> None:
    if len(shares) > SHARE_COUNT_MAX:
        raise ValueError(f"{len(shares)} shares at once; {SHARE_COUNT_MAX} at most")
    if job.terminal:
        raise ValueError(f"job {job.job_id} has ended: its listing cannot be shared out")


_: type[ShareStore] = MemoryShareStore
