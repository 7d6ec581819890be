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

from domain.catalog import CatalogRecord
from domain.decision import Decision, Reason
from domain.errors import InvalidManifest
from domain.manifest import ManifestEntry, decode_key, encode_key
from domain.outcome import Outcome, OutcomeKind

_RESOLUTION_S = 1


def encode_known(outcome: Outcome) -> bytes:
    """Return the outcome of a known object as a line: its key and its ids, percent-encoded."""
    ids = (outcome.asset_id or "", outcome.inventory_id or "")
    return (",".join(map(encode_key, (outcome.key, *ids))) + "\n").encode()


def decode_known(line: bytes) -> Outcome:
    """Parse what `encode_known` wrote.

    Raises:
        InvalidManifest: The line is not valid.
    """
    try:
        key, asset_id, inventory_id = map(decode_key, line.decode().rstrip("\n").split(","))
    except ValueError as error:
        raise InvalidManifest(f"row {line[:200]!r}: {error}") from error
    return _known(key, asset_id, inventory_id)


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
