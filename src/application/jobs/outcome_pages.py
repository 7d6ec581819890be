"""Listing the objects of a job that ended one way, from the outcome files of its chunks.

A chunk's counts tell whether its files hold such an outcome, so the others are not read. A page
ends after a bounded number of chunks or after `Tuning.read_s`, full or not, so that a request ends
in time for a job of any size.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.files import discovered_key, outcomes_key, read_outcomes
from domain.chunk import Chunk
from domain.outcome import Outcome, OutcomeKind, count_of
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import NotFound
from ports.job_store import JobStore
from ports.paging import InvalidCursor, Page, decode_cursor, encode_cursor
from ports.results_store import ResultsStore

_CHUNKS_AT_ONCE: Final = 100
_CHUNK_PAGE_COUNT_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: the page of chunks, the chunk in it, and how many of it were shown."""

    chunks_cursor: str | None = None
    chunk_index: int = 0
    shown: int = 0


class OutcomePages:
    """Reads outcomes of one kind, page by page."""

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

    async def page(
        self, job_id: str, kind: OutcomeKind, *, limit: int, cursor: str | None
    ) -> Page[Outcome]:
        """Return up to `limit` outcomes of this kind; a page may be short and not the last.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor is not one of this list.
        """
        until = self._clock.now() + timedelta(seconds=self._tuning.read_s)
        deadline = Deadline(self._clock, until)
        await self._jobs.get(job_id)
        place = _read(cursor, job_id, kind)
        found: list[Outcome] = []
        searched = False
        for _ in range(_CHUNK_PAGE_COUNT_MAX):
            page = await self._chunks.list_page(
                job_id, limit=_CHUNKS_AT_ONCE, cursor=place.chunks_cursor
            )
            for chunk in page.items:
                if chunk.index < place.chunk_index or not count_of(chunk.statistics, kind):
                    continue
                before = place.shown if chunk.index == place.chunk_index else 0
                # However little time there is, each page comes further than the one before.
                if searched and deadline.near(0):
                    following = _Place(place.chunks_cursor, chunk.index, before)
                    return Page(tuple(found), _write(following, job_id, kind))
                searched = True
                number = 0
                async for outcome in self._outcomes(chunk, kind):
                    number += 1
                    if number <= before:
                        continue
                    if len(found) == limit:
                        following = _Place(place.chunks_cursor, chunk.index, number - 1)
                        return Page(tuple(found), _write(following, job_id, kind))
                    found.append(outcome)
            if page.cursor is None:
                return Page(tuple(found), None)
            place = _Place(page.cursor)
        return Page(tuple(found), _write(place, job_id, kind))

    async def _outcomes(self, chunk: Chunk, kind: OutcomeKind) -> AsyncIterator[Outcome]:
        files = [discovered_key(chunk.job_id, chunk.index)]
        if chunk.terminal:
            files.append(outcomes_key(chunk.job_id, chunk.index))
        for file in files:
            try:
                async for outcome in read_outcomes(self._results, file):
                    if outcome.kind is kind:
                        yield outcome
            except NotFound:
                continue  # a chunk without such outcomes has no such file


def _write(place: _Place, job_id: str, kind: OutcomeKind) -> str:
    name = _list_name(job_id, kind)
    return encode_cursor([name, place.chunks_cursor, place.chunk_index, place.shown])


def _list_name(job_id: str, kind: OutcomeKind) -> str:
    return f"outcomes of {job_id} that are {kind}"


def _read(cursor: str | None, job_id: str, kind: OutcomeKind) -> _Place:
    if cursor is None:
        return _Place()
    match decode_cursor(cursor):
        case [name, str() | None as chunks_cursor, int(index), int(shown)] if name == _list_name(
            job_id, kind
        ):
            return _Place(chunks_cursor, index, shown)
        case _:
            raise InvalidCursor("the cursor is of another list")
