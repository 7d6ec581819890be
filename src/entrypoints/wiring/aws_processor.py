"""The processor's app over AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.aws.catalog import DynamoCatalog
from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.ingest_bus import EventBridgeIngestBus
from entrypoints.wiring.apps import ProcessorApp, processor_app
from entrypoints.wiring.aws import OnRequest, open_foundation
from entrypoints.wiring.aws_objects import role_object_store


@asynccontextmanager
async def open_processor_app(on_request: OnRequest | None = None) -> AsyncIterator[ProcessorApp]:
    """Open what the processor needs; `on_request` is told of every call to AWS."""
    async with open_foundation(on_request) as base:
        settings, clients, container = base.settings, base.clients, base.container
        container.objects.override(role_object_store(clients, container.clock()))
        container.queue.override(
            SqsChunkQueue(await clients.sqs(), queue_url=settings.processor_queue_url)
        )
        container.catalog.override(
            DynamoCatalog(
                await clients.dynamodb(),
                settings.assets_table_name,
                asset_id_attribute=settings.assets_asset_id_attribute,
                index_name=settings.assets_asset_id_index,
                index_key_attribute=settings.assets_asset_id_index_key,
            )
        )
        container.bus.override(
            EventBridgeIngestBus(await clients.events(), bus_name=settings.ingest_event_bus_name)
        )
        yield processor_app(container, queue_name=settings.queue_name)
