"""Parquet files, whose rows are read page by page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

Value = str | bytes | bool | int | float | datetime | None
"""A value of a row. Times are in UTC; bytes are a binary column that is not marked as text."""

Row = Sequence[Value]


class ParquetFile(Protocol):
    """A file that is complete when as many bytes were appended as it has."""

    async def append(self, content: bytes) -> None:
        """Add bytes at the end.

        Raises:
            LimitExceeded: There is no room for them.
        """
        ...

    def pages(
        self, columns: Sequence[str], *, first_row: int, row_count: int
    ) -> AsyncGenerator[Sequence[Row]]:
        """Yield the rows in their order, without the first `first_row` ones.

        Args:
            columns: Which columns a row has, in this order.
            first_row: How many rows are skipped. There may be fewer.
            row_count: The number of rows of a page; the last one may have fewer, and none is empty.

        Raises:
            CorruptData: It is no Parquet file, or has no such column.
            LimitExceeded: A part that must be in memory is too large.
        """
        ...


class ParquetReader(Protocol):
    """Holds files while they are read."""

    def open(self, size_bytes: int) -> AbstractAsyncContextManager[ParquetFile]:
        """Open a new file, which does not outlive its context, nor the process.

        Raises:
            Misconfigured: This installation reads no Parquet files; the message says what to do.
            LimitExceeded: There is no room for so many bytes; the message says what to do.
        """
        ...
