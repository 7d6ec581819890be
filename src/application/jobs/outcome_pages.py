"""Listing the outcomes of a job's objects, all or some, page by page.

They are read from the job's index, in the order of their keys, if there is one. Otherwise, and for
one kind of outcome in the whole job, they are read from the files of chunks: a chunk's counts and
its range of keys show whether its files are needed. A page ends after a bounded number of chunks or
after `Tuning.read_s`, full or not, so that a request ends in time for a job of any size.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.continuation import Place, cursor_at, place_of
from application.results.files import read_chunk_outcomes
from application.results.outcome_index import IndexPlace, IndexReader
from domain.chunk import Chunk
from domain.decision import Decision
from domain.index_work import ready_index
from domain.outcome import Outcome, OutcomeKind, count_of
from domain.outcome_index import IndexedObject
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import NotFound
from ports.job_store import JobStore
from ports.paging import InvalidCursor, Page
from ports.results_store import ResultsStore

_INDEX: Final = "index"
_CHUNKS_AT_ONCE: Final = 100
_CHUNK_PAGE_COUNT_MAX: Final = 20
_ROWS_PER_LOOK_AT_THE_CLOCK: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOutcomes:
    """Which outcomes are listed; None and an empty prefix stand for all."""

    kind: OutcomeKind | None = None
    decision: Decision | None = None
    prefix: str = ""

    def wants(self, outcome: Outcome) -> bool:
        """Return whether this one is."""
        return (
            self.kind in (None, outcome.kind)
            and self.decision in (None, outcome.decision)
            and outcome.key.startswith(self.prefix)
        )

    def may_be_in(self, chunk: Chunk) -> bool:
        """Return whether the chunk's counts and range of keys allow for one."""
        if self.kind is not None and not count_of(chunk.statistics, self.kind):
            return False
        above = chunk.last_key >= self.prefix
        return above and chunk.first_key[: len(self.prefix)] <= self.prefix


class OutcomePages:
    """Reads outcomes, page by page."""

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

    async def page(
        self, job_id: str, wanted: WantedOutcomes, *, limit: int, cursor: str | None
    ) -> Page[IndexedObject]:
        """Return up to `limit` objects with a wanted outcome; a short page need not be the last.

        How they were listed is known from the index only.

        Raises:
            NotFound: there is no such job.
            InvalidCursor: the cursor does not belong to this list.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        job = await self._jobs.get(job_id)
        whole_kind = wanted == WantedOutcomes(kind=wanted.kind) and wanted.kind is not None
        number = ready_index(job)
        if number is not None and not whole_kind:
            name = f"indexed {number} {_name(job_id, wanted)}"
            try:
                start = _index_place(cursor, name)
                return await self._of_index(
                    job_id, number, wanted, limit, start, name=name, deadline=deadline
                )
            except NotFound:
                # Its files were removed. Those of chunks may be there.
                pass
            except InvalidCursor:
                # Maybe one of the files of chunks: the list was started before there was an index.
                pass
        return await self._of_chunks(job_id, wanted, limit, cursor, deadline)

    async def _of_index(
        self,
        job_id: str,
        number: int,
        wanted: WantedOutcomes,
        limit: int,
        start: IndexPlace | None,
        *,
        name: str,
        deadline: Deadline,
    ) -> Page[IndexedObject]:
        root = await self._index.root(job_id, number)
        begin = max(root.position_of(wanted.prefix), 0)
        found: list[IndexedObject] = []
        seen = 0
        async for after, item in self._index.objects_from(
            root, job_id, number, start or IndexPlace(begin, 0), prefix=wanted.prefix
        ):
            seen += 1
            if item.outcome is not None and wanted.wants(item.outcome):
                found.append(item)
            late = not seen % _ROWS_PER_LOOK_AT_THE_CLOCK and deadline.near(0)
            if len(found) == limit or late:
                return Page(tuple(found), cursor_at(Place(_INDEX, *after), name))
        return Page(tuple(found), None)

    async def _of_chunks(
        self,
        job_id: str,
        wanted: WantedOutcomes,
        limit: int,
        cursor: str | None,
        deadline: Deadline,
    ) -> Page[IndexedObject]:
        name = _name(job_id, wanted)
        place = place_of(cursor, name)
        found: list[IndexedObject] = []
        searched = False
        for _ in range(_CHUNK_PAGE_COUNT_MAX):
            page = await self._chunks.list_page(
                job_id, limit=_CHUNKS_AT_ONCE, cursor=place.chunks_cursor
            )
            for chunk in page.items:
                if chunk.index < place.chunk_index or not wanted.may_be_in(chunk):
                    continue
                before = place.count if chunk.index == place.chunk_index else 0
                # However little time remains, each page makes progress.
                if searched and deadline.near(0):
                    following = Place(place.chunks_cursor, chunk.index, before)
                    return Page(tuple(found), cursor_at(following, name))
                searched = True
                number = 0
                async for outcome in read_chunk_outcomes(self._results, chunk):
                    if not wanted.wants(outcome):
                        continue
                    number += 1
                    if number <= before:
                        continue
                    if len(found) == limit:
                        following = Place(place.chunks_cursor, chunk.index, number - 1)
                        return Page(tuple(found), cursor_at(following, name))
                    found.append(
                        IndexedObject(key=outcome.key, chunk_index=chunk.index, outcome=outcome)
                    )
            if page.cursor is None:
                return Page(tuple(found), None)
            place = Place(page.cursor)
        return Page(tuple(found), cursor_at(place, name))


def _index_place(cursor: str | None, name: str) -> IndexPlace | None:
    """Return the place of a cursor in an index.

    Raises:
        InvalidCursor: it is not one of this list.
    """
    if cursor is None:
        return None
    place = place_of(cursor, name)
    if place.chunks_cursor != _INDEX:
        raise InvalidCursor("the cursor belongs to another list")
    return IndexPlace(place.chunk_index, place.count)


def _name(job_id: str, wanted: WantedOutcomes) -> str:
    """Return the name of a list, which its cursors have; a prefix has any characters."""
    decision = f" by {wanted.decision}" if wanted.decision else ""
    name = f"outcomes of {job_id} that are {wanted.kind or 'any'}{decision}"
    if not wanted.prefix:
        return name
    return f"{name} below {hashlib.sha256(wanted.prefix.encode()).hexdigest()[:16]}"
