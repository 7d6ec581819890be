"""The JSON form of orphans: one shape for the API, the CLI and summary.json."""

from __future__ import annotations

from typing import Any, Final

from domain.manifest import format_timestamp
from domain.orphan_rows import OrphanRow
from domain.orphan_work import OrphanWork

Json = dict[str, Any]

ROW_FIELDS: Final = ("objectKey", "inventoryId", "assetId", "eTag", "size", "lastModified")
"""The fields of `orphan_row_view`, in its order."""


def orphans_view(work: OrphanWork) -> Json:
    """Return a search in the API's form."""
    counts = work.counts
    return {
        "status": work.status.value,
        "reason": work.reason,
        "number": work.number,
        "requestedAt": format_timestamp(work.requested_at),
        "recordsScanned": counts.scanned,
        "recordsWithoutPath": counts.without_path,
        "recordsInScope": counts.in_scope,
        "unlisted": counts.unlisted,
        "existing": counts.existing,
        "orphans": counts.orphans,
    }


def orphan_row_view(row: OrphanRow) -> Json:
    """Return a row of the report in the API's form."""
    modified = row.last_modified
    return {
        "objectKey": row.key,
        "inventoryId": row.inventory_id,
        "assetId": row.asset_id,
        "eTag": row.e_tag,
        "size": row.size_bytes,
        "lastModified": None if modified is None else format_timestamp(modified),
    }
