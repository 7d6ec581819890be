"""The contract of ports.parquet_reader."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from adapters.memory.parquet_reader import MemoryParquetReader, memory_parquet
from adapters.parquet import duckdb_reader as module
from adapters.parquet.duckdb_reader import DuckdbParquetReader
from ports.errors import CorruptData, LimitExceeded, Misconfigured
from ports.parquet_reader import ParquetReader, Row

COLUMNS = ("key", "is_latest", "size", "last_modified_date", "other")
TIME = datetime(2026, 1, 31, 12, 0, 0, 123_000, tzinfo=UTC)
ROWS = [
    (f"a b+%2Fü/{number}", number % 2 == 0, number or None, TIME if number else None, "x")
    for number in range(25)
]

World = tuple[ParquetReader, bytes]


def written(folder: Path, *, row_group_size: int = 2048, time_type: str = "TIMESTAMPTZ") -> bytes:
    """Return a Parquet file with the rows."""
    path = folder / "written.parquet"
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE rows (key VARCHAR NOT NULL, is_latest BOOLEAN, size BIGINT,"
            f" last_modified_date {time_type}, other VARCHAR)"
        )
        connection.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, CAST(? AS TIMESTAMPTZ), ?)",
            [(*row[:3], row[3] and row[3].isoformat(), row[4]) for row in ROWS],
        )
        connection.execute(
            f"COPY rows TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {row_group_size})"
        )
    return path.read_bytes()


@pytest.fixture
def memory_world() -> World:
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    return MemoryParquetReader(), memory_parquet(rows, COLUMNS)


@pytest.fixture
def duckdb_world(tmp_path: Path) -> World:
    return DuckdbParquetReader(tmp_path), written(tmp_path)


@pytest.fixture(params=["memory", "duckdb"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(f"{request.param}_world")
    return chosen


async def read(
    reader: ParquetReader,
    content: bytes,
    columns: Sequence[str] = COLUMNS,
    *,
    first_row: int = 0,
    row_count: int = 10,
) -> list[list[Row]]:
    async with reader.open(len(content)) as file:
        for start in range(0, len(content), 100):
            await file.append(content[start : start + 100])
        pages = file.pages(columns, first_row=first_row, row_count=row_count)
        return [[tuple(row) for row in page] async for page in pages]


async def test_rows_are_read_in_pages_in_their_order(world: World) -> None:
    pages = await read(*world)
    assert pages == [ROWS[:10], ROWS[10:20], ROWS[20:]]


async def test_only_the_columns_that_were_asked_for_are_read(world: World) -> None:
    pages = await read(*world, ["last_modified_date", "key"], row_count=100)
    assert pages == [[(row[3], row[0]) for row in ROWS]]


@pytest.mark.parametrize("first_row", [1, 9, 10, 24, 25, 26])
async def test_the_first_rows_can_be_skipped(world: World, first_row: int) -> None:
    pages = await read(*world, first_row=first_row, row_count=7)
    assert [row for page in pages for row in page] == ROWS[first_row:]
    assert all(pages)


async def test_another_file_is_corrupt(world: World) -> None:
    reader, content = world
    for wrong in (b"", b"Bucket,Key\n", content[: len(content) // 2]):
        with pytest.raises(CorruptData, match="cannot be read as Parquet"):
            await read(reader, wrong)


async def test_a_missing_column_is_corrupt(world: World) -> None:
    with pytest.raises(CorruptData, match="no column absent"):
        await read(*world, ["key", "absent"])


async def test_a_file_needs_room(world: World) -> None:
    reader, _ = world
    with pytest.raises(LimitExceeded, match="no room"):
        async with reader.open(2**60):
            pass


@pytest.fixture
def open_files() -> Callable[[Path], int]:
    """The number of files in a folder that this process has open, or that have a name there."""

    def count(folder: Path) -> int:
        held = 0
        for link in Path("/proc/self/fd").iterdir():
            try:
                held += str(folder) in str(link.readlink())
            except FileNotFoundError:
                continue
        return held + len(list(folder.iterdir()))

    return count


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")


@on_linux
async def test_nothing_is_left_of_a_file(tmp_path: Path, open_files: Callable[[Path], int]) -> None:
    (folder := tmp_path / "tmp").mkdir()
    content, reader = written(tmp_path), DuckdbParquetReader(folder)
    async with reader.open(len(content)) as file:
        await file.append(content)
        assert open_files(folder) == 1
        assert not list(folder.iterdir())
    assert open_files(folder) == 0
    with pytest.raises(CorruptData):
        await read(reader, b"no such file")
    assert open_files(folder) == 0


@on_linux
async def test_nothing_is_left_after_a_cancellation(
    tmp_path: Path, open_files: Callable[[Path], int]
) -> None:
    (folder := tmp_path / "tmp").mkdir()
    content, reader = written(tmp_path), DuckdbParquetReader(folder)
    first_page = asyncio.Event()

    async def forever() -> None:
        async with reader.open(len(content)) as file:
            await file.append(content)
            async for _ in file.pages(COLUMNS, first_row=0, row_count=1):
                first_page.set()
                await asyncio.sleep(60)

    task = asyncio.create_task(forever())
    await first_page.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert open_files(folder) == 0


@pytest.mark.parametrize("first_row", [0, 2500, 4999])
async def test_later_row_groups_are_found(tmp_path: Path, first_row: int) -> None:
    path = tmp_path / "many.parquet"
    relation = duckdb.sql("SELECT range AS size FROM range(5000)")
    relation.write_parquet(str(path), row_group_size=2048)
    pages = await read(
        DuckdbParquetReader(tmp_path),
        path.read_bytes(),
        ["size"],
        first_row=first_row,
        row_count=1_000,
    )
    assert [row[0] for page in pages for row in page] == list(range(first_row, 5000))
    assert {len(page) for page in pages[:-1]} <= {1_000}


@pytest.mark.parametrize("time_type", ["TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS"])
async def test_every_type_of_time_is_utc(tmp_path: Path, time_type: str) -> None:
    content = written(tmp_path, time_type=time_type)
    pages = await read(DuckdbParquetReader(tmp_path), content, ["last_modified_date"])
    assert pages[0][:2] == [(None,), (TIME,)]


async def test_a_time_of_another_type_is_not_taken_as_one(tmp_path: Path) -> None:
    content = written(tmp_path, time_type="VARCHAR")
    pages = await read(DuckdbParquetReader(tmp_path), content, ["last_modified_date"])
    assert isinstance(pages[0][1][0], str)


async def test_without_the_library_the_choice_and_the_extra_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(Misconfigured, match=r"CHOICES=parquet=true.*asset-sync\[parquet\]"):
        async with DuckdbParquetReader(tmp_path).open(1):
            pass


async def test_the_event_loop_runs_while_a_file_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The library's calls are in another thread than the loop."""
    threads: set[str] = set()
    mapped = module._mapped

    def seen(call: Any) -> Any:
        threads.add(threading.current_thread().name)
        return mapped(call)

    monkeypatch.setattr(module, "_mapped", seen)
    await read(DuckdbParquetReader(tmp_path), written(tmp_path))
    assert threads == {"parquet_0"}
