"""The files of a job's comparison with the sync before, and how their rows are read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from domain.errors import InvalidManifest
from domain.removal_rows import HEADER, RemovalRow, decode_removal
from ports.errors import CorruptData
from ports.results_store import ResultsStore


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


class PlacedRow(NamedTuple):
    """A row, and the byte of the file at which the next one begins."""

    row: RemovalRow
    position: int


async def read_removals(
    results: ResultsStore, key: str, *, position: int = 0
) -> AsyncGenerator[PlacedRow, None]:
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
                yield PlacedRow(decode_removal(line), position)
            except InvalidManifest as error:
                raise CorruptData(f"{key}, byte {start}: {error}", resource=key) from error
    if rest:
        raise CorruptData(f"{key} does not end in a line feed", resource=key)
