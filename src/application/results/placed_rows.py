"""Files of rows that are read on from any row: a line for each, below a header."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Generic, NamedTuple, TypeVar

from domain.errors import InvalidManifest
from ports.errors import CorruptData
from ports.results_store import ResultsStore

Row = TypeVar("Row")


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
            try:
                yield Placed(decode(line), position)
            except InvalidManifest as error:
                raise CorruptData(f"{key}, byte {start}: {error}", resource=key) from error
    if rest:
        raise CorruptData(f"{key} does not end in a line feed", resource=key)
