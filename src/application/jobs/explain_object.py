"""The outcome of one key in a job.

A job that has ended has an index, soon after its end: then a key takes two reads of files at most.
Without one, it is searched for in the files of the chunks whose range of keys covers it: one chunk
with discovery `direct`, many with `batch`, where S3 reports objects in no order. A request stops
after `Tuning.read_s` and returns a cursor, so that it ends in time for a job of any size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.execution.deadline import Deadline
from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.jobs.continuation import Place, cursor_at, place_of
from application.results.files import read_chunk_outcomes
from application.results.outcome_index import IndexReader
from domain.chunk import FULLY_REPORTED, Chunk
from domain.index_work import ready_index
from domain.outcome import Outcome
from domain.outcome_index import Listed
from domain.shown import shown
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import NotFound
from ports.job_store import JobStore
from ports.results_store import ResultsStore

# A chunk's item has about 700 bytes, and a response of DynamoDB at most 1 MB.
_CHUNKS_AT_ONCE: Final = 1_000
_FILES_IN_FLIGHT: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The outcome of one key in one job, or the chunks that may contain it.

    `outcome` is None while its chunk does not exist or is not settled, and for an object that was
    not done when its chunk was cancelled or failed; then `chunks` are those that may contain it.
    They are the ones that this request found; `chunk_count` also counts those of the requests
    before it. With a cursor, the search is not complete: the next request continues there.
    `listed` is known from the index only.
    """

    key: str
    outcome: Outcome | None
    listed: Listed | None = None
    chunks: tuple[Chunk, ...]
    chunk_count: int
    cursor: str | None = None


class _NotInIndexError(Exception):
    """The index does not have the key, and does not say that the job did not have it."""


class ExplainObject:
    """The use case behind `GET /jobs/{id}/objects?key=…`."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        results: ResultsStore,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._index = IndexReader(results=results)
        self._jobs = jobs
        self._chunks = chunks
        self._results = results
        self._clock = clock
        self._tuning = tuning

    async def explain(self, job_id: str, key: str, *, cursor: str | None = None) -> Explanation:
        """Return the outcome of one key, or the cursor with which the search continues.

        Raises:
            NotFound: there is no such job, or the key is not in its manifest.
            InvalidCursor: the cursor does not belong to this job and key.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        job = await self._jobs.get(job_id)
        number = ready_index(job)
        if cursor is None and number is not None:
            try:
                return await self._indexed(job_id, number, key)
            except _NotInIndexError:
                pass
        place = place_of(cursor, _search_name(job_id, key))
        # Chunks that may contain it without an outcome: open ones, cancelled ones, and those that
        # failed because their own files could not be read.
        unknown: list[Chunk] = []
        searched = False
        while True:
            page = await self._chunks.covering_page(
                job_id, key, limit=_CHUNKS_AT_ONCE, cursor=place.chunks_cursor
            )
            candidates = [chunk for chunk in page.items if chunk.index >= place.chunk_index]
            for start in range(0, len(candidates), _FILES_IN_FLIGHT):
                group = candidates[start : start + _FILES_IN_FLIGHT]
                # However little time remains, each request makes progress.
                if searched and deadline.near(0):
                    count = place.count + len(unknown)
                    following = Place(place.chunks_cursor, group[0].index, count)
                    return _unfinished(job_id, key, unknown, following)
                searched = True
                if (found := await self._find(group, key)) is not None:
                    chunk, outcome = found
                    return Explanation(key=key, outcome=outcome, chunks=(chunk,), chunk_count=1)
                unknown += (chunk for chunk in group if chunk.status not in FULLY_REPORTED)
            if page.cursor is None:
                break
            place = Place(page.cursor, 0, place.count)
            if deadline.near(0):
                following = Place(page.cursor, 0, place.count + len(unknown))
                return _unfinished(job_id, key, unknown, following)
        count = place.count + len(unknown)
        if not count and (job.terminal or job.splitting.done):
            raise _not_among(job_id, key)
        return Explanation(key=key, outcome=None, chunks=tuple(unknown), chunk_count=count)

    async def _indexed(self, job_id: str, number: int, key: str) -> Explanation:
        """Return the outcome of one key from the index.

        Raises:
            NotFound: the key is not in the job.
            _NotInIndexError: the index does not say whether it is.
        """
        try:
            root = await self._index.root(job_id, number)
            found = await self._index.find_below(root, job_id, number, key)
        except NotFound as error:
            # Its files were removed. Those of chunks may be there.
            raise _NotInIndexError from error
        if found is None:
            if root.unread_count:
                raise _NotInIndexError
            raise _not_among(job_id, key)
        chunks: tuple[Chunk, ...] = ()
        if found.chunk_index is not None:
            chunks = (await self._chunks.get(job_id, found.chunk_index),)
        return Explanation(
            key=key,
            outcome=found.outcome,
            listed=found.listed,
            chunks=chunks,
            chunk_count=len(chunks),
        )

    async def _find(self, chunks: Sequence[Chunk], key: str) -> tuple[Chunk, Outcome] | None:
        found: list[tuple[Chunk, Outcome]] = []

        async def search(chunk: Chunk) -> None:
            async for outcome in read_chunk_outcomes(self._results, chunk):
                if outcome.key == key:
                    found.append((chunk, outcome))
                    return

        await fan_out(chunks, search, limit=len(chunks))
        return found[0] if found else None


def _not_among(job_id: str, key: str) -> NotFound:
    message = f"key '{shown(key)}' is not among the objects of job {job_id}"
    return NotFound(message, resource=key)


def _unfinished(job_id: str, key: str, unknown: Sequence[Chunk], following: Place) -> Explanation:
    return Explanation(
        key=key,
        outcome=None,
        chunks=tuple(unknown),
        chunk_count=following.count,
        cursor=cursor_at(following, _search_name(job_id, key)),
    )


def _search_name(job_id: str, key: str) -> str:
    # A key has up to 1,024 bytes, and any characters.
    return f"object {hashlib.sha256(key.encode()).hexdigest()[:16]} of {job_id}"
