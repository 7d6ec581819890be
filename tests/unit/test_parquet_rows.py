"""The rows of Parquet inventories, as AWS publishes their format."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidSource
from domain.parquet_rows import parquet_columns, parquet_format, parse_values

# The example of the S3 User Guide, "Locating your inventory list".
PUBLISHED = (
    "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); optional"
    " binary version_id (UTF8); optional boolean is_latest; optional boolean is_delete_marker;"
    " optional int64 size; optional int64 last_modified_date (TIMESTAMP_MILLIS); optional binary"
    " e_tag (UTF8); optional binary storage_class (UTF8); optional boolean is_multipart_uploaded;"
    " optional binary replication_status (UTF8); optional binary encryption_status (UTF8); optional"
    " int64 object_lock_retain_until_date (TIMESTAMP_MILLIS); optional binary object_lock_mode"
    " (UTF8); optional binary object_lock_legal_hold_status (UTF8); optional binary"
    " intelligent_tiering_access_tier (UTF8); optional binary bucket_key_status (UTF8); optional"
    " binary checksum_algorithm (UTF8); }"
)
# How reports are in fact.
NEWER = PUBLISHED.replace("UTF8", "STRING").replace("TIMESTAMP_MILLIS", "TIMESTAMP(MILLIS,true)")
COLUMNS = [
    "bucket",
    "key",
    "is_latest",
    "is_delete_marker",
    "size",
    "last_modified_date",
    "e_tag",
]
TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)
ROW = ("b", "k", True, False, 1, TIME, "e1")


def parsed(*rows: Any, schema: str = PUBLISHED) -> Any:
    form = parquet_format(schema)
    return parse_values(rows, form, bucket_name="b", where="f", first_row=1)


@pytest.mark.parametrize(
    "schema", [PUBLISHED, NEWER, NEWER.replace("; ", ";\n  ").replace(" }", "}")]
)
def test_the_columns_are_those_that_are_used(schema: str) -> None:
    assert parquet_columns(parquet_format(schema)) == COLUMNS


def test_the_order_is_that_of_the_schema() -> None:
    schema = "message s3.inventory { optional int64 size; required binary key (UTF8); required"
    schema += " binary bucket (UTF8); }"
    assert parquet_columns(parquet_format(schema)) == ["size", "key", "bucket"]
    [entry] = parsed((7, "k", "b"), schema=schema).entries
    assert (entry.key, entry.size_bytes, entry.last_modified, entry.e_tag) == ("k", 7, None, None)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("", "not that of a Parquet inventory"),
        ("Bucket, Key", "not that of a Parquet inventory"),
        ("message s3.inventory { }", "not that of a Parquet inventory"),
        ("message s3.inventory { repeated binary bucket; }", "not that of a Parquet inventory"),
        ("struct<bucket:string,key:string>", "not that of a Parquet inventory"),
        (PUBLISHED.replace("binary key", "binary name"), "no column Key"),
        (PUBLISHED.replace("is_delete_marker", "x"), "no column IsDeleteMarker"),
        (PUBLISHED.replace("storage_class", "key"), "twice"),
    ],
)
def test_another_schema_is_refused(schema: str, message: str) -> None:
    with pytest.raises(InvalidSource, match=message):
        parquet_format(schema)


@given(st.text(max_size=80))
def test_any_schema_is_read_or_refused(schema: str) -> None:
    with pytest.raises(InvalidSource):
        parquet_format(schema)


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(0, 5 * 1024**4))
def test_a_key_is_as_it_is(key: str, size: int) -> None:
    [entry] = parsed(("b", key, True, False, size, TIME, '"e1"')).entries
    assert (entry.key, entry.size_bytes, entry.last_modified) == (key, size, TIME)
    assert entry.e_tag == "e1"


def test_only_current_objects_are_entries() -> None:
    rows = parsed(ROW, ("b", "k", False, False, 1, TIME, "e"), ("b", "k", True, True, *[None] * 3))
    assert len(rows.entries) == 1
    assert rows.not_current == 2


def test_what_is_unknown_is_none() -> None:
    [entry] = parsed(("b", "k", True, False, None, None, None)).entries
    assert (entry.size_bytes, entry.last_modified, entry.e_tag) == (None, None, None)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, "other", "is of bucket 'other'"),
        (0, None, "is of bucket ''"),
        (1, "", "has no key"),
        (1, None, "has no key"),
        (1, b"k", "as Key, not text"),
        (2, None, "has 'None' as IsLatest, not true or false"),
        (3, "false", "has 'false' as IsDeleteMarker, not true or false"),
        (4, "1", "has '1' as Size, not a number of bytes"),
        (4, True, "as Size"),
        (4, -1, "as Size"),
        (5, 1_769_860_800_000, "has '1769860800000' as LastModifiedDate, not a time"),
        (5, "2026-01-31T12:00:00Z", "as LastModifiedDate, not a time"),
        (6, 1, "as ETag, not text"),
    ],
)
def test_a_value_that_is_not_of_the_format_is_named(place: int, value: Any, message: str) -> None:
    wrong = [*ROW]
    wrong[place] = value
    with pytest.raises(InvalidSource, match=f"f: row 2 .*{message}"):
        parsed(ROW, wrong)
