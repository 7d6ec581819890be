"""The rows of the Parquet files of S3 Inventory, as AWS publishes their format.

- S3 User Guide, "Locating your inventory list": the `fileSchema` of their manifest.json is
  "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); optional binary
  version_id (UTF8); optional boolean is_latest; … optional int64 last_modified_date
  (TIMESTAMP_MILLIS); …". Reports have the newer names of these annotations too: `(STRING)`, and
  `(TIMESTAMP(MILLIS,true))`.
- S3 User Guide, "Amazon S3 Inventory list": "When you're using the CSV file format, the key name is
  URL-encoded and must be decoded before you can use it". It says this of CSV alone: here a key is
  as it is.

Read in 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.errors import InvalidSource
from domain.manifest import ManifestEntry
from domain.shown import shown
from domain.source_rows import ParsedRows, RowFormat, check_columns

# The columns that are used, by the names that the inventory's configuration and CSV have.
_COLUMNS: Final = {
    "bucket": "Bucket",
    "key": "Key",
    "version_id": "VersionId",
    "is_latest": "IsLatest",
    "is_delete_marker": "IsDeleteMarker",
    "size": "Size",
    "last_modified_date": "LastModifiedDate",
    "e_tag": "ETag",
}
_NAMES: Final = {name: column for column, name in _COLUMNS.items()}
_MESSAGE: Final = re.compile(r"\s*message\s+[\w.]+\s*\{(.*)\}\s*", re.DOTALL)
_FIELD: Final = re.compile(r"\s*(?:required|optional)\s+[\w()]+\s+(\w+)\s*(?:\(.*\))?\s*")


def parquet_format(schema: str) -> RowFormat:
    """Return the columns that are read, from the `fileSchema` of the manifest.

    Raises:
        InvalidSource: It is no such schema, a column that is needed is missing, or there are two
            of a name.
    """
    message = _MESSAGE.fullmatch(schema)
    fields = message[1].split(";") if message else [""]
    found = [_FIELD.fullmatch(field) for field in fields if field.strip()]
    columns = [field[1] for field in found if field]
    if not columns or len(columns) != len(found):
        raise InvalidSource(f"fileSchema is not that of a Parquet inventory: {shown(schema)}")
    names = [_COLUMNS[column] for column in columns if column in _COLUMNS]
    check_columns(names, schema)
    # Rows are current or not by the two other columns.
    used = [name for name in names if name != "VersionId"]
    return RowFormat({name: place for place, name in enumerate(used)}, (len(used),))


def parquet_columns(form: RowFormat) -> list[str]:
    """Return the names of the columns in the file, in the order of a row."""
    return [_NAMES[name] for name in sorted(form.places, key=form.places.__getitem__)]


def parse_values(
    rows: Sequence[Sequence[object]],
    form: RowFormat,
    *,
    bucket_name: str,
    where: str,
    first_row: int,
) -> ParsedRows:
    """Parse rows of values.

    Args:
        rows: The rows; each has the values of `parquet_columns`.
        form: Their columns.
        bucket_name: The bucket that all of them must be of.
        where: The file, for messages.
        first_row: The number of the first row, for messages.

    Raises:
        InvalidSource: A value is of another type, or a row is of another bucket.
    """
    entries: list[ManifestEntry] = []
    not_current = 0
    for number, values in enumerate(rows, first_row):
        try:
            row = _Row(values, form)
            bucket = row.text("Bucket")
            if bucket != bucket_name:
                raise InvalidSource(  # noqa: TRY301
                    f"is of bucket '{shown(bucket or '')}', and the connector's is '{bucket_name}'"
                )
            if row.flag("IsLatest", default=True) and not row.flag("IsDeleteMarker", default=False):
                entries.append(row.entry())
            else:
                not_current += 1
        except InvalidSource as error:
            raise InvalidSource(f"{where}: row {number} {error}") from error
    return ParsedRows(entries=entries, not_current=not_current)


class _Row:
    """The values of a row, each of the type that the format says."""

    def __init__(self, values: Sequence[object], form: RowFormat) -> None:
        self._values = values
        self._places = form.places

    def entry(self) -> ManifestEntry:
        key = self.text("Key")
        if not key:
            raise InvalidSource("has no key")
        e_tag = self.text("ETag")
        return ManifestEntry(
            key=key,
            size_bytes=self._size(),
            last_modified=self._time(),
            e_tag=(e_tag or "").strip('"') or None,
        )

    def text(self, name: str) -> str | None:
        value = self._value(name)
        if value is None or isinstance(value, str):
            return value
        raise _wrong(name, value, "text")

    def flag(self, name: str, *, default: bool) -> bool:
        if name not in self._places:
            return default
        value = self._value(name)
        if isinstance(value, bool):
            return value
        raise _wrong(name, value, "true or false")

    def _size(self) -> int | None:
        value = self._value("Size")
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise _wrong("Size", value, "a number of bytes")

    def _time(self) -> datetime | None:
        value = self._value("LastModifiedDate")
        if value is None or isinstance(value, datetime):
            return value
        raise _wrong("LastModifiedDate", value, "a time (TIMESTAMP)")

    def _value(self, name: str) -> object:
        place = self._places.get(name)
        return None if place is None else self._values[place]


def _wrong(name: str, value: object, wanted: str) -> InvalidSource:
    return InvalidSource(f"has '{shown(str(value))}' as {name}, not {wanted}")
