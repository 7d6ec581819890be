"""The manifest: CSV rows, read in blocks.

This module depends neither on S3 (`storage`) nor on jobs (`runner`). The rules are those of
"Creating an S3 Batch Operations job" (S3 User Guide), and the error is that of
"Troubleshooting S3 Batch Operations" (InvalidManifestContent, the job fails): no header
row, UTF-8 without BOM, no blank lines, all rows in one bucket, keys URL-encoded. A header
is read as a row whose bucket is called "Bucket", so the job fails.
"""

import csv
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from adapters.local_aws.s3_batch_operations.errors import ManifestRejected
from adapters.local_aws.s3_batch_operations.job_spec import ManifestField
from adapters.local_aws.s3_batch_operations.settings import KeyFieldMeasure
from domain.bucket_name import bucket_name_error

KEY_FIELD_MAX = 1_024
"""Hard limit. "Invoke AWS Lambda function" (S3 User Guide): characters of the key field."""

_LINE_BYTES_MAX = 64 * 1024
"""A guess that bounds memory; valid rows are much shorter."""

# General purpose bucket naming rules (S3 User Guide), as far as they distinguish a bucket name from
# a header or a byte order mark.
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row, hence one task.

    Attributes:
        row_number: From 1, in manifest order.
        bucket: As in the manifest.
        key_field: The key field as in the manifest; the report contains it unchanged.
        key: The decoded key of the object.
        version_id: As in the manifest; None if there is no such column. If the field is empty,
            the task fails.
    """

    row_number: int
    bucket: str
    key_field: str
    key: str
    version_id: str | None


async def manifest_rows(
    blocks: AsyncIterator[bytes],
    fields: tuple[ManifestField, ...],
    measure: KeyFieldMeasure = KeyFieldMeasure.DECODED,
) -> AsyncGenerator[ManifestRow, None]:
    """Yield the rows of a manifest.

    Raises:
        ManifestRejected: With the code InvalidManifestContent, at the first bad row.
    """
    missing = [field for field in (ManifestField.BUCKET, ManifestField.KEY) if field not in fields]
    if missing:
        raise _invalid(f"Required fields are missing in the schema: {', '.join(missing)}")
    reader = _RowReader(fields, measure)
    async for line in _lines(blocks):
        yield reader.read(line)


async def _lines(blocks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Split blocks into records; a line feed between quotes belongs to its record."""
    rest = b""
    async for block in blocks:
        pieces = (rest + block).split(b"\n")
        rest = pieces.pop()
        record = b""
        for piece in pieces:
            record = record + b"\n" + piece if record else piece
            if record.count(b'"') % 2 == 0:
                # A guess from RFC 4180: a carriage return may precede the line feed.
                yield record.removesuffix(b"\r")
                record = b""
        rest = record + b"\n" + rest if record else rest
        if len(rest) > _LINE_BYTES_MAX:
            raise _invalid("Manifest file is not properly formatted")
    if rest:
        yield rest


class _RowReader:
    """Parses records, and checks that all have the same bucket."""

    def __init__(self, fields: tuple[ManifestField, ...], measure: KeyFieldMeasure) -> None:
        self._field_count = len(fields)
        self._bucket_index = fields.index(ManifestField.BUCKET)
        self._key_index = fields.index(ManifestField.KEY)
        self._version_index = (
            fields.index(ManifestField.VERSION_ID) if ManifestField.VERSION_ID in fields else None
        )
        self._measure = measure
        self._bucket: str | None = None
        self._row_count = 0

    def read(self, record: bytes) -> ManifestRow:
        self._row_count += 1
        values = self._split(record)
        if len(values) != self._field_count:
            raise _invalid(f"Unexpected number of task fields in row {self._row_count}")
        bucket = values[self._bucket_index]
        if bucket != self._bucket:
            self._check_bucket(bucket)
        key_field = values[self._key_index]
        version_index = self._version_index
        return ManifestRow(
            self._row_count,
            bucket,
            key_field,
            self._key(key_field),
            None if version_index is None else values[version_index],
        )

    def _split(self, record: bytes) -> list[str]:
        try:
            text = record.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _invalid(f"Row {self._row_count} is not UTF-8") from error
        if '"' not in text:
            return text.split(",")
        try:
            return next(csv.reader([text], strict=True))
        except csv.Error as error:
            raise _invalid(f"Row {self._row_count} is not well-formed CSV") from error

    def _check_bucket(self, bucket: str) -> None:
        if self._bucket is not None:
            raise _invalid(f"Row {self._row_count} names another bucket than the rows before it")
        if bucket_name_error(bucket) is not None:
            raise _invalid(
                f"Row {self._row_count} names {bucket[:80]!r}, which is not a bucket name"
            )
        self._bucket = bucket

    def _key(self, field: str) -> str:
        # Form style: "Invoke AWS Lambda function" (S3 User Guide) has the function decode
        # with unquote_plus, and a raw "+" in a manifest reaches it as a space.
        raw = field.replace("+", " ")
        if not raw or _BROKEN_ESCAPE.search(raw):
            raise _invalid(f"Invalid object key format in row {self._row_count}")
        try:
            key_bytes = unquote_to_bytes(raw)
            key = key_bytes.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _invalid(f"Invalid object key format in row {self._row_count}") from error
        size = len(field) if self._measure is KeyFieldMeasure.ENCODED else len(key_bytes)
        if size > KEY_FIELD_MAX:
            raise _invalid(f"The key in row {self._row_count} exceeds {KEY_FIELD_MAX} characters")
        return key


def _invalid(reason: str) -> ManifestRejected:
    return ManifestRejected("InvalidManifestContent", reason)
