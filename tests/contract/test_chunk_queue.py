"""The contract of ports.chunk_queue."""

from __future__ import annotations

import json
from typing import Any, Protocol

import pytest
import pytest_asyncio

from adapters.aws.chunk_queue import SqsChunkQueue
from adapters.aws.clients import Clients
from adapters.memory.chunk_queue import MemoryChunkQueue
from adapters.memory.system import ManualClock
from ports.chunk_queue import ChunkQueue
from ports.errors import Fatal

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Receiver(Protocol):
    queue: ChunkQueue

    async def receive(self) -> list[tuple[str, int]]:
        """What can be received now, sorted; each message once."""


class MemoryReceiver:
    def __init__(self, clock: ManualClock) -> None:
        self._queue = MemoryChunkQueue(clock)
        self.queue: ChunkQueue = self._queue

    async def receive(self) -> list[tuple[str, int]]:
        return sorted((message.job_id, message.chunk_index) for message in self._queue.receive())


class SqsReceiver:
    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self.queue: ChunkQueue = SqsChunkQueue(client, queue_url=queue_url)

    async def receive(self) -> list[tuple[str, int]]:
        found = []
        while messages := (
            await self._client.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10)
        ).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
        assert all(set(body) == {"jobId", "chunkIndex"} for body in found)
        return sorted((body["jobId"], body["chunkIndex"]) for body in found)


@pytest.fixture
def memory_receiver(clock: ManualClock) -> Receiver:
    return MemoryReceiver(clock)


@pytest_asyncio.fixture(loop_scope="session")
async def aws_receiver(unique_name: str, clients: Clients) -> Receiver:
    client = await clients.sqs()
    created = await client.create_queue(QueueName=unique_name)
    return SqsReceiver(client, created["QueueUrl"])


@pytest.fixture(params=["memory", "aws"])
def receiver(request: pytest.FixtureRequest) -> Receiver:
    chosen: Receiver = request.getfixturevalue(f"{request.param}_receiver")
    return chosen


@pytest.mark.parametrize("count", [0, 1, 10, 11, 25])
async def test_each_chunk_gets_one_message(receiver: Receiver, count: int) -> None:
    await receiver.queue.send("job-1", range(count))

    assert await receiver.receive() == [("job-1", index) for index in range(count)]


async def test_a_chunk_may_be_sent_twice(receiver: Receiver) -> None:
    await receiver.queue.send("job-1", [3, 3])

    assert await receiver.receive() == [("job-1", 3), ("job-1", 3)]


async def test_a_delayed_message_is_not_there_yet(receiver: Receiver) -> None:
    await receiver.queue.send("job-1", [1], delay_s=900)
    await receiver.queue.send("job-1", [2])

    assert await receiver.receive() == [("job-1", 2)]


async def test_a_delay_that_sqs_does_not_offer_is_fatal(receiver: Receiver) -> None:
    with pytest.raises(Fatal):
        await receiver.queue.send("job-1", [1], delay_s=901)
