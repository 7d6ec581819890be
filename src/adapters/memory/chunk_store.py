"""The chunk table in memory, and the writes that change a job's tally with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from adapters.memory.database import MemoryDatabase, page_of
from adapters.memory.job_store import job_write
from domain.chunk import Chunk
from domain.job import Job
from domain.tally import Tally, tally_of
from ports.chunk_store import ADDED_CHUNK_COUNT_MAX, ChunkStore
from ports.errors import Conflict, NotFound
from ports.paging import Page


class MemoryChunkStore:
    """Stores chunks in a `MemoryDatabase`, next to the jobs whose tally they change."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def add(self, job: Job, chunks: Sequence[Chunk]) -> Job:
        if len(chunks) > ADDED_CHUNK_COUNT_MAX:
            raise ValueError(f"{len(chunks)} chunks at once; {ADDED_CHUNK_COUNT_MAX} at most")
        if job.terminal:
            raise ValueError(f"job {job.job_id} has ended: no chunks can be added")
        saved, _ = job_write(self._database, job)
        saved = replace(saved, tally=sum(map(tally_of, chunks), start=saved.tally))
        table = self._database.chunks_of(job.job_id)
        self._database.commit(
            self._database.jobs.write(job.job_id, saved, expected_version=job.version),
            *(
                table.write(chunk.index, replace(chunk, version=1), expected_version=None)
                for chunk in chunks
            ),
        )
        return replace(saved, stage_pause=job.stage_pause)

    async def get(self, job_id: str, index: int) -> Chunk:
        chunk = self._database.chunks_of(job_id).find(index)
        if chunk is None:
            raise NotFound(f"job {job_id} has no chunk {index}", resource=job_id)
        self._database.check_readable(f"{job_id}/{index}")
        return chunk

    async def save(self, chunk: Chunk) -> Chunk:
        saved = replace(chunk, version=chunk.version + 1)
        table = self._database.chunks_of(chunk.job_id)
        self._database.commit(
            table.write(chunk.index, saved, expected_version=chunk.version),
        )
        return saved

    async def settle(self, chunk: Chunk, change: Tally) -> Chunk:
        job = self._database.jobs.find(chunk.job_id)
        if job is None:
            raise Conflict(f"there is no job {chunk.job_id}", resource=chunk.job_id)
        if change.reopens and job.terminal:
            raise Conflict(f"job {chunk.job_id} has ended", resource=chunk.job_id)
        # The tally is not part of what a job's version guards.
        moved = replace(job, tally=job.tally + change)
        saved = replace(chunk, version=chunk.version + 1)
        table = self._database.chunks_of(chunk.job_id)
        self._database.commit(
            table.write(chunk.index, saved, expected_version=chunk.version),
            self._database.jobs.write(job.job_id, moved, expected_version=job.version),
        )
        return saved

    async def chunks(self, job_id: str) -> AsyncIterator[Chunk]:
        table = self._database.chunks_of(job_id)
        for index in table.sorted_keys():
            # The consumer may have changed it since the indexes were listed.
            chunk = table.find(index)
            if chunk is not None:
                self._database.check_readable(f"{job_id}/{index}")
                yield chunk

    async def covering_page(
        self, job_id: str, key: str, *, limit: int, cursor: str | None = None
    ) -> Page[Chunk]:
        page = await self.list_page(job_id, limit=limit, cursor=cursor)
        return Page(tuple(chunk for chunk in page.items if chunk.covers(key)), page.cursor)

    async def parked(self, job_id: str, *, after: int, among: int) -> list[Chunk]:
        following = [chunk for chunk in self._database.chunks_of(job_id) if chunk.index > after]
        return [chunk for chunk in following[:among] if chunk.parked]

    async def list_page(self, job_id: str, *, limit: int, cursor: str | None = None) -> Page[Chunk]:
        return page_of(
            self._database.chunks_of(job_id),
            position=lambda chunk: (chunk.index,),
            list_name=f"chunks of {job_id}",
            limit=limit,
            cursor=cursor,
        )


_: type[ChunkStore] = MemoryChunkStore
