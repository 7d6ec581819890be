"""The JSON form of removals: one shape for the API, the CLI and summary.json."""

from __future__ import annotations

from typing import Any, Final

from domain.manifest import format_timestamp
from domain.removal_rows import RemovalRow
from domain.removal_settings import Removals
from domain.removal_work import RemovalWork

Json = dict[str, Any]

ROW_FIELDS: Final = (
    "objectKey",
    "state",
    "eTag",
    "size",
    "assetId",
    "inventoryId",
    "lastSeenJobId",
    "newObjectKey",
    "eventId",
)
"""The fields of `removal_row_view`, in its order."""


def settings_view(removals: Removals) -> Json:
    """Return the settings of a connector in the API's form."""
    return {
        "announce": removals.announce,
        "maxShare": float(removals.max_share),
        "maxCount": removals.max_count,
        "minCount": removals.min_count,
    }


def removals_view(work: RemovalWork) -> Json:
    """Return a comparison in the API's form."""
    counts = work.counts
    return {
        "status": work.status.value,
        "reason": work.reason,
        "baselineJobId": work.baseline_job_id,
        "seenBefore": counts.seen_before,
        "seenNow": counts.seen_now,
        "missing": counts.missing,
        "removed": counts.removed,
        "moved": counts.moved,
        "returned": counts.returned,
        "outOfScope": counts.out_of_scope,
        "announced": counts.announced,
        "confirmedAt": None if work.confirmed_at is None else format_timestamp(work.confirmed_at),
    }


def removal_row_view(row: RemovalRow) -> Json:
    """Return a row of the report in the API's form."""
    return {
        "objectKey": row.key,
        "state": row.state.value,
        "eTag": row.e_tag,
        "size": row.size_bytes,
        "assetId": row.asset_id,
        "inventoryId": row.inventory_id,
        "lastSeenJobId": row.last_seen_in,
        "newObjectKey": row.new_key,
        "eventId": row.event_id,
    }
