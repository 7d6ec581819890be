"""The contract of ports.results_store."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients
from adapters.aws.results_store import S3ResultsStore
from adapters.memory.results_store import MemoryResultsStore
from ports.errors import Conflict, NotFound
from ports.results_store import ResultsStore

pytestmark = pytest.mark.asyncio(loop_scope="session")

PORTION_BYTES = 10
PART_BYTES = 5 * 1024**2


@pytest.fixture
def memory_store() -> ResultsStore:
    return MemoryResultsStore(block_bytes=PORTION_BYTES)


@pytest_asyncio.fixture(loop_scope="session")
async def aws_store(unique_name: str, clients: Clients) -> S3ResultsStore:
    client = await clients.s3()
    await client.create_bucket(Bucket=unique_name)
    return S3ResultsStore(client, bucket_name=unique_name, block_bytes=PORTION_BYTES)


@pytest_asyncio.fixture(loop_scope="session")
async def sdk_store(aws_store: S3ResultsStore, unique_name: str) -> ResultsStore:
    """With the SDK's own calls."""
    client: Any = aws_store._client
    return S3ResultsStore(client.sdk, bucket_name=unique_name, block_bytes=PORTION_BYTES)


@pytest.fixture(params=["memory", "aws", "sdk"])
def store(request: pytest.FixtureRequest) -> ResultsStore:
    chosen: ResultsStore = request.getfixturevalue(f"{request.param}_store")
    return chosen


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


async def read(store: ResultsStore, key: str, position: int = 0) -> bytes:
    return b"".join([portion async for portion in store.stream(key, position=position)])


async def test_a_file_is_read_as_it_was_last_written(store: ResultsStore) -> None:
    await store.put("jobs/1/a b+ü.csv", b"first")
    await store.put("jobs/1/a b+ü.csv", b"second\x00\xff")

    assert await store.get("jobs/1/a b+ü.csv") == b"second\x00\xff"
    assert await read(store, "jobs/1/a b+ü.csv") == b"second\x00\xff"
    assert await store.e_tag("jobs/1/a b+ü.csv") == md5(b"second\x00\xff")


async def test_a_missing_file_is_not_found(store: ResultsStore) -> None:
    with pytest.raises(NotFound):
        await store.get("absent")
    with pytest.raises(NotFound):
        await store.e_tag("absent")
    with pytest.raises(NotFound):
        await read(store, "absent")
    with pytest.raises(NotFound):
        await read(store, "absent", 5)


async def test_a_file_is_replaced_only_as_it_was_read(store: ResultsStore) -> None:
    first = await store.replace("file", b"first", e_tag=None)
    second = await store.replace("file", b"second", e_tag=first)

    for e_tag in (first, None, md5(b"never written")):
        with pytest.raises(Conflict):
            await store.replace("file", b"late", e_tag=e_tag)

    assert (first, second) == (md5(b"first"), md5(b"second"))
    assert await store.get("file") == b"second"
    assert await store.e_tag("file") == second


async def test_a_deleted_file_is_not_replaced(store: ResultsStore) -> None:
    with pytest.raises(Conflict):
        await store.replace("gone", b"late", e_tag=md5(b"gone"))
    with pytest.raises(NotFound):
        await store.get("gone")


async def test_an_empty_file_has_no_bytes(store: ResultsStore) -> None:
    await store.put("empty", b"")

    assert await store.get("empty") == b""
    assert await read(store, "empty") == b""


@pytest.mark.parametrize(
    ("start", "stop", "content"),
    [(0, 3, b"abc"), (2, 4, b"cd"), (4, 5, b"e"), (3, 99, b"de"), (5, 6, b""), (9, 12, b"")],
)
async def test_a_range_has_the_bytes_up_to_its_end(
    store: ResultsStore, start: int, stop: int, content: bytes
) -> None:
    await store.put("file", b"abcde")
    assert await store.read_range("file", start, stop) == content


async def test_a_range_of_a_missing_file_is_not_found(store: ResultsStore) -> None:
    with pytest.raises(NotFound):
        await store.read_range("file", 0, 1)


@pytest.mark.parametrize("position", [0, 1, 9, 10, 11, 24, 25, 26, 1_000])
async def test_a_stream_continues_from_a_position(store: ResultsStore, position: int) -> None:
    content = bytes(range(25))
    await store.put("file", content)

    portions = [portion async for portion in store.stream("file", position=position)]

    assert b"".join(portions) == content[position:]
    assert max(map(len, portions), default=0) <= PORTION_BYTES
    assert b"" not in portions


async def test_parts_become_a_file_in_their_order(store: ResultsStore) -> None:
    parts = [b"1" * PART_BYTES, b"2" * PART_BYTES, b"the last may be short"]
    upload_id = await store.create_upload("file")
    second = await store.upload_part("file", upload_id, 2, parts[1])
    first = await store.upload_part("file", upload_id, 1, parts[0])
    third = await store.upload_part("file", upload_id, 3, parts[2])
    with pytest.raises(NotFound):
        await store.get("file")

    e_tag = await store.complete_upload("file", upload_id, [first, second, third])

    assert await store.get("file") == b"".join(parts)
    digests = b"".join(bytes.fromhex(md5(part)) for part in parts)
    assert e_tag == f"{md5(digests)}-3"
    assert await store.e_tag("file") == e_tag
    assert [first, second, third] == [md5(part) for part in parts]


async def test_a_part_that_is_sent_again_replaces_the_first(store: ResultsStore) -> None:
    upload_id = await store.create_upload("file")
    await store.upload_part("file", upload_id, 1, b"lost answer")
    e_tag = await store.upload_part("file", upload_id, 1, b"sent again")

    await store.complete_upload("file", upload_id, [e_tag])

    assert await store.get("file") == b"sent again"


async def test_a_part_with_another_e_tag_is_a_conflict(store: ResultsStore) -> None:
    upload_id = await store.create_upload("file")
    stale = await store.upload_part("file", upload_id, 1, b"stale")
    e_tag = await store.upload_part("file", upload_id, 1, b"fresh")

    with pytest.raises(Conflict):
        await store.complete_upload("file", upload_id, [stale])
    with pytest.raises(Conflict):
        await store.complete_upload("file", upload_id, [e_tag, md5(b"never sent")])
    with pytest.raises(NotFound):
        await store.get("file")

    await store.complete_upload("file", upload_id, [e_tag])
    assert await store.get("file") == b"fresh"


async def test_aborting_a_completed_upload_succeeds(store: ResultsStore) -> None:
    """The other calls are tested in tests/adapters: moto returns 500 for them."""
    upload_id = await store.create_upload("file")
    e_tag = await store.upload_part("file", upload_id, 1, b"content")
    await store.complete_upload("file", upload_id, [e_tag])

    await store.abort_upload("file", upload_id)

    assert await store.get("file") == b"content"


async def test_an_aborted_upload_leaves_the_file_as_it_was(store: ResultsStore) -> None:
    await store.put("file", b"before")
    upload_id = await store.create_upload("file")
    await store.upload_part("file", upload_id, 1, b"never")

    await store.abort_upload("file", upload_id)
    await store.abort_upload("file", "no-such-upload")

    assert await store.get("file") == b"before"


async def test_two_uploads_of_a_key_do_not_mix(store: ResultsStore) -> None:
    one = await store.create_upload("file")
    two = await store.create_upload("file")
    of_one = await store.upload_part("file", one, 1, b"one")
    of_two = await store.upload_part("file", two, 1, b"two")

    assert one != two
    await store.complete_upload("file", two, [of_two])
    assert await store.get("file") == b"two"
    await store.complete_upload("file", one, [of_one])
    assert await store.get("file") == b"one"
