"""Parquet files over memory: their content is JSON, which `memory_parquet` writes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from ports.errors import CorruptData, LimitExceeded, Misconfigured
from ports.parquet_reader import ParquetFile, ParquetReader, Row, Value


def memory_parquet(rows: Sequence[Mapping[str, Value]], columns: Sequence[str]) -> bytes:
    """Return the content of a file with these rows."""
    written = [[_written(row[name]) for name in columns] for row in rows]
    return json.dumps({"columns": list(columns), "rows": written}).encode()


class MemoryParquetReader:
    """Reads such content.

    `installed` and `free_bytes` may be set, to fail as an installation may; `open_count` is how
    many files are open.
    """

    def __init__(self) -> None:
        self.installed = True
        self.free_bytes = 512 * 1024**2
        self.open_count = 0

    @asynccontextmanager
    async def open(self, size_bytes: int) -> AsyncIterator[ParquetFile]:
        if not self.installed:
            raise Misconfigured("Parquet files are not read by this installation")
        if size_bytes > self.free_bytes:
            raise LimitExceeded(f"a Parquet file of {size_bytes} bytes has no room")
        self.open_count += 1
        try:
            yield _File()
        finally:
            self.open_count -= 1


class _File:
    def __init__(self) -> None:
        self._content = b""

    async def append(self, content: bytes) -> None:
        self._content += content

    async def pages(
        self, columns: Sequence[str], *, first_row: int, row_count: int
    ) -> AsyncGenerator[Sequence[Row]]:
        try:
            document = json.loads(self._content)
        except ValueError as error:
            raise CorruptData(f"it cannot be read as Parquet: {error}") from error
        missing = [name for name in columns if name not in document["columns"]]
        if missing:
            raise CorruptData(f"it has no column {' and no '.join(missing)}")
        places = [document["columns"].index(name) for name in columns]
        rows = document["rows"][first_row:]
        for start in range(0, len(rows), row_count):
            page = rows[start : start + row_count]
            yield [[_read(row[place]) for place in places] for row in page]


def _written(value: Value) -> Any:
    return {"time": value.isoformat()} if isinstance(value, datetime) else value


def _read(value: Any) -> Value:
    return datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value


_: type[ParquetReader] = MemoryParquetReader
