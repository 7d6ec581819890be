"""Recognising an object that the system has without reading its tags.

The evidence is a record in the catalog of exactly the listed version: at the object's storage path,
with an asset, and with the version's ETag, size and modification time. The system wrote these when
it processed that version, so there is nothing to ingest.

Modification times have a resolution of one second in S3. Two things are not visible in a listing:

- Someone changed or removed the tags of the version after the system processed it. Writing tags
  does not change an object's modification time.
- The object was replaced by the same bytes without its tags, and the system recorded the new
  modification time. Media Lake does (v1.18.3, lambdas/ingest/s3/index.py, process_asset).

With `Verify.TAGS`, a sync writes the missing tags again in both cases. So a sync that relies on the
catalog never misses content, only lost tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.catalog import CatalogRecord
from domain.decision import Decision, Reason
from domain.errors import InvalidManifest
from domain.manifest import (
    ManifestEntry,
    decode_key,
    encode_key,
    format_timestamp,
    parse_timestamp,
)
from domain.outcome import Outcome, OutcomeKind

_RESOLUTION_S = 1
_FIELD_COUNT: Final = 6
_FIELD_COUNT_BEFORE: Final = 3


def encode_known(outcome: Outcome, entry: ManifestEntry) -> bytes:
    """Return a known object as a line: its key and ids, and how it is listed; percent-encoded."""
    modified = entry.last_modified
    values = (
        outcome.key,
        outcome.asset_id or "",
        outcome.inventory_id or "",
        "" if entry.size_bytes is None else str(entry.size_bytes),
        "" if modified is None else format_timestamp(modified),
        entry.e_tag or "",
    )
    return (",".join(map(encode_key, values)) + "\n").encode()


def decode_known(line: bytes) -> Outcome:
    """Return the outcome of a line that `encode_known` wrote.

    Raises:
        InvalidManifest: The line is not valid.
    """
    key, asset_id, inventory_id, *_ = _known_fields(line)
    return _known(key, asset_id, inventory_id)


def decode_known_entry(line: bytes) -> ManifestEntry:
    """Return how a line that `encode_known` wrote lists its object.

    Raises:
        InvalidManifest: The line is not valid.
    """
    key, _, _, size, modified, e_tag = _known_fields(line)
    try:
        return ManifestEntry(
            key=key,
            size_bytes=int(size) if size else None,
            last_modified=parse_timestamp(modified) if modified else None,
            e_tag=e_tag or None,
        )
    except ValueError as error:
        raise InvalidManifest(f"row {line[:200]!r}: {error}") from error


def _known_fields(line: bytes) -> list[str]:
    """Return the six fields of a line; earlier versions wrote the first three."""
    try:
        fields = [decode_key(field) for field in line.decode().rstrip("\n").split(",")]
    except ValueError as error:
        raise InvalidManifest(f"row {line[:200]!r}: {error}") from error
    if len(fields) == _FIELD_COUNT_BEFORE:
        fields += ["", "", ""]
    if len(fields) != _FIELD_COUNT:
        raise InvalidManifest(f"row {line[:200]!r} does not have {_FIELD_COUNT} fields")
    return fields


def _known(key: str, asset_id: str, inventory_id: str) -> Outcome:
    return Outcome(
        key=key,
        kind=OutcomeKind.SKIPPED,
        reason=Reason.ASSET_KNOWN,
        decision=Decision.SKIP,
        asset_id=asset_id,
        inventory_id=inventory_id,
        as_listed=True,
    )


def known_as_listed(
    entry: ManifestEntry, storage_path: str, records: Sequence[CatalogRecord]
) -> Outcome | None:
    """Return the outcome of an object that the system has as it is listed, else None.

    Args:
        entry: The object. A listing without ETag, size or time proves nothing.
        storage_path: Its storage path.
        records: The catalog's records of it. More than one is a doubt: its tags show which of them
            is its own.
    """
    if len(records) != 1:
        return None
    (record,) = records
    if record.asset_id is None or not _describes(record, entry, storage_path):
        return None
    return _known(entry.key, record.asset_id, record.inventory_id)


def _describes(record: CatalogRecord, entry: ManifestEntry, storage_path: str) -> bool:
    if record.last_modified is None or entry.last_modified is None:
        return False
    if record.e_tag is None or record.size_bytes is None:
        return False
    age_s = abs((record.last_modified - entry.last_modified).total_seconds())
    return (
        record.storage_path == storage_path
        and record.e_tag == entry.e_tag
        and record.size_bytes == entry.size_bytes
        and age_s < _RESOLUTION_S
    )
