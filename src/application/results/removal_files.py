"""The files of a job's comparison with the sync before, and how their rows are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from application.results.placed_rows import Placed, find_row, read_rows
from domain.removal_rows import HEADER, RemovalRow, decode_removal
from ports.results_store import ResultsStore

PlacedRow = Placed[RemovalRow]


def report_key(job_id: str) -> str:
    """The outcome of each missing object: the report for users."""
    return f"jobs/{job_id}/removals/report.csv"


def missing_key(job_id: str) -> str:
    """The objects that the sync before saw and this one did not, before they are looked for."""
    return f"jobs/{job_id}/removals/missing.csv"


def added_key(job_id: str) -> str:
    """The objects that this sync saw and the one before did not."""
    return f"jobs/{job_id}/removals/added.csv"


def carried_key(job_id: str) -> str:
    """The objects that this sync did not see, and that existed when they were looked for."""
    return f"jobs/{job_id}/removals/carried.csv"


def read_removals(
    results: ResultsStore, key: str, *, position: int = 0
) -> AsyncGenerator[PlacedRow, None]:
    """Yield the rows from a byte of the file on; see `placed_rows.read_rows`.

    Raises:
        NotFound: there is no such file.
        CorruptData: a line has an invalid format.
    """
    return read_rows(results, key, position=position, header=HEADER, decode=decode_removal)


async def find_removal(results: ResultsStore, key: str, object_key: str) -> RemovalRow | None:
    """Return the row of an object, None if it has none; see `placed_rows.find_row`.

    Raises:
        NotFound: there is no such file.
        CorruptData: a line has an invalid format.
    """
    return await find_row(results, key, object_key, decode=decode_removal)
