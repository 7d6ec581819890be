"""The manifest and the chunk files: CSV rows of bucket, key, size, lastModified, and maybe ETag.

There is no header. Keys are percent-encoded (`quote`, slashes kept), because S3 Batch Operations
requires it (S3 User Guide, "Specifying a manifest") and because an encoded key holds no comma,
quote or line end: a row is always one line. The report of S3 Batch Operations has keys in this
form. The keys that it sends to Lambda are form-encoded, so there are two decoders.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_plus, unquote_to_bytes

from domain.errors import InvalidManifest

FIELDS = ("Bucket", "Key", "Ignore", "Ignore", "Ignore")
"""The manifest's columns for S3 Batch Operations, which ignores size, lastModified and ETag."""

FIELDS_BEFORE = FIELDS[:-1]
"""The columns of a manifest that an earlier version began: without the ETag."""

_FIELD_COUNT_WITH_E_TAG: Final = 5
_ESCAPES: Final = {code: quote(chr(code), safe="/") for code in range(128)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """An object as the listing returned it.

    `size_bytes` and `last_modified` may be unknown (None) in a chunk created from a completion
    report, which does not have them. `e_tag` (unquoted) is also None in a chunk of a job that does
    not compare it. `storage_class` is known only while an object is listed. `row` is the line from
    which the entry was read, if that had its line end: it is copied as it is.
    """

    key: str
    size_bytes: int | None
    last_modified: datetime | None
    e_tag: str | None = None
    storage_class: str | None = field(default=None, compare=False)
    row: bytes | None = field(default=None, compare=False, repr=False)


def encode_key(key: str) -> str:
    """Percent-encode a key for a manifest."""
    return key.translate(_ESCAPES) if key.isascii() else quote(key, safe="/")


def decode_key(encoded: str) -> str:
    """Decode what `encode_key` wrote: for manifests, chunk files and completion reports.

    Raises:
        InvalidManifest: The octets are not UTF-8.
    """
    try:
        return unquote_to_bytes(encoded).decode() if "%" in encoded else encoded
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"key {encoded!r} is not percent-encoded UTF-8") from error


def decode_invocation_key(encoded: str) -> str:
    """Decode the `s3Key` of a Lambda invocation, where S3 writes a space as `+`.

    Source: S3 User Guide, "Invoke AWS Lambda function" (its Python sample), and Powertools'
    recorded events.

    Raises:
        InvalidManifest: The octets are not UTF-8.
    """
    try:
        return unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"key {encoded!r} is not form-encoded UTF-8") from error


def encode_row(bucket_name: str, entry: ManifestEntry, *, with_e_tag: bool = False) -> bytes:
    """Return the entry as one line, including the line end; only if asked, with its ETag.

    A column whose value is not known is empty.
    """
    size = "" if entry.size_bytes is None else str(entry.size_bytes)
    modified = "" if entry.last_modified is None else format_timestamp(entry.last_modified)
    row = f"{bucket_name},{encode_key(entry.key)},{size},{modified}"
    if with_e_tag:
        row += f",{encode_key(entry.e_tag or '')}"
    return f"{row}\n".encode()


def decode_row(line: bytes) -> ManifestEntry:
    """Parse one line.

    Raises:
        InvalidManifest: The row does not have four or five fields, or one of them is not valid.
    """
    try:
        fields = line.decode().rstrip("\n").split(",")
        if len(fields) < _FIELD_COUNT_WITH_E_TAG:
            fields.append("")
        _bucket, key, size, modified, e_tag = fields
        return ManifestEntry(
            key=decode_key(key),
            size_bytes=int(size) if size else None,
            last_modified=parse_timestamp(modified) if modified else None,
            e_tag=decode_key(e_tag) if e_tag else None,
            row=line if line.endswith(b"\n") else None,
        )
    except ValueError as error:
        raise InvalidManifest(f"row {line[:200]!r}: {error}") from error


def format_timestamp(time: datetime) -> str:
    """Return an aware datetime in UTC, ISO 8601, in the format of all records and messages."""
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_timestamp(text: str) -> datetime:
    """Parse what `format_timestamp` wrote, or any ISO 8601 timestamp with an offset.

    Raises:
        ValueError: The text is not a timestamp, or has no offset.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it like 2026-01-31T12:00:00Z")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is not within the years 1 to 9999") from error
