"""Manifest rows: what is read, what fails the job, and that memory stays flat."""

import tracemalloc
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from adapters.local_aws.s3_batch_operations import KeyFieldMeasure
from adapters.local_aws.s3_batch_operations.errors import ManifestRejected
from adapters.local_aws.s3_batch_operations.job_spec import ManifestField
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow, manifest_rows

BUCKET, KEY, VERSION_ID, IGNORE = (
    ManifestField.BUCKET,
    ManifestField.KEY,
    ManifestField.VERSION_ID,
    ManifestField.IGNORE,
)


async def blocks(body: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(
    body: str | bytes,
    *fields: ManifestField,
    measure: KeyFieldMeasure = KeyFieldMeasure.DECODED,
    block_bytes: int = 7,
) -> list[ManifestRow]:
    content = body.encode() if isinstance(body, str) else body
    rows = manifest_rows(blocks(content, block_bytes), fields or (BUCKET, KEY), measure)
    return [row async for row in rows]


async def reason(body: str | bytes, *fields: ManifestField) -> str:
    with pytest.raises(ManifestRejected) as caught:
        await read(body, *fields)
    assert caught.value.code == "InvalidManifestContent"
    return caught.value.reason


@pytest.mark.parametrize("block_bytes", [1, 2, 7, 1000])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
async def test_rows_do_not_depend_on_where_blocks_end(block_bytes: int, end: str) -> None:
    lines = ["photos,a%20b.jpg", 'photos,"c,d"', 'photos,"e""f\ng"', "photos,h"]
    rows = await read("\n".join(lines) + end, block_bytes=block_bytes)
    assert [row.key_field for row in rows] == ["a%20b.jpg", "c,d", 'e"f\ng', "h"]
    assert [row.row_number for row in rows] == [1, 2, 3, 4]


async def test_fields_are_found_by_their_declared_position() -> None:
    rows = await read("123,v1,a,photos\n", IGNORE, VERSION_ID, KEY, BUCKET)
    assert rows == [ManifestRow(1, "photos", "a", "a", "v1")]


async def test_two_ignored_columns_are_two_columns() -> None:
    (row,) = await read("photos,a,1,2\n", BUCKET, KEY, IGNORE, IGNORE)
    assert row.key == "a"


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("a%20b", "a b"),
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("100%25", "100%"),
        ("%C3%A9", "é"),
        ("é", "é"),
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("pct%2520", "pct%20"),
    ],
)
async def test_keys_are_decoded_and_the_field_is_kept(field: str, key: str) -> None:
    (row,) = await read(f"photos,{field}\n")
    assert (row.key_field, row.key) == (field, key)


@pytest.mark.parametrize("field", ["100%", "%zz", "%C3", "%FF", ""])
async def test_an_undecodable_key_fails_the_job(field: str) -> None:
    assert await reason(f"photos,{field}\n") == "Invalid object key format in row 1"


async def test_wrong_number_of_fields_fails_the_job() -> None:
    assert await reason("photos,a\nphotos\n") == "Unexpected number of task fields in row 2"
    assert await reason("photos,a,v\n") == "Unexpected number of task fields in row 1"


async def test_a_blank_line_is_a_row_with_too_few_fields() -> None:
    assert await reason("photos,a\n\nphotos,b\n") == "Unexpected number of task fields in row 2"


async def test_a_header_is_read_as_a_bucket_name() -> None:
    for header in ("Bucket,Key", "bucket,key"):
        assert await reason(f"{header}\nphotos,a\n") == (
            "Row 2 names another bucket than the rows before it"
        )


@pytest.mark.parametrize("bucket", ["My_Archive", "A" * 255, "a.b-c"])
async def test_a_bucket_may_have_a_name_from_before_2018(bucket: str) -> None:
    [row] = await read(f"{bucket},a\n")
    assert row.bucket == bucket


@pytest.mark.parametrize("bucket", ["a..b", "192.168.1.1", "media--x-s3", "A" * 256, "ab"])
async def test_a_name_that_no_bucket_has_fails_the_job(bucket: str) -> None:
    assert "not a bucket name" in await reason(f"{bucket},a\n")


async def test_all_rows_are_in_one_bucket() -> None:
    assert "another bucket" in await reason("photos,a\nphotos,b\nvideos,c\n")


async def test_a_byte_order_mark_spoils_the_first_bucket() -> None:
    assert "not a bucket name" in await reason(b"\xef\xbb\xbfphotos,a\n")


async def test_a_manifest_is_utf_8() -> None:
    assert await reason("photos,é\n".encode("latin-1")) == "Row 1 is not UTF-8"


async def test_schema_needs_bucket_and_key() -> None:
    assert await reason("a\n", KEY) == "Required fields are missing in the schema: Bucket"


async def test_key_length_is_counted_as_configured() -> None:
    field = quote("é" * 512)
    (row,) = await read(f"photos,{field}\n")
    assert len(row.key.encode()) == 1_024
    with pytest.raises(ManifestRejected, match="exceeds 1024 characters"):
        await read(f"photos,{field}\n", measure=KeyFieldMeasure.ENCODED)
    with pytest.raises(ManifestRejected, match="exceeds 1024 characters"):
        await read("photos," + "a" * 1_025)


async def test_a_line_without_end_does_not_fill_memory() -> None:
    assert await reason(b'photos,"' + b"a" * 200_000) == "Manifest file is not properly formatted"


async def peak_bytes(row_count: int) -> int:
    line = b"photos,some/ordinary/key/of/an/object.jpg\n"

    async def body() -> AsyncIterator[bytes]:
        for _ in range(row_count // 1_000):
            yield line * 1_000

    tracemalloc.start()
    try:
        async for _ in manifest_rows(body(), (BUCKET, KEY)):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_memory_does_not_grow_with_the_number_of_rows() -> None:
    assert await peak_bytes(100_000) < 1.2 * await peak_bytes(5_000)
