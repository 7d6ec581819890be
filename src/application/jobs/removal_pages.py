"""Listing the outcome of the objects that a sync no longer saw, from its report."""

from __future__ import annotations

from contextlib import aclosing

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.removal_files import (
    find_removal,
    missing_key,
    read_removals,
    report_key,
)
from domain.job import Job
from domain.removal_rows import RemovalRow, RemovalState
from domain.removal_work import RemovalStatus
from ports.clock import Clock
from ports.job_store import JobStore
from ports.paging import InvalidCursor, Page, decode_cursor, encode_cursor
from ports.results_store import ResultsStore


class RemovalPages:
    """Reads the report, page by page; until there is one, the list of missing objects."""

    def __init__(
        self, *, jobs: JobStore, results: ResultsStore, clock: Clock, tuning: Tuning
    ) -> None:
        self._jobs = jobs
        self._results = results
        self._clock = clock
        self._tuning = tuning

    async def page(
        self, job_id: str, state: RemovalState | None, *, limit: int, cursor: str | None
    ) -> Page[RemovalRow]:
        """Return up to `limit` rows, by key; a short page need not be the last.

        A job that was not compared has no rows, nor has one whose keys are being compared.

        Raises:
            NotFound: there is no such job, or its files were removed.
            InvalidCursor: the cursor does not belong to this list.
        """
        deadline = Deadline.after(self._clock, self._tuning.read_s)
        file = _file_of(await self._jobs.get(job_id))
        if file is None:
            return Page((), None)
        position = await self._position(file, state, cursor)
        found: list[RemovalRow] = []
        async with aclosing(read_removals(self._results, file, position=position)) as rows:
            async for row, following in rows:
                if state is None or row.state is state:
                    if len(found) == limit:
                        return Page(tuple(found), _cursor(file, state, position))
                    found.append(row)
                position = following
                if deadline.near(0):
                    return Page(tuple(found), _cursor(file, state, position))
        return Page(tuple(found), None)

    async def find(self, job: Job, key: str) -> RemovalRow | None:
        """Return the row of one object; None if the job does not miss it, or was not compared.

        Raises:
            NotFound: the job's files were removed.
        """
        file = _file_of(job)
        return None if file is None else await find_removal(self._results, file, key)

    async def _position(self, file: str, state: RemovalState | None, cursor: str | None) -> int:
        if cursor is None:
            return 0
        match decode_cursor(cursor):
            case [str(name), str() | None as chosen, int(position)] if (name, chosen) == (
                file,
                state,
            ) and position > 0:
                # A row begins after the end of another line.
                if await self._results.read_range(file, position - 1, position) == b"\n":
                    return position
        raise InvalidCursor("the cursor belongs to another list")


def _file_of(job: Job) -> str | None:
    """Return the file that has the rows, None if there are none."""
    work = job.removals
    if work is None or not work.counts.missing:
        return None
    match work.status:
        case RemovalStatus.DONE:
            return report_key(job.job_id)
        case RemovalStatus.STOPPED | RemovalStatus.CHECKING:
            return missing_key(job.job_id)
        case _:
            return None


def _cursor(file: str, state: RemovalState | None, position: int) -> str:
    return encode_cursor([file, state, position])
