"""The contract of ports.object_store: the bucket's owner, and the role for access."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Protocol

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.role_object_store import RoleObjectStore
from adapters.memory.buckets import MemoryBuckets
from adapters.memory.object_store import MemoryObjectStore
from adapters.memory.system import ManualClock
from domain.bucket_report import Setting
from domain.connector import Bucket
from domain.customer_object import ObjectHead
from ports.errors import AccessDenied
from ports.object_store import ObjectStore

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWNER = "210987654321"
ROLE_ARN = f"arn:aws:iam::{OWNER}:role/teams/media"
ANOTHER_ROLE_ARN = "arn:aws:iam::333333333333:role/media"


class World(Protocol):
    """A bucket of another account with one object, `a`; only a role of its owner has access."""

    store: ObjectStore
    bucket: Bucket


class MemoryWorld:
    def __init__(self, name: str, clock: ManualClock) -> None:
        self.bucket = Bucket(name=name, expected_owner=OWNER, role_arn=ROLE_ARN)
        buckets = MemoryBuckets(clock)
        buckets.create(name, owner=OWNER).role_arn = ROLE_ARN
        buckets.put(name, "a", b"content")
        self.store: ObjectStore = MemoryObjectStore(buckets)


class AwsWorld:
    def __init__(self, name: str, clients: Clients, clock: ManualClock) -> None:
        self.bucket = Bucket(name=name, expected_owner=OWNER, role_arn=ROLE_ARN)

        async def open_store(role_arn: str | None) -> ObjectStore:
            return S3ObjectStore(await clients.s3(role_arn), clock=clock)

        self.store: ObjectStore = RoleObjectStore(open_store)


@pytest.fixture
def memory_world(unique_name: str, clock: ManualClock) -> MemoryWorld:
    return MemoryWorld(unique_name, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def aws_world(
    unique_name: str, clients: Clients, cloud_environment: None, clock: ManualClock
) -> AwsWorld:
    owner = await clients.s3(ROLE_ARN)
    await owner.create_bucket(Bucket=unique_name)
    await owner.put_object(
        Bucket=unique_name, Key="a", Body=b"content", ServerSideEncryption="AES256"
    )
    return AwsWorld(unique_name, clients, clock)


@pytest.fixture(params=["memory", "aws"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(f"{request.param}_world")
    return chosen


async def _list(store: ObjectStore, bucket: Bucket, _: ObjectHead) -> Any:
    return [page async for page in store.list_objects(bucket, prefix="", start_after=None)]


CALLS: dict[str, Callable[[ObjectStore, Bucket, ObjectHead], Awaitable[Any]]] = {
    "inspect": lambda store, bucket, _: store.inspect(bucket),
    "setting": lambda store, bucket, _: store.setting(bucket, Setting.NOTIFICATIONS),
    "list_objects": _list,
    "read_tags": lambda store, bucket, _: store.read_tags(bucket, "a"),
    "head": lambda store, bucket, _: store.head(bucket, "a"),
    "write_tags": lambda store, bucket, head: store.write_tags(bucket, head, {"x": "1"}),
    "access": lambda store, bucket, head: store.access(bucket, head),
    "create_multipart_copy": lambda store, bucket, head: store.create_multipart_copy(
        bucket, head, {}
    ),
    "copy_in_place": lambda store, bucket, head: store.copy_in_place(bucket, head, {"x": "1"}),
}

every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


@every_call
async def test_every_call_is_made_in_the_buckets_role(world: World, call: Any) -> None:
    head = await world.store.head(world.bucket, "a")

    await call(world.store, world.bucket, head)


@every_call
@pytest.mark.parametrize("role_arn", [None, ANOTHER_ROLE_ARN], ids=["no role", "another role"])
async def test_access_without_a_permitted_role_is_denied(
    world: World, call: Any, role_arn: str | None
) -> None:
    head = await world.store.head(world.bucket, "a")

    with pytest.raises(AccessDenied):
        await call(world.store, replace(world.bucket, role_arn=role_arn), head)

    assert await world.store.read_tags(world.bucket, "a") == {}


@every_call
async def test_a_role_does_not_make_another_owner_the_expected_one(world: World, call: Any) -> None:
    head = await world.store.head(world.bucket, "a")

    with pytest.raises(AccessDenied):
        await call(world.store, replace(world.bucket, expected_owner="444444444444"), head)
