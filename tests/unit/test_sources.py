"""The formats of sources of keys, with any key, as AWS publishes them."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import InvalidSource
from domain.inventory import checksum_key, parse_inventory
from domain.key_source import SourcePosition, position_of
from domain.source_rows import MANIFEST_FORMAT, inventory_format, parse_rows

# The example of the S3 User Guide, "Locating your inventory list".
SCHEMA = (
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass,"
    " IsMultipartUploaded, ReplicationStatus, EncryptionStatus, ObjectLockRetainUntilDate,"
    " ObjectLockMode, ObjectLockLegalHoldStatus, IntelligentTieringAccessTier, BucketKeyStatus,"
    " ChecksumAlgorithm"
)
KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)


def parsed(*lines: str, form: Any = MANIFEST_FORMAT) -> Any:
    return parse_rows(lines, form, bucket_name="b", where="f", first_row=1)


@given(st.lists(KEYS, max_size=5), st.sampled_from([quote, quote_plus]), st.booleans())
@example(keys=["a b+c%2F,\"'\n"], encode=quote_plus, has_version=True)
def test_a_manifest_has_the_keys_that_were_written(
    keys: list[str], encode: Any, has_version: bool
) -> None:
    version = ",PZ9ibn9D5lP6p298B7S9_ceqx1n5EJ0p" if has_version else ""
    rows = parsed(*(f"b,{encode(key)}{version}\r\n" for key in keys))
    assert [entry.key for entry in rows.entries] == keys
    assert {entry.size_bytes for entry in rows.entries} <= {None}


@given(KEYS, st.integers(0, 5 * 1024**4))
def test_an_inventory_has_the_objects_that_were_written(key: str, size: int) -> None:
    time = "2026-01-31T12:00:00.000Z"
    fields = ["b", quote_plus(key), "v", "true", "false", str(size), time, "e1", *"STANDARD,,,"]
    fields = [*fields[:8], *[""] * 10]
    rows = parsed(",".join(f'"{field}"' for field in fields), form=inventory_format(SCHEMA))
    [entry] = rows.entries
    assert (entry.key, entry.size_bytes, entry.e_tag) == (key, size, "e1")
    assert entry.last_modified is not None
    assert entry.last_modified.isoformat() == "2026-01-31T12:00:00+00:00"


@given(st.text(max_size=60))
def test_any_line_is_parsed_or_refused(line: str) -> None:
    try:
        rows = parsed(line)
    except InvalidSource:
        return
    assert len(rows.entries) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b\n", "row 2 has 1 columns, not 2 or 3"),
        ("b,k,v,x\n", "row 2 has 4 columns"),
        ("Bucket,Key\n", "row 2 is of bucket 'Bucket'"),
        ("\ufeffb,k\n", "row 2 is of bucket"),
        ("\n", "row 2 has 0 columns"),
        ("b,\n", "row 2 has no key"),
        ("b,%ff\n", "row 2 key '%ff' is not form-encoded UTF-8"),
        ('b,"k\n', "row 2 unexpected end of data"),
    ],
)
def test_a_row_that_is_not_of_the_format_is_named(line: str, message: str) -> None:
    with pytest.raises(InvalidSource, match=message):
        parsed("b,k\n", line)


@pytest.mark.parametrize("place", [3, 4, 5, 6])
def test_a_value_of_another_type_is_refused(place: int) -> None:
    fields = ["b", "k", "v", "true", "false", "1", "2026-01-31T12:00:00.000Z", "e"]
    form = inventory_format(SCHEMA.partition(", StorageClass")[0])
    assert parsed(",".join(fields), form=form).entries
    fields[place] = "odd"
    with pytest.raises(InvalidSource, match="row 1 "):
        parsed(",".join(fields), form=form)


def report(**changes: Any) -> tuple[bytes, bytes]:
    document = {
        "sourceBucket": "b",
        "destinationBucket": "arn:aws:s3:::reports",
        "version": "2016-11-30",
        "creationTimestamp": "1514944800000",
        "fileFormat": "CSV",
        "fileSchema": SCHEMA,
        "files": [{"key": "x.csv.gz", "size": 2147483647, "MD5checksum": "f" * 32}],
    } | changes
    content = json.dumps(document).encode()
    return content, hashlib.md5(content, usedforsecurity=False).hexdigest().encode()


def read(content: bytes, checksum: bytes) -> Any:
    return parse_inventory(content, checksum=checksum, bucket_name="b", where="m", with_times=False)


def test_the_published_example_is_read() -> None:
    inventory = read(*report())
    [file] = inventory.files
    assert (file.key, file.size_bytes, file.md5) == ("x.csv.gz", 2147483647, "f" * 32)
    assert inventory.form.has("ETag")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sourceBucket": "other"}, "report of bucket 'other'"),
        ({"fileFormat": "ORC"}, "format ORC; only CSV and Parquet are read"),
        ({"fileFormat": "Parquet"}, "fileSchema is not that of a Parquet inventory"),
        ({"fileFormat": "Parquet", "fileSchema": "message s3.inventory { }"}, "not that of a Par"),
        ({"fileSchema": "Bucket, Size"}, "no column Key"),
        ({"fileSchema": "Bucket, Key, VersionId"}, "no column IsLatest and no IsDeleteMarker"),
        ({"fileSchema": "Bucket, Key, Key"}, "twice"),
        ({"files": 1}, "not the manifest.json"),
        ({"files": [{"key": "k", "size": 1}]}, "not the manifest.json"),
        ({"files": [{"key": "k", "size": 1, "MD5checksum": "1"}]}, "not the manifest.json"),
    ],
)
def test_another_report_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSource, match=message):
        read(*report(**changes))


def test_a_checksum_of_another_manifest_is_refused() -> None:
    content, checksum = report()
    with pytest.raises(InvalidSource, match="MD5"):
        read(content + b" ", checksum)
    with pytest.raises(InvalidSource, match="not the manifest"):
        read(b"[]", hashlib.md5(b"[]", usedforsecurity=False).hexdigest().encode())


def test_the_checksum_is_next_to_the_manifest() -> None:
    assert checksum_key("a/b/manifest.json") == "a/b/manifest.checksum"
    assert checksum_key("manifest.json") == "manifest.checksum"


@given(st.integers(0), st.integers(0), st.none() | st.text("0123456789abcdef-", min_size=1))
def test_a_position_survives_its_token(index: int, offset: int, e_tag: str | None) -> None:
    at = SourcePosition(file_index=index, offset=offset, e_tag=e_tag)
    assert position_of(at.token()) == at


@pytest.mark.parametrize("token", ["", "after a.jpg", "1 x e"])
def test_a_token_of_a_listing_is_no_position(token: str) -> None:
    with pytest.raises(InvalidSource):
        position_of(token)
