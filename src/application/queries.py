"""Reading jobs, and what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.files import discovered_key, outcomes_key, read_outcomes
from domain.chunk import Chunk, ChunkStatus
from domain.failure import Failure
from domain.job import Job, JobStatus
from domain.outcome import Outcome
from domain.shown import shown
from ports.chunk_store import ChunkStore
from ports.error_log import ErrorLog
from ports.errors import NotFound
from ports.job_store import JobStore
from ports.paging import Page
from ports.results_store import ResultsStore

_TELLING = frozenset({ChunkStatus.COMPLETED, ChunkStatus.COMPLETED_WITH_ERRORS})
"""States in which a chunk's files name the outcome of each of its objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is known of one key in one job.

    `outcome` is None while its chunk is not made or not settled, and for what a chunk that was
    cancelled or given up left undone; then `chunks` are those that may hold it.
    """

    key: str
    outcome: Outcome | None
    chunks: tuple[Chunk, ...]


class Queries:
    """The read side."""

    def __init__(
        self, *, jobs: JobStore, chunks: ChunkStore, errors: ErrorLog, results: ResultsStore
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._errors = errors
        self._results = results

    async def job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none.
        """
        return await self._jobs.get(job_id)

    async def jobs(
        self, *, connector_id: str | None, status: JobStatus | None, limit: int, cursor: str | None
    ) -> Page[Job]:
        """Return a page of jobs, the newest first.

        Raises:
            InvalidCursor: the cursor is not one of this list.
        """
        return await self._jobs.list_page(
            connector_id=connector_id, status=status, limit=limit, cursor=cursor
        )

    async def chunks(self, job_id: str, *, limit: int, cursor: str | None) -> Page[Chunk]:
        """Return a page of a job's chunks.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor is not one of this list.
        """
        await self._jobs.get(job_id)
        return await self._chunks.list_page(job_id, limit=limit, cursor=cursor)

    async def failures(self, job_id: str, *, limit: int, cursor: str | None) -> Page[Failure]:
        """Return a page of a job's failures.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor is not one of this list.
        """
        await self._jobs.get(job_id)
        return await self._errors.list_page(job_id, limit=limit, cursor=cursor)

    async def explain(self, job_id: str, key: str) -> Explanation:
        """Return what became of one key.

        Reads the outcomes of the chunks whose range of keys covers it: one with discovery `direct`,
        many with `batch`, where S3 reports objects in no order.

        Raises:
            NotFound: there is no such job, or the key is not in its manifest.
        """
        job = await self._jobs.get(job_id)
        candidates = [
            chunk
            async for chunk in self._chunks.chunks(job_id)
            if chunk.first_key <= key <= chunk.last_key
        ]
        for chunk in candidates:
            outcome = await self._find(chunk, key)
            if outcome is not None:
                return Explanation(key=key, outcome=outcome, chunks=(chunk,))
        # Chunks that may hold it without an outcome: open ones, cancelled ones, and those given up
        # because their own files could not be read.
        unknown = tuple(chunk for chunk in candidates if chunk.status not in _TELLING)
        still_made = not job.terminal and not job.splitting.done
        if not unknown and not still_made:
            message = f"key '{shown(key)}' is not among the objects of job {job_id}"
            raise NotFound(message, resource=key)
        return Explanation(key=key, outcome=None, chunks=unknown)

    async def _find(self, chunk: Chunk, key: str) -> Outcome | None:
        files: Sequence[str] = [discovered_key(chunk.job_id, chunk.index)]
        if chunk.terminal:
            files = [*files, outcomes_key(chunk.job_id, chunk.index)]
        for file in files:
            try:
                async for outcome in read_outcomes(self._results, file):
                    if outcome.key == key:
                        return outcome
            except NotFound:
                continue  # a chunk without such outcomes has no such file
        return None
