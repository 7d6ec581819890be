"""Reading jobs, their chunks and their failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from application.execution.fanout import fan_out
from domain.chunk import Chunk
from domain.failure import Failure
from domain.job import Job, JobStatus
from domain.job_limits import slot_count
from domain.waiting import may_lack_slot
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.errors import NotFound
from ports.job_store import JobStore
from ports.paging import Page
from ports.slot_store import SlotStore

_READS_AT_ONCE: Final = 4


class JobQueries:
    """The use cases behind the GET requests for jobs."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        errors: ErrorLog,
        slots: SlotStore,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._slots = slots
        self._clock = clock
        self._chunks = chunks
        self._errors = errors

    async def job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none.
        """
        return await self._jobs.get(job_id)

    async def job_of(self, connector_id: str, job_id: str) -> Job:
        """Return a job of this connector, also of one that was removed.

        Raises:
            NotFound: there is none; of a job of another connector, nothing more is said.
        """
        none = f"connector {connector_id} has no job {job_id}"
        try:
            job = await self._jobs.get(job_id)
        except NotFound:
            raise NotFound(none, resource=job_id) from None
        if job.request.connector_id != connector_id:
            raise NotFound(none, resource=job_id)
        return job

    async def jobs(
        self, *, connector_id: str | None, status: JobStatus | None, limit: int, cursor: str | None
    ) -> Page[Job]:
        """Return a page of jobs, the newest first.

        Raises:
            InvalidCursor: the cursor does not belong to this list.
        """
        return await self._jobs.list_page(
            connector_id=connector_id, status=status, limit=limit, cursor=cursor
        )

    async def slot_holders(self, jobs: Iterable[Job]) -> Mapping[str, Sequence[str]]:
        """Return, by connector id, which jobs have slots, where one of `jobs` may lack one.

        It costs a read per connector with such jobs; others cost nothing.
        """
        now = self._clock.now()
        counts: dict[str, int] = {}
        for job in jobs:
            count = slot_count(job)
            if count is not None and may_lack_slot(job, now):
                name = job.request.connector_id
                counts[name] = max(count, counts.get(name, 0))
        found: dict[str, Sequence[str]] = {}

        async def read(name: str) -> None:
            found[name] = await self._slots.holders(name, counts[name], now)

        await fan_out(counts, read, limit=_READS_AT_ONCE)
        return found

    async def chunks(self, job_id: str, *, limit: int, cursor: str | None) -> Page[Chunk]:
        """Return a page of a job's chunks.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor does not belong to this list.
        """
        await self._jobs.get(job_id)
        return await self._chunks.list_page(job_id, limit=limit, cursor=cursor)

    async def failures(self, job_id: str, *, limit: int, cursor: str | None) -> Page[Failure]:
        """Return a page of a job's failures.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor does not belong to this list.
        """
        await self._jobs.get(job_id)
        return await self._errors.list_page(job_id, limit=limit, cursor=cursor)
