"""Listing the records of the catalog whose objects do not exist, from the report of a search."""

from __future__ import annotations

from contextlib import aclosing

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.orphan_files import orphan_report_key, read_orphans
from domain.orphan_rows import OrphanRow
from domain.orphan_work import OrphanStatus
from ports.clock import Clock
from ports.job_store import JobStore
from ports.paging import InvalidCursor, Page, decode_cursor, encode_cursor
from ports.results_store import ResultsStore


class OrphanPages:
    """Reads the report of the job's last search, page by page."""

    def __init__(
        self, *, jobs: JobStore, results: ResultsStore, clock: Clock, tuning: Tuning
    ) -> None:
        self._jobs = jobs
        self._results = results
        self._clock = clock
        self._tuning = tuning

    async def page(self, job_id: str, *, limit: int, cursor: str | None) -> Page[OrphanRow]:
        """Return up to `limit` rows, by key; a short page need not be the last.

        A job whose last search is not done has no rows.

        Raises:
            NotFound: there is no such job, or its report was removed.
            InvalidCursor: the cursor does not belong to this list.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        work = (await self._jobs.get(job_id)).orphans
        if work is None or work.status is not OrphanStatus.DONE:
            if cursor is not None:
                raise InvalidCursor("the cursor belongs to another search")
            return Page((), None)
        file = orphan_report_key(job_id, work.number)
        position = await self._position(file, cursor)
        found: list[OrphanRow] = []
        async with aclosing(read_orphans(self._results, file, position=position)) as rows:
            async for row, following in rows:
                if len(found) == limit:
                    return Page(tuple(found), encode_cursor([file, position]))
                found.append(row)
                position = following
                if deadline.near(0):
                    return Page(tuple(found), encode_cursor([file, position]))
        return Page(tuple(found), None)

    async def _position(self, file: str, cursor: str | None) -> int:
        if cursor is None:
            return 0
        match decode_cursor(cursor):
            case [str(name), int(position)] if name == file and position > 0:
                # A row begins after the end of another line.
                if await self._results.read_range(file, position - 1, position) == b"\n":
                    return position
        raise InvalidCursor("the cursor belongs to another list")
