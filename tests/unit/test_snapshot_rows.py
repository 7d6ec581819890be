"""Rows of snapshots: written and read, sorted by their paths, in partitions and blocks."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog import CatalogRecord
from domain.errors import InvalidManifest
from domain.snapshot import (
    bounds_of,
    decode_index,
    decode_record,
    encode_index,
    encode_path,
    encode_record,
    partition_of,
    path_of,
    sorted_file,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
RECORDS = st.builds(
    CatalogRecord,
    inventory_id=TEXTS,
    storage_path=TEXTS,
    asset_id=st.none() | TEXTS,
    e_tag=st.none() | TEXTS,
    size_bytes=st.none() | st.integers(min_value=0),
    last_modified=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(record=RECORDS)
def test_a_record_is_read_as_it_was_written(record: CatalogRecord) -> None:
    row = encode_record(record)
    assert decode_record(row) == record
    assert row.count(b"\n") == 1
    assert path_of(row) == encode_path(record.storage_path or "")


@given(records=st.lists(RECORDS, max_size=40), count=st.integers(1, 9), block=st.integers(1, 200))
def test_every_row_is_found_in_one_block_of_one_partition(
    records: list[CatalogRecord], count: int, block: int
) -> None:
    rows = sorted(map(encode_record, records))
    assert [path_of(row) for row in rows] == sorted(map(path_of, rows))
    bounds = bounds_of(rows[::2], count)
    for number in range(len(bounds) + 1):
        own = [row for row in rows if partition_of(path_of(row), bounds) == number]
        file = sorted_file(own, block)
        paths, positions = decode_index(encode_index(file.index, len(file.content)))
        blocks = [
            file.content[start:stop].splitlines(keepends=True)
            for start, stop in pairwise(positions)
        ]
        assert [row for each in blocks for row in each] == own
        assert [path_of(each[0]) for each in blocks] == paths
        assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("row", [b"", b"a\tb", b"p\ti\ta\te\tx\t", b"p\ti\ta\te\t1\tyesterday"])
def test_another_row_is_invalid(row: bytes) -> None:
    with pytest.raises(InvalidManifest):
        decode_record(row)


@pytest.mark.parametrize("content", [b"a", b"a\tb\n", b"a\t1\t2\n"])
def test_another_index_is_invalid(content: bytes) -> None:
    with pytest.raises(InvalidManifest):
        decode_index(content)


def test_a_time_is_kept_to_the_microsecond() -> None:
    at = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
    record = CatalogRecord(inventory_id="i", storage_path="b:k", last_modified=at)
    assert decode_record(encode_record(record)).last_modified == at
