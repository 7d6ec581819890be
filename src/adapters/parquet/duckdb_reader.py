"""Parquet files, read by DuckDB from a temporary file without a name.

DuckDB is a large library that most installations do without (the extra `parquet`), so it is
imported when the first file is opened. Its calls are synchronous: each file has one thread, in
which they run one after the other. Closing waits its turn there, also after a cancellation.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ports.errors import CorruptData, LimitExceeded, Misconfigured
from ports.parquet_reader import ParquetFile, ParquetReader, Row, Value

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Result = TypeVar("Result")

# The columns of a row group are in memory while it is read: usually 128 MB, compressed. The engine
# has 1,769 MB.
_MEMORY_LIMIT: Final = "1GB"
_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    # One file is read in its order by one thread.
    "threads": 1,
    "memory_limit": _MEMORY_LIMIT,
    # Nothing is written to disk, and nothing is fetched.
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
# It would read whole row groups at once, and keep what it read.
_SETTINGS: Final = (
    "SET disable_parquet_prefetching = true; SET enable_external_file_cache = false;"
    " SET TimeZone = 'UTC'"
)
# A file without a name is opened by its number: on Linux in /proc (a container may lack /dev/fd).
_OPEN_FILES: Final = Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class DuckdbParquetReader:
    """Reads files of the local disk.

    Args:
        folder: Where temporary files are; by default where the system has them.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir())

    @asynccontextmanager
    async def open(self, size_bytes: int) -> AsyncIterator[ParquetFile]:
        executor = ThreadPoolExecutor(1, thread_name_prefix="parquet")
        file = _File(executor)
        try:
            await file.run(file.open, self._folder, size_bytes)
            yield file
        finally:
            closed = asyncio.wrap_future(executor.submit(file.close))
            executor.shutdown(wait=False)
            # A cancellation does not reach the thread.
            await asyncio.shield(closed)


class _File:
    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._stored: Any = None
        self._connection: DuckDBPyConnection | None = None

    async def run(self, call: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *args)

    def open(self, folder: Path, size_bytes: int) -> None:
        self._connection = _connect()
        status = os.statvfs(folder)
        free_bytes = status.f_bavail * status.f_frsize
        if size_bytes > free_bytes:
            raise LimitExceeded(
                f"a Parquet file of {size_bytes:,} bytes has no room in {folder}, which has"
                f" {free_bytes:,} free: on AWS, deploy with a larger CHOICES=parquet_disk_mb;"
                " elsewhere, set TMPDIR to a larger disk"
            )
        # It has no name, so it disappears with the process too.
        self._stored = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed below

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._stored is not None:
            self._stored.close()

    async def append(self, content: bytes) -> None:
        await self.run(self._append, content)

    def _append(self, content: bytes) -> None:
        try:
            self._stored.write(content)
            self._stored.flush()
        except OSError as error:
            raise LimitExceeded(
                f"a Parquet file cannot be stored ({error}): free space, or on AWS deploy with a"
                " larger CHOICES=parquet_disk_mb"
            ) from error

    async def pages(
        self, columns: Sequence[str], *, first_row: int, row_count: int
    ) -> AsyncGenerator[Sequence[Row]]:
        times = await self.run(self._start, columns, first_row)
        while page := await self.run(self._fetch, row_count, times):
            yield page

    def _start(self, columns: Sequence[str], first_row: int) -> list[int]:
        """Start to read; return the places of times."""
        path = str(_OPEN_FILES / str(self._stored.fileno()))
        described = self._call("DESCRIBE SELECT * FROM read_parquet(?)", [path])
        types = {name: str(kind) for name, kind, *_ in described.fetchall()}
        missing = [name for name in columns if name not in types]
        if missing:
            raise CorruptData(f"it has no column {' and no '.join(missing)}")
        times = [i for i, name in enumerate(columns) if types[name].startswith("TIMESTAMP")]
        selected = ", ".join(_selected(name, types[name]) for name in columns)
        # DuckDB skips the row groups before the first row.
        self._call(
            f"SELECT {selected} FROM read_parquet(?, file_row_number = true)"  # noqa: S608
            " WHERE file_row_number >= ?",
            [path, first_row],
        )
        return times

    def _fetch(self, row_count: int, times: Sequence[int]) -> list[Row]:
        rows: list[Any] = _mapped(lambda: self._opened.fetchmany(row_count))
        return [_with_times(row, times) for row in rows] if times else rows

    def _call(self, statement: str, parameters: list[object]) -> DuckDBPyConnection:
        return _mapped(lambda: self._opened.execute(statement, parameters))

    @property
    def _opened(self) -> DuckDBPyConnection:
        assert self._connection is not None  # noqa: S101 - opened first
        return self._connection


def _selected(name: str, kind: str) -> str:
    """Return what to select for a column; times as numbers: as objects they need a library."""
    if not kind.startswith("TIMESTAMP"):
        return f'"{name}"'
    # Times of other precisions have no number of milliseconds.
    return f'epoch_ms("{name}")' if kind.endswith("ZONE") else f'epoch_ms("{name}"::TIMESTAMP)'


def _connect() -> DuckDBPyConnection:
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "Parquet files are not read by this installation: on AWS, deploy with"
            " CHOICES=parquet=true; elsewhere, install the extra `parquet` (pip install"
            " 'asset-sync[parquet]'). Or configure an inventory with output format CSV"
        ) from error
    connection = duckdb.connect(":memory:", config=_CONFIG)
    connection.execute(_SETTINGS)
    return connection


def _mapped(call: Callable[[], Result]) -> Result:
    import duckdb

    try:
        return call()
    except duckdb.OutOfMemoryException as error:
        raise LimitExceeded(
            f"its row groups do not fit into the {_MEMORY_LIMIT} of memory that a reader has"
        ) from error
    except duckdb.Error as error:
        text = str(error).strip().partition("\n")[0]
        raise CorruptData(f"it cannot be read as Parquet: {text}") from error


def _with_times(row: Sequence[Any], times: Sequence[int]) -> Row:
    values: list[Value] = list(row)
    for place in times:
        if row[place] is not None:
            values[place] = _time(row[place])
    return values


def _time(milliseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise CorruptData(f"{milliseconds} milliseconds since 1970 are no time") from error


_: type[ParquetReader] = DuckdbParquetReader
