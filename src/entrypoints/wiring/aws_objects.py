"""Ports on AWS that engine and processor share: the customers' buckets, catalog and queues."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.aws.catalog import CatalogIndex, DynamoCatalog
from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.clients import Clients
from adapters.aws.ingest_queue import SqsIngestQueue
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.role_object_store import RoleObjectStore
from adapters.tags.catalog import TagsCatalog
from domain.profile import CatalogProfile
from entrypoints.settings import Settings
from entrypoints.wiring.aws import AwsServices
from entrypoints.wiring.aws_catalog_scan import catalog_attributes
from entrypoints.wiring.ports import ObjectPorts
from ports.catalog import Catalog
from ports.clock import Clock


@asynccontextmanager
async def open_object_ports(services: AwsServices) -> AsyncIterator[ObjectPorts]:
    """Yield the ports, over the clients of `services`."""
    clients, clock = services.clients, services.ports.clock
    queue_url = services.settings.processor_queue_url
    yield ObjectPorts(
        objects=_role_object_store(clients, clock),
        catalog=await _catalog(services.settings, clients),
        queue=SqsChunkQueue(await clients.sqs(), queue_url=queue_url),
        ingest_queue=SqsIngestQueue(clients.sqs, open_metrics=clients.cloudwatch, clock=clock),
    )


def _role_object_store(clients: Clients, clock: Clock) -> RoleObjectStore:
    """Return a store that opens a client for each role at the first bucket of that role."""

    async def open_store(role_arn: str | None) -> S3ObjectStore:
        return S3ObjectStore(await clients.s3(role_arn), clock=clock)

    return RoleObjectStore(open_store)


async def _catalog(settings: Settings, clients: Clients) -> Catalog:
    """Return the catalog of the profile."""
    if settings.catalog_profile is CatalogProfile.NONE:
        return TagsCatalog()
    names = settings.catalog
    return DynamoCatalog(
        await clients.dynamodb(),
        settings.assets_table_name,
        attributes=catalog_attributes(settings),
        asset_index=_index(names.asset_id_index, names.asset_id_index_key),
        path_index=_index(names.storage_path_index, names.storage_path_index_key),
    )


def _index(name: str, key_attribute: str) -> CatalogIndex | None:
    return CatalogIndex(name, key_attribute) if name else None
