"""What became of one key in a job.

The key is looked for in the files of the chunks whose range of keys covers it: one chunk with
discovery `direct`, many with `batch`, where S3 reports objects in no order. A request stops after
`Tuning.read_s` and answers with a cursor, so that it ends in time for a job of any size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.execution.deadline import Deadline
from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.results.files import discovered_key, outcomes_key, read_outcomes
from domain.chunk import Chunk, ChunkStatus
from domain.outcome import Outcome
from domain.shown import shown
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import NotFound
from ports.job_store import JobStore
from ports.paging import InvalidCursor, decode_cursor, encode_cursor
from ports.results_store import ResultsStore

_FULLY_REPORTED = frozenset({ChunkStatus.COMPLETED, ChunkStatus.COMPLETED_WITH_ERRORS})
"""States in which a chunk's files name the outcome of each of its objects."""

# A chunk's item has some 700 bytes, and DynamoDB answers with 1 MB at most.
_CHUNKS_AT_ONCE: Final = 1_000
_FILES_IN_FLIGHT: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is known of one key in one job.

    `outcome` is None while its chunk is not made or not settled, and for what a chunk that was
    cancelled or given up left undone; then `chunks` are those that may hold it. They are the ones
    that this request found; `chunk_count` counts those of the requests before it as well. With a
    cursor, the search is not over: the next request continues there.
    """

    key: str
    outcome: Outcome | None
    chunks: tuple[Chunk, ...]
    chunk_count: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a request continues: a page of chunks, a chunk in it, and how many may hold the key."""

    chunks_cursor: str | None = None
    chunk_index: int = 0
    chunk_count: int = 0


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
        self._jobs = jobs
        self._chunks = chunks
        self._results = results
        self._clock = clock
        self._tuning = tuning

    async def explain(self, job_id: str, key: str, *, cursor: str | None = None) -> Explanation:
        """Return what became of one key, or where the search continues.

        Raises:
            NotFound: there is no such job, or the key is not in its manifest.
            InvalidCursor: the cursor is not one of this job and key.
        """
        until = self._clock.now() + timedelta(seconds=self._tuning.read_s)
        deadline = Deadline(self._clock, until)
        job = await self._jobs.get(job_id)
        place = _read(cursor, job_id, key)
        # Chunks that may hold it without an outcome: open ones, cancelled ones, and those given up
        # because their own files could not be read.
        unknown: list[Chunk] = []
        searched = False
        while True:
            page = await self._chunks.covering_page(
                job_id, key, limit=_CHUNKS_AT_ONCE, cursor=place.chunks_cursor
            )
            candidates = [chunk for chunk in page.items if chunk.index >= place.chunk_index]
            for start in range(0, len(candidates), _FILES_IN_FLIGHT):
                group = candidates[start : start + _FILES_IN_FLIGHT]
                # However little time there is, each request comes further than the one before.
                if searched and deadline.near(0):
                    count = place.chunk_count + len(unknown)
                    following = _Place(place.chunks_cursor, group[0].index, count)
                    return _unfinished(job_id, key, unknown, following)
                searched = True
                if (found := await self._find(group, key)) is not None:
                    chunk, outcome = found
                    return Explanation(key=key, outcome=outcome, chunks=(chunk,), chunk_count=1)
                unknown += (chunk for chunk in group if chunk.status not in _FULLY_REPORTED)
            if page.cursor is None:
                break
            place = _Place(page.cursor, 0, place.chunk_count)
            if deadline.near(0):
                following = _Place(page.cursor, 0, place.chunk_count + len(unknown))
                return _unfinished(job_id, key, unknown, following)
        count = place.chunk_count + len(unknown)
        if not count and (job.terminal or job.splitting.done):
            message = f"key '{shown(key)}' is not among the objects of job {job_id}"
            raise NotFound(message, resource=key)
        return Explanation(key=key, outcome=None, chunks=tuple(unknown), chunk_count=count)

    async def _find(self, chunks: Sequence[Chunk], key: str) -> tuple[Chunk, Outcome] | None:
        found: list[tuple[Chunk, Outcome]] = []

        async def look(chunk: Chunk) -> None:
            outcome = await self._find_in(chunk, key)
            if outcome is not None:
                found.append((chunk, outcome))

        await fan_out(chunks, look, limit=len(chunks))
        return found[0] if found else None

    async def _find_in(self, chunk: Chunk, key: str) -> Outcome | None:
        files = [discovered_key(chunk.job_id, chunk.index)] if chunk.discovered.total else []
        if chunk.terminal and chunk.entry_count:
            files.append(outcomes_key(chunk.job_id, chunk.index))
        for file in files:
            try:
                async for outcome in read_outcomes(self._results, file):
                    if outcome.key == key:
                        return outcome
            except NotFound:
                continue  # a chunk that was cancelled or given up may have no outcomes
        return None


def _unfinished(job_id: str, key: str, unknown: Sequence[Chunk], following: _Place) -> Explanation:
    return Explanation(
        key=key,
        outcome=None,
        chunks=tuple(unknown),
        chunk_count=following.chunk_count,
        cursor=_write(following, job_id, key),
    )


def _write(place: _Place, job_id: str, key: str) -> str:
    name = _search_name(job_id, key)
    return encode_cursor([name, place.chunks_cursor, place.chunk_index, place.chunk_count])


def _search_name(job_id: str, key: str) -> str:
    # A key has up to 1,024 bytes, and any characters.
    return f"object {hashlib.sha256(key.encode()).hexdigest()[:16]} of {job_id}"


def _read(cursor: str | None, job_id: str, key: str) -> _Place:
    if cursor is None:
        return _Place()
    match decode_cursor(cursor):
        case [name, str() | None as chunks_cursor, int(index), int(count)] if name == _search_name(
            job_id, key
        ):
            return _Place(chunks_cursor, index, count)
        case _:
            raise InvalidCursor("the cursor is of another search")
