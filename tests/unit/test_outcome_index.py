"""The rows and files of an index of outcomes."""

from __future__ import annotations

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.results_store import MemoryResultsStore
from application.results.outcome_index import IndexReader, PartWriter, part_key, write_index
from domain.decision import Decision
from domain.errors import InvalidManifest
from domain.outcome import Outcome, OutcomeKind
from domain.outcome_index import (
    IndexedObject,
    Listed,
    decode_object,
    decode_root,
    encode_object,
    encode_root,
)
from ports.errors import CorruptData, NotFound

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
TIMES = st.integers(0, 2**42).map(
    lambda ms: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
LISTED = st.builds(
    Listed,
    size_bytes=st.none() | st.integers(0, 2**50),
    last_modified=st.none() | TIMES,
    e_tag=st.none() | KEYS,
)
OUTCOMES = st.builds(
    Outcome,
    key=KEYS,
    kind=st.sampled_from(OutcomeKind),
    reason=KEYS,
    decision=st.none() | st.sampled_from(Decision),
    size_bytes=st.none() | st.integers(0),
    e_tag=st.none() | KEYS,
    message=st.none() | KEYS,
    as_listed=st.none() | st.just(True),
)


@st.composite
def indexed(draw: Any) -> IndexedObject:
    outcome = draw(st.none() | OUTCOMES)
    key = draw(KEYS) if outcome is None else outcome.key
    chunk_index = draw(st.none() | st.integers(0, 99))
    return IndexedObject(key=key, listed=draw(LISTED), chunk_index=chunk_index, outcome=outcome)


@given(indexed())
def test_a_row_is_one_line_that_has_everything(item: IndexedObject) -> None:
    row = encode_object(item)
    assert row.splitlines(keepends=True) == [row]
    assert decode_object(row) == item


@pytest.mark.parametrize("row", [b"", b"[]", b'{"key": 1, "outcome": "NO"}', b"{}", b"[" * 9999])
def test_another_row_is_not_valid(row: bytes) -> None:
    with pytest.raises(InvalidManifest):
        decode_object(row)


@given(st.lists(indexed(), unique_by=lambda item: item.key, max_size=40), KEYS, st.integers(1, 900))
def test_each_key_is_found_and_each_other_is_not(
    items: list[IndexedObject], other: str, block_bytes: int
) -> None:
    items.sort(key=lambda item: item.key)

    async def check() -> None:
        results = MemoryResultsStore()
        root = await write_index(results, "j", 0, items, block_bytes=block_bytes)
        assert decode_root(encode_root(root)) == root
        assert root.object_count == len(items)
        reader = IndexReader(results=results)
        for item in items:
            assert await reader.find("j", 0, item.key) == item
        expected = [item for item in items if item.key == other]
        assert await reader.find("j", 0, other) == (expected[0] if expected else None)
        # UTF-8 sorts as code points do: the order of S3's listings.
        assert [item.key.encode() for item in items] == sorted(i.key.encode() for i in items)

    asyncio.run(check())


@given(
    st.lists(indexed(), unique_by=lambda item: item.key, max_size=40),
    st.data(),
    st.integers(1, 900),
)
def test_a_stream_continues_after_any_key_and_stays_below_a_prefix(
    items: list[IndexedObject], data: st.DataObject, block_bytes: int
) -> None:
    items.sort(key=lambda item: item.key)
    keys = [item.key for item in items]
    after = data.draw(st.none() | KEYS | st.sampled_from(keys) if keys else st.none() | KEYS)
    prefix = data.draw(st.just("") | KEYS | st.sampled_from([key[:1] for key in keys] or [""]))

    async def check() -> None:
        results = MemoryResultsStore()
        await write_index(results, "j", 3, items, block_bytes=block_bytes)
        reader = IndexReader(results=results)
        streamed = reader.objects("j", 3, after=after, prefix=prefix)
        assert [item async for item in streamed] == [
            item
            for item in items
            if item.key.startswith(prefix) and (after is None or item.key > after)
        ]

    asyncio.run(check())


class CountedResults(MemoryResultsStore):
    """Counts reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read_count = 0

    async def get(self, key: str) -> bytes:
        self.read_count += 1
        return await super().get(key)

    async def read_range(self, key: str, start: int, stop: int) -> bytes:
        self.read_count += 1
        return await super().read_range(key, start, stop)


async def test_a_lookup_takes_two_reads_however_many_objects_there_are() -> None:
    results = CountedResults()
    items = [IndexedObject(key=f"folder/{number:06}") for number in range(20_000)]
    root = await write_index(results, "j", 0, items, block_bytes=20_000)
    assert len(root.blocks) > 20
    reader = IndexReader(results=results)
    for key in ("folder/000000", "folder/013579", "folder/019999", "folder/", "z"):
        results.read_count = 0
        found = await reader.find("j", 0, key)
        assert (found is not None) == (key[-1].isdigit())
        assert results.read_count <= 2


async def test_a_stream_reads_many_blocks_at_once() -> None:
    results = CountedResults()
    items = [IndexedObject(key=f"folder/{number:06}") for number in range(20_000)]
    root = await write_index(results, "j", 0, items, block_bytes=2_000)
    assert len(root.blocks) > 100
    assert [each async for each in IndexReader(results=results).objects("j", 0)] == items
    assert results.read_count == 2


async def test_the_root_has_short_keys() -> None:
    items = [IndexedObject(key=f"{number:06}/{'long' * 200}") for number in range(1_000)]
    root = await write_index(MemoryResultsStore(), "j", 0, items, block_bytes=5_000)
    assert max(len(block.from_key) for block in root.blocks) <= 6


async def test_a_part_is_a_file_of_lines_that_gzip_reads() -> None:
    results = MemoryResultsStore()
    items = [IndexedObject(key=f"{number:06}") for number in range(1_000)]
    await write_index(results, "j", 0, items, block_bytes=2_000)
    lines = gzip.decompress(results.files[part_key("j", 0, 0)]).splitlines(keepends=True)
    assert [decode_object(line) for line in lines] == items


def test_the_same_rows_make_the_same_bytes() -> None:
    def content() -> bytes:
        writer = PartWriter(0, None, block_bytes=10)
        for key in ("a", "b"):
            writer.add(key, encode_object(IndexedObject(key=key)))
        return writer.finish()

    assert content() == content()


def test_keys_must_increase() -> None:
    writer = PartWriter(1, "b")
    with pytest.raises(ValueError, match="follows"):
        writer.add("b", b"")


async def test_a_missing_or_damaged_file_is_no_answer() -> None:
    results = MemoryResultsStore()
    reader = IndexReader(results=results)
    with pytest.raises(NotFound):
        await reader.find("j", 0, "a")
    await write_index(results, "j", 0, [IndexedObject(key="a"), IndexedObject(key="b")])
    part = results.files[part_key("j", 0, 0)]
    for damaged in (part[:-9], part[:5], b"x" * len(part), b"", gzip.compress(b"{}\n")):
        results.files[part_key("j", 0, 0)] = damaged
        with pytest.raises(CorruptData):
            await reader.find("j", 0, "a")
    del results.files[part_key("j", 0, 0)]
    with pytest.raises(NotFound):
        await reader.find("j", 0, "a")
    results.files["jobs/j/index/0000/root.json"] = b'{"version": 2}'
    with pytest.raises(CorruptData):
        await reader.find("j", 0, "a")
