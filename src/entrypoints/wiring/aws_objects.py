"""Ports on AWS that engine and processor share: the customers' buckets, and the queues."""

from __future__ import annotations

from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.clients import Clients
from adapters.aws.ingest_queue import SqsIngestQueue
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.role_object_store import RoleObjectStore
from entrypoints.wiring.aws import AwsServices
from entrypoints.wiring.ports import ObjectPorts
from ports.clock import Clock


async def open_object_ports(services: AwsServices) -> ObjectPorts:
    """Return the ports, over the clients of `services`."""
    clients, clock = services.clients, services.ports.clock
    queue_url = services.settings.processor_queue_url
    return ObjectPorts(
        objects=_role_object_store(clients, clock),
        queue=SqsChunkQueue(await clients.sqs(), queue_url=queue_url),
        ingest_queue=SqsIngestQueue(clients.sqs, clock=clock),
    )


def _role_object_store(clients: Clients, clock: Clock) -> RoleObjectStore:
    """Return a store that opens a client for each role at the first bucket of that role."""

    async def open_store(role_arn: str | None) -> S3ObjectStore:
        return S3ObjectStore(await clients.s3(role_arn), clock=clock)

    return RoleObjectStore(open_store)
