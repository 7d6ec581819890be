"""The contract of ports.source_files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients
from adapters.aws.source_files import S3SourceFiles
from adapters.memory.buckets import MemoryBuckets
from adapters.memory.object_store import MemoryObjectStore
from adapters.memory.source_files import MemorySourceFiles
from adapters.memory.system import ManualClock
from domain.connector import Bucket
from ports.errors import Conflict, Misconfigured, NotFound, Refused
from ports.source_files import SourceFiles

pytestmark = pytest.mark.asyncio(loop_scope="session")

BLOCK_BYTES = 10
KEY = "inv/a b+ü/manifest.json"

Put = Callable[[bytes], Awaitable[None]]
World = tuple[SourceFiles, Bucket, Put]


@pytest.fixture
def memory_world(clock: ManualClock) -> World:
    buckets = MemoryBuckets(clock)
    buckets.create("reports")

    async def put(content: bytes) -> None:
        buckets.put("reports", KEY, content)

    files = MemorySourceFiles(MemoryObjectStore(buckets), block_bytes=BLOCK_BYTES)
    return files, Bucket(name="reports"), put


@pytest_asyncio.fixture(loop_scope="session")
async def aws_world(unique_name: str, clients: Clients) -> World:
    client = await clients.s3()
    await client.create_bucket(Bucket=unique_name)

    async def put(content: bytes) -> None:
        await client.put_object(Bucket=unique_name, Key=KEY, Body=content)

    return S3SourceFiles(clients.s3, block_bytes=BLOCK_BYTES), Bucket(name=unique_name), put


@pytest.fixture(params=["memory", "aws"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(f"{request.param}_world")
    return chosen


async def test_a_file_is_read_in_blocks(world: World) -> None:
    files, bucket, put = world
    content = bytes(range(25))
    await put(content)
    first = await files.read(bucket, KEY)
    assert (first.content, first.size_bytes) == (content[:10], 25)
    assert first.e_tag
    assert '"' not in first.e_tag
    middle = await files.read(bucket, KEY, position=7, e_tag=first.e_tag)
    assert middle.content == content[7:17]
    last = await files.read(bucket, KEY, position=20, e_tag=first.e_tag)
    assert (last.content, last.e_tag, last.size_bytes) == (content[20:], first.e_tag, 25)


async def test_a_position_at_the_end_is_refused(world: World) -> None:
    files, bucket, put = world
    await put(b"12345")
    with pytest.raises(Refused):
        await files.read(bucket, KEY, position=5)


async def test_an_empty_file_has_an_empty_block(world: World) -> None:
    files, bucket, put = world
    await put(b"")
    block = await files.read(bucket, KEY)
    assert (block.content, block.size_bytes) == (b"", 0)


async def test_another_content_is_a_conflict(world: World) -> None:
    files, bucket, put = world
    await put(b"first")
    before = (await files.read(bucket, KEY)).e_tag
    await put(b"second")
    with pytest.raises(Conflict):
        await files.read(bucket, KEY, e_tag=before)
    assert (await files.read(bucket, KEY)).content == b"second"


async def test_a_missing_file_is_not_found(world: World) -> None:
    files, bucket, _ = world
    with pytest.raises(NotFound):
        await files.read(bucket, "absent")


async def test_a_missing_bucket_is_misconfigured(world: World) -> None:
    files, _, _ = world
    with pytest.raises(Misconfigured):
        await files.read(Bucket(name="there-is-no-such-bucket"), KEY)
