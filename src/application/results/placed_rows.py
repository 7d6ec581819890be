"""Files of rows that are read on from any row: a line for each, below a header."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from domain.errors import InvalidManifest
from ports.errors import CorruptData
from ports.results_store import ResultsStore

Row = TypeVar("Row")


class Keyed(Protocol):
    """A row with a key."""

    @property
    def key(self) -> str:
        """The object's key."""
        ...


KeyedRow = TypeVar("KeyedRow", bound=Keyed)

# Above the longest row: it has two keys of 1,024 bytes, percent-encoded, and some ids.
_PROBE_BYTES: Final = 64 * 1024


class Placed(NamedTuple, Generic[Row]):
    """A row, and the byte of the file at which the next one begins."""

    row: Row
    position: int


async def read_rows(
    results: ResultsStore,
    key: str,
    *,
    position: int,
    header: bytes,
    decode: Callable[[bytes], Row],
) -> AsyncGenerator[Placed[Row], None]:
    """Yield the rows from a byte of the file on, at which a row begins, or the file.

    Raises:
        NotFound: there is no such file.
        CorruptData: the file does not begin with `header`, or a line has an invalid format.
    """
    rest = b""
    async for block in results.stream(key, position=position):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            start, position = position, position + len(line) + 1
            if start == 0:
                if line + b"\n" != header:
                    raise CorruptData(f"{key} begins with {line[:100]!r}", resource=key)
                continue
            yield Placed(_decoded(key, start, line, decode), position)
    if rest:
        raise CorruptData(f"{key} does not end in a line feed", resource=key)


async def find_row(
    results: ResultsStore,
    key: str,
    object_key: str,
    *,
    decode: Callable[[bytes], KeyedRow],
    probe_bytes: int = _PROBE_BYTES,
) -> KeyedRow | None:
    """Return the row of an object from a file that is sorted by key; None if it has none.

    The number of reads, of `probe_bytes` each, grows with the logarithm of the file's size.

    Raises:
        NotFound: there is no such file.
        CorruptData: a line has an invalid format.
    """
    # Rows that begin in [low, high) may be the row. Until a read finds the end, or a higher key,
    # each one is twice as far from the beginning as the one before.
    low, high = 0, None
    position = 0
    while high is None or low < high:
        rows = await _rows_at(results, key, position, decode, probe_bytes)
        if rows and rows[0].row.key <= object_key <= rows[-1].row.key:
            return next((each.row for each in rows if each.row.key == object_key), None)
        if rows and rows[-1].row.key < object_key:
            low = rows[-1].position
        else:
            high = position
        position = 2 * low if high is None else max(low, (low + high - probe_bytes) // 2)
    return None


async def _rows_at(
    results: ResultsStore,
    key: str,
    position: int,
    decode: Callable[[bytes], KeyedRow],
    probe_bytes: int,
) -> list[Placed[KeyedRow]]:
    """Return the rows that begin at or after a byte of the file, and end within a read."""
    # A row begins after the end of another line; the first line is the header.
    start = max(position - 1, 0)
    content = await results.read_range(key, start, start + probe_bytes)
    *lines, _ = content.split(b"\n")
    found: list[Placed[KeyedRow]] = []
    for number, line in enumerate(lines):
        begins, start = start, start + len(line) + 1
        if number:
            found.append(Placed(_decoded(key, begins, line, decode), start))
    return found


def _decoded(key: str, start: int, line: bytes, decode: Callable[[bytes], Row]) -> Row:
    try:
        return decode(line)
    except InvalidManifest as error:
        raise CorruptData(f"{key}, byte {start}: {error}", resource=key) from error
