"""Rows of the report on orphans: records of the catalog whose objects do not exist.

A row is a line of CSV. Values are percent-encoded as keys in manifests are, so no value has a
comma, a quote or a line end. The first line has the names of the columns.

While records are sorted, a row begins with its key as rows of an index do, so that both have one
order; the rest is that of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.catalog import CatalogRecord, storage_path
from domain.errors import InvalidManifest
from domain.index_rows import KEY_END, decode_sort_key, encode_sort_key
from domain.manifest import decode_key, encode_key, format_timestamp, parse_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanRow:
    """A record of the catalog, with the key of the object that it is about.

    The other values are those of the record; None if it does not have them.
    """

    key: str
    inventory_id: str
    asset_id: str | None = None
    e_tag: str | None = None
    size_bytes: int | None = None
    last_modified: datetime | None = None


COLUMNS: Final = ("key", "inventoryId", "assetId", "eTag", "size", "lastModified")
HEADER: Final = (",".join(COLUMNS) + "\n").encode()


def row_of_record(
    record: CatalogRecord, bucket_name: str, prefixes: Sequence[str]
) -> OrphanRow | None:
    """Return the row of a record of an object under these prefixes of a bucket.

    None if it is about another place, or about none. No object has an empty key.
    """
    start = storage_path(bucket_name, "")
    path = record.storage_path or ""
    key = path.removeprefix(start)
    if not path.startswith(start) or not key or not key.startswith(tuple(prefixes)):
        return None
    return OrphanRow(
        key=key,
        inventory_id=record.inventory_id,
        asset_id=record.asset_id,
        e_tag=record.e_tag,
        size_bytes=record.size_bytes,
        last_modified=record.last_modified,
    )


def encode_orphan(row: OrphanRow) -> bytes:
    """Return the row as one line, including the line end."""
    return encode_key(row.key).encode() + b"," + _rest(row)


def decode_orphan(line: bytes) -> OrphanRow:
    """Parse what `encode_orphan` wrote.

    Raises:
        InvalidManifest: The line is not such a row.
    """
    try:
        values = map(decode_key, line.decode().rstrip("\n").split(","))
        key, inventory_id, asset_id, e_tag, size, modified = values
        return OrphanRow(
            key=key,
            inventory_id=inventory_id,
            asset_id=asset_id or None,
            e_tag=e_tag or None,
            size_bytes=int(size) if size else None,
            last_modified=parse_timestamp(modified) if modified else None,
        )
    except ValueError as error:
        raise InvalidManifest(f"row {line[:200]!r}: {error}") from error


def encode_sorted(row: OrphanRow) -> bytes:
    """Return the row as it is sorted with others, including the line end."""
    return encode_sort_key(row.key) + KEY_END + _rest(row)


def sorted_key(line: bytes) -> str:
    """Return the key of what `encode_sorted` returned."""
    return decode_sort_key(line.partition(KEY_END)[0])


def report_line(key: str, line: bytes) -> bytes:
    """Return the line of the report for what `encode_sorted` returned, without its line end."""
    return encode_key(key).encode() + b"," + line.partition(KEY_END)[2] + b"\n"


def _rest(row: OrphanRow) -> bytes:
    values = (
        row.inventory_id,
        row.asset_id or "",
        row.e_tag or "",
        "" if row.size_bytes is None else str(row.size_bytes),
        "" if row.last_modified is None else format_timestamp(row.last_modified),
    )
    return (",".join(map(encode_key, values)) + "\n").encode()
