"""Customers' buckets over AWS, for the functions that touch them."""

from __future__ import annotations

from adapters.aws.clients import Clients
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.role_object_store import RoleObjectStore
from ports.clock import Clock


def role_object_store(clients: Clients, clock: Clock) -> RoleObjectStore:
    """Return a store that opens a client for each role when it meets a bucket of that role."""

    async def open_store(role_arn: str | None) -> S3ObjectStore:
        return S3ObjectStore(await clients.s3(role_arn), clock=clock)

    return RoleObjectStore(open_store)
