"""The files of a job's search for orphans, and how their rows are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from application.results.placed_rows import Placed, read_rows
from domain.orphan_rows import HEADER, OrphanRow, decode_orphan
from ports.results_store import ResultsStore

PlacedOrphan = Placed[OrphanRow]


def orphan_report_key(job_id: str, number: int) -> str:
    """The records whose objects do not exist: the report for users."""
    return f"jobs/{job_id}/orphans/{number:04d}/report.csv"


def unlisted_key(job_id: str, number: int) -> str:
    """The records whose objects the sync did not list, before they are looked for."""
    return f"jobs/{job_id}/orphans/{number:04d}/unlisted.csv"


def records_key(job_id: str, number: int, name: str) -> str:
    """Sorted records of a part of the scan; the name has the lease's token."""
    return f"jobs/{job_id}/orphans/{number:04d}/progress/run-{name}"


def read_orphans(
    results: ResultsStore, key: str, *, position: int = 0
) -> AsyncGenerator[PlacedOrphan, None]:
    """Yield the rows from a byte of the file on; see `placed_rows.read_rows`.

    Raises:
        NotFound: there is no such file.
        CorruptData: a line has an invalid format.
    """
    return read_rows(results, key, position=position, header=HEADER, decode=decode_orphan)
