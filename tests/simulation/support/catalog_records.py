"""The local Media Lake's records in the form of the catalog port."""

from __future__ import annotations

from datetime import datetime

from adapters.local_aws.asset_system.medialake.values import Record
from domain.catalog import CatalogRecord


def catalog_record(record: Record) -> CatalogRecord:
    """Return the record in the form of the port."""
    modified = record.last_modified
    return CatalogRecord(
        inventory_id=record.inventory_id,
        asset_id=record.asset_id,
        storage_path=record.storage_path,
        e_tag=record.etag,
        size_bytes=record.size,
        last_modified=datetime.fromisoformat(modified) if modified else None,
    )
