"""One row of a sorted file of rows is found with few reads."""

from __future__ import annotations

import asyncio
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.results_store import MemoryResultsStore
from application.results.placed_rows import find_row
from domain.removal_rows import HEADER, RemovalRow, decode_removal, encode_removal
from ports.errors import CorruptData

FILE = "jobs/j/removals/report.csv"
KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
# Above the longest row of these keys: nine bytes or so for each of thirty four-byte characters.
PROBE_BYTES = 600


class CountingResults(MemoryResultsStore):
    """Counts its ranged reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read_count = 0

    async def read_range(self, key: str, start: int, stop: int) -> bytes:
        self.read_count += 1
        return await super().read_range(key, start, stop)


def file_of(keys: list[str]) -> bytes:
    rows = (RemovalRow(key=key, last_seen_in="job-1") for key in sorted(keys))
    return HEADER + b"".join(map(encode_removal, rows))


def found(content: bytes, key: str, *, probe_bytes: int = PROBE_BYTES) -> tuple[str | None, int]:
    """Return the key of the row that is found, and the number of reads."""
    results = CountingResults()
    results.files[FILE] = content

    async def find() -> RemovalRow | None:
        return await find_row(results, FILE, key, decode=decode_removal, probe_bytes=probe_bytes)

    row = asyncio.run(find())
    return None if row is None else row.key, results.read_count


@given(st.lists(KEYS, unique=True, max_size=60), KEYS)
def test_each_row_is_found_and_no_other(keys: list[str], other: str) -> None:
    content = file_of(keys)
    for key in keys:
        assert found(content, key)[0] == key
    assert found(content, other)[0] == (other if other in keys else None)


@pytest.mark.parametrize("count", [1, 100, 10_000])
def test_reads_grow_with_the_logarithm(count: int) -> None:
    keys = [f"reel/{number:06d}.mov" for number in range(count)]
    content = file_of(keys)
    allowed = 2 * log2(max(len(content) / PROBE_BYTES, 1)) + 3
    for key in (keys[0], keys[count // 3], keys[-1], "reel", "reel/000000.mov.bak", "z"):
        expected = key if key in keys else None
        row, read_count = found(content, key)
        assert row == expected
        assert read_count <= allowed, key


def test_a_line_that_is_no_row_is_corrupt() -> None:
    content = file_of(["a", "b"]) + b"not,a,row\n"
    with pytest.raises(CorruptData, match=r"report\.csv, byte \d+"):
        found(content, "b")
