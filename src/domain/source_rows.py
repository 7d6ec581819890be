"""The rows of a source of keys, as AWS publishes their formats; `parquet_rows` has the third one.

Both formats are CSV without a header, one row a line, with keys URL-encoded:

- S3 User Guide, "Creating an S3 Batch Operations job", "Specifying a manifest": "each row in the
  file must include the bucket name, object key, and optionally, the object version. Object keys
  must be URL-encoded".
- S3 User Guide, "Amazon S3 Inventory list": "When you're using the CSV file format, the key name is
  URL-encoded and must be decoded before you can use it".

S3 reads and writes `+` for a space there, and `%2B` for a plus sign. All read in 2026-11.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import InvalidManifest, InvalidSource
from domain.manifest import ManifestEntry, decode_invocation_key, parse_timestamp
from domain.shown import shown

MANIFEST_WIDTHS: Final = (2, 3)
"""Bucket and key, and maybe a version."""

_MANIFEST_COLUMNS: Final = {"Bucket": 0, "Key": 1}
_NEEDED: Final = ("Bucket", "Key")
_OF_VERSIONS: Final = ("IsLatest", "IsDeleteMarker")
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class RowFormat:
    """The columns of the rows: their places by name, and how many a row may have."""

    places: Mapping[str, int]
    widths: tuple[int, ...]

    def has(self, name: str) -> bool:
        """Return whether there is a column of this name."""
        return name in self.places


MANIFEST_FORMAT: Final = RowFormat(_MANIFEST_COLUMNS, MANIFEST_WIDTHS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRows:
    """The current objects that rows name, in the order of the rows, and how many name none."""

    entries: Sequence[ManifestEntry]
    not_current: int


def inventory_format(schema: str) -> RowFormat:
    """Return the format of an inventory's CSV files, from the `fileSchema` of its manifest.

    S3 User Guide, "Locating your inventory list": for CSV it is "Bucket, Key, VersionId, IsLatest,
    IsDeleteMarker, Size, LastModifiedDate, ETag, …". "Amazon S3 Inventory list": version ID and
    IsLatest are "not included if the list is configured only for the current version".

    Raises:
        InvalidSource: A column that is needed is missing, or there are two of a name.
    """
    names = [name.strip() for name in schema.split(",")]
    check_columns(names, schema)
    places = {name: place for place, name in enumerate(names)}
    return RowFormat(places, (len(names),))


def check_columns(names: Sequence[str], schema: str) -> None:
    """Check the names of an inventory's columns; `schema` is for the message.

    Raises:
        InvalidSource: A column that is needed is missing, or there are two of a name.
    """
    if len(set(names)) != len(names):
        raise InvalidSource(f"fileSchema names a column twice: {shown(schema)}")
    needed = (*_NEEDED, *(_OF_VERSIONS if "VersionId" in names else ()))
    missing = [name for name in needed if name not in names]
    if missing:
        raise InvalidSource(
            f"the inventory has no column {' and no '.join(missing)} (its fileSchema is"
            f" {shown(schema)}); configure an inventory that includes it"
        )


def parse_rows(
    lines: Sequence[str], form: RowFormat, *, bucket_name: str, where: str, first_row: int
) -> ParsedRows:
    """Parse rows, one a line.

    Args:
        lines: The lines, with or without their ends.
        form: Their columns.
        bucket_name: The bucket that all of them must be of.
        where: The file, for messages.
        first_row: The number of the first row, for messages.

    Raises:
        InvalidSource: A row is not of this format, or is of another bucket.
    """
    entries: list[ManifestEntry] = []
    not_current = 0
    try:
        for fields in csv.reader(lines, strict=True):
            if len(fields) not in form.widths:
                widths = " or ".join(map(str, form.widths))
                raise InvalidSource(f"has {len(fields)} columns, not {widths}")  # noqa: TRY301
            if fields[form.places["Bucket"]] != bucket_name:
                raise InvalidSource(  # noqa: TRY301
                    f"is of bucket '{shown(fields[form.places['Bucket']])}', and the connector's is"
                    f" '{bucket_name}'. A source has rows of one bucket, and no header"
                )
            if _is_current(fields, form):
                entries.append(_entry(fields, form))
            else:
                not_current += 1
    except (InvalidSource, InvalidManifest, ValueError, csv.Error) as error:
        number = first_row + len(entries) + not_current
        raise InvalidSource(f"{where}: row {number} {error}") from error
    if len(entries) + not_current != len(lines):
        raise InvalidSource(f"{where}: a row from {first_row} on has more than one line")
    return ParsedRows(entries=entries, not_current=not_current)


def _entry(fields: Sequence[str], form: RowFormat) -> ManifestEntry:
    places = form.places
    size = fields[places["Size"]] if "Size" in places else ""
    modified = fields[places["LastModifiedDate"]] if "LastModifiedDate" in places else ""
    e_tag = fields[places["ETag"]] if "ETag" in places else ""
    key = decode_invocation_key(fields[places["Key"]])
    if not key:
        raise InvalidSource("has no key")
    return ManifestEntry(
        key=key,
        size_bytes=_size(size) if size else None,
        last_modified=parse_timestamp(modified) if modified else None,
        e_tag=e_tag.strip('"') or None,
    )


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise InvalidSource(f"has the size '{shown(text)}'")
    return int(text)


def _is_current(fields: Sequence[str], form: RowFormat) -> bool:
    """Return whether the row is of an object's current version.

    S3 User Guide, "Amazon S3 Inventory list": IsLatest is True for "the current version of the
    object", and "Delete marker" True "if the object is a delete marker".
    """
    latest = _flag(fields, form, "IsLatest", default=True)
    return latest and not _flag(fields, form, "IsDeleteMarker", default=False)


def _flag(fields: Sequence[str], form: RowFormat, name: str, *, default: bool) -> bool:
    if not form.has(name):
        return default
    text = fields[form.places[name]]
    flag = _BOOLEANS.get(text.lower())
    if flag is None:
        raise InvalidSource(f"has '{shown(text)}' as {name}, not true or false")
    return flag
