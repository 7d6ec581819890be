"""Listing the objects of a job with one kind of outcome, from the outcome files of its chunks.

A chunk's counts show whether its files contain such an outcome, so other chunks are not read. A
page ends after a bounded number of chunks or after `Tuning.read_s`, full or not, so that a request
ends in time for a job of any size.
"""

from __future__ import annotations

from typing import Final

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.continuation import Place, cursor_at, place_of
from application.results.files import read_chunk_outcomes
from domain.outcome import Outcome, OutcomeKind, count_of
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.job_store import JobStore
from ports.paging import Page
from ports.results_store import ResultsStore

_CHUNKS_AT_ONCE: Final = 100
_CHUNK_PAGE_COUNT_MAX: Final = 20


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
        """Return up to `limit` outcomes of this kind; a short page need not be the last.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor does not belong to this list.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        await self._jobs.get(job_id)
        name = f"outcomes of {job_id} that are {kind}"
        place = place_of(cursor, name)
        found: list[Outcome] = []
        searched = False
        for _ in range(_CHUNK_PAGE_COUNT_MAX):
            page = await self._chunks.list_page(
                job_id, limit=_CHUNKS_AT_ONCE, cursor=place.chunks_cursor
            )
            for chunk in page.items:
                if chunk.index < place.chunk_index or not count_of(chunk.statistics, kind):
                    continue
                before = place.count if chunk.index == place.chunk_index else 0
                # However little time remains, each page makes progress.
                if searched and deadline.near(0):
                    following = Place(place.chunks_cursor, chunk.index, before)
                    return Page(tuple(found), cursor_at(following, name))
                searched = True
                number = 0
                async for outcome in read_chunk_outcomes(self._results, chunk):
                    if outcome.kind is not kind:
                        continue
                    number += 1
                    if number <= before:
                        continue
                    if len(found) == limit:
                        following = Place(place.chunks_cursor, chunk.index, number - 1)
                        return Page(tuple(found), cursor_at(following, name))
                    found.append(outcome)
            if page.cursor is None:
                return Page(tuple(found), None)
            place = Place(page.cursor)
        return Page(tuple(found), cursor_at(place, name))
