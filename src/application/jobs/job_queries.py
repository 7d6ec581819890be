"""Reading jobs, their chunks and their failures."""

from __future__ import annotations

from domain.chunk import Chunk
from domain.failure import Failure
from domain.job import Job, JobStatus
from ports.chunk_store import ChunkStore
from ports.error_log import ErrorLog
from ports.errors import NotFound
from ports.job_store import JobStore
from ports.paging import Page


class JobQueries:
    """The use cases behind the GET requests for jobs."""

    def __init__(self, *, jobs: JobStore, chunks: ChunkStore, errors: ErrorLog) -> None:
        self._jobs = jobs
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
