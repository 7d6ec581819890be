"""The files of a job's search for orphans, and how their rows are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from domain.errors import InvalidManifest
from domain.orphan_rows import HEADER, OrphanRow, decode_orphan
from ports.errors import CorruptData
from ports.results_store import ResultsStore


def orphan_report_key(job_id: str, number: int) -> str:
    """The records whose objects do not exist: the report for users."""
    return f"jobs/{job_id}/orphans/{number:04d}/report.csv"


def unlisted_key(job_id: str, number: int) -> str:
    """The records whose objects the sync did not list, before they are looked for."""
    return f"jobs/{job_id}/orphans/{number:04d}/unlisted.csv"


def records_key(job_id: str, number: int, name: str) -> str:
    """Sorted records of a part of the scan; the name has the lease's token."""
    return f"jobs/{job_id}/orphans/{number:04d}/progress/run-{name}"


class PlacedOrphan(NamedTuple):
    """A row, and the byte of the file at which the next one begins."""

    row: OrphanRow
    position: int


async def read_orphans(
    results: ResultsStore, key: str, *, position: int = 0
) -> AsyncGenerator[PlacedOrphan, None]:
    """Yield the rows from a byte of the file on, at which a row begins, or the file.

    Raises:
        NotFound: there is no such file.
        CorruptData: a line has an invalid format.
    """
    rest = b""
    async for block in results.stream(key, position=position):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            start, position = position, position + len(line) + 1
            if start == 0:
                if line + b"\n" != HEADER:
                    raise CorruptData(f"{key} begins with {line[:100]!r}", resource=key)
                continue
            try:
                yield PlacedOrphan(decode_orphan(line), position)
            except InvalidManifest as error:
                raise CorruptData(f"{key}, byte {start}: {error}", resource=key) from error
    if rest:
        raise CorruptData(f"{key} does not end in a line feed", resource=key)
