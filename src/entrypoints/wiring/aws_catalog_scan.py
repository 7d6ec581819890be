"""The scan of the catalog on AWS: by the engine, and its size for the API."""

from __future__ import annotations

from adapters.aws.catalog_record import CatalogAttributes
from adapters.aws.catalog_scan import DynamoCatalogScan
from adapters.aws.clients import Clients
from adapters.tags.catalog_scan import EmptyCatalogScan
from domain.profile import CatalogProfile
from entrypoints.settings import Settings
from ports.catalog_scan import CatalogScan


async def open_catalog_scan(settings: Settings, clients: Clients) -> CatalogScan:
    """Return the scan of the profile's catalog."""
    if settings.catalog_profile is CatalogProfile.NONE:
        return EmptyCatalogScan()
    return DynamoCatalogScan(
        await clients.dynamodb(),
        settings.assets_table_name,
        attributes=catalog_attributes(settings),
    )


def catalog_attributes(settings: Settings) -> CatalogAttributes:
    """Return where a record has its values."""
    names = settings.catalog
    return CatalogAttributes(
        asset_id=names.asset_id_attribute,
        storage_path=names.storage_path_attribute,
        e_tag=names.e_tag_attribute,
        size_bytes=names.size_attribute,
        last_modified=names.last_modified_attribute,
    )
