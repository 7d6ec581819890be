"""The processor's app on AWS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.aws.ingest_bus import EventBridgeIngestBus
from entrypoints.wiring.aws import UNOBSERVED, Observers, open_aws_services
from entrypoints.wiring.aws_objects import open_object_ports
from entrypoints.wiring.ports import ProcessorPorts, container_over
from entrypoints.wiring.processor_app import ProcessorApp, ProcessorUseCases, processor_app


@asynccontextmanager
async def open_processor_app(observers: Observers = UNOBSERVED) -> AsyncIterator[ProcessorApp]:
    """Open what the processor needs."""
    async with (
        open_aws_services(observers) as services,
        open_object_ports(services) as object_ports,
    ):
        settings, clients = services.settings, services.clients
        await clients.events()  # most invocations need it: it is opened with the others
        own = ProcessorPorts(
            bus=EventBridgeIngestBus(clients.events, bus_name=settings.ingest_event_bus_name),
        )
        container = container_over(
            ProcessorUseCases, services.configuration, services.ports, object_ports, own
        )
        yield processor_app(container, queue_name=settings.queue_name)
