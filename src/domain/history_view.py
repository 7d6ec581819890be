"""The JSON form of a look at an object: one shape for the API and the CLI."""

from __future__ import annotations

from typing import Any

from domain.catalog import CatalogRecord
from domain.manifest import format_timestamp
from domain.object_look import Looked, ObjectLook, rules_of
from domain.outcome import Outcome
from domain.views import outcome_view

Json = dict[str, Any]


def look_view(look: ObjectLook) -> Json:
    """Return the look in the API's form."""
    seen = look.seen
    return {
        "exists": look.exists,
        "object": seen
        and {
            "size": seen.size_bytes,
            "eTag": seen.e_tag,
            "lastModified": format_timestamp(seen.last_modified),
            "versionId": seen.version_id,
            "storageClass": seen.storage_class,
            "contentType": seen.content_type,
        },
        "tags": None if look.tags is None else dict(look.tags),
        "catalogRecords": None if look.records is None else list(map(_record_view, look.records)),
        "nextSync": None if look.outcome is None else ruled_outcome_view(look.outcome),
        "notRead": [
            {"what": part.value, "reason": look.unread[part]}
            for part in Looked
            if part in look.unread
        ],
    }


def ruled_outcome_view(outcome: Outcome) -> Json:
    """Return an outcome with the rows of the decision table that may have led to it."""
    return {**outcome_view(outcome), "rules": rules_of(outcome.reason)}


def _record_view(record: CatalogRecord) -> Json:
    modified = record.last_modified
    return {
        "inventoryId": record.inventory_id,
        "assetId": record.asset_id,
        "storagePath": record.storage_path,
        "eTag": record.e_tag,
        "size": record.size_bytes,
        "lastModified": None if modified is None else format_timestamp(modified),
    }
