"""The processor's app on AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.aws.catalog import DynamoCatalog
from adapters.aws.catalog_record import CatalogAttributes
from adapters.aws.clients import Clients
from adapters.aws.ingest_bus import EventBridgeIngestBus
from adapters.tags.catalog import TagsCatalog
from domain.profile import CatalogProfile
from entrypoints.settings import Settings
from entrypoints.wiring.apps import ProcessorApp, processor_app
from entrypoints.wiring.aws import OnRequest, open_aws_services
from entrypoints.wiring.aws_objects import open_object_ports
from entrypoints.wiring.ports import ProcessorPorts, container_over
from ports.catalog import Catalog


@asynccontextmanager
async def open_processor_app(on_request: OnRequest | None = None) -> AsyncIterator[ProcessorApp]:
    """Open what the processor needs; `on_request` is called for every AWS request."""
    async with open_aws_services(on_request) as services:
        settings, clients = services.settings, services.clients
        own = ProcessorPorts(
            catalog=await _catalog(settings, clients),
            bus=EventBridgeIngestBus(
                await clients.events(), bus_name=settings.ingest_event_bus_name
            ),
        )
        container = container_over(
            services.configuration, services.ports, await open_object_ports(services), own
        )
        yield processor_app(container, queue_name=settings.queue_name)


async def _catalog(settings: Settings, clients: Clients) -> Catalog:
    """Return the catalog of the profile."""
    if settings.catalog_profile is CatalogProfile.NONE:
        return TagsCatalog()
    names = settings.catalog
    return DynamoCatalog(
        await clients.dynamodb(),
        settings.assets_table_name,
        attributes=CatalogAttributes(
            asset_id=names.asset_id_attribute,
            storage_path=names.storage_path_attribute,
            e_tag=names.e_tag_attribute,
            size_bytes=names.size_attribute,
            last_modified=names.last_modified_attribute,
        ),
        asset_index_name=names.asset_id_index,
        asset_index_key_attribute=names.asset_id_index_key,
        path_index_name=names.storage_path_index,
        path_index_key_attribute=names.storage_path_index_key,
    )
