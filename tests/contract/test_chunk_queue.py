"""The contract of ports.chunk_queue."""

from __future__ import annotations

import json
from typing import Any, Protocol

import pytest
import pytest_asyncio

from adapters.aws.chunk_queue import SqsChunkQueue, encode_message
from adapters.aws.clients import Clients
from adapters.memory.chunk_queue import MemoryChunkQueue
from adapters.memory.system import ManualClock
from domain.chunk import ChunkLife
from domain.message import ChunkMessage
from entrypoints.processor_events import parse_chunk_message
from ports.chunk_queue import ChunkQueue
from ports.errors import Fatal

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Receiver(Protocol):
    queue: ChunkQueue

    async def receive(self) -> list[ChunkMessage]:
        """Receive the available messages, by chunk; each once. They are in flight then."""


class MemoryReceiver:
    def __init__(self, clock: ManualClock) -> None:
        self._queue = MemoryChunkQueue(clock)
        self.queue: ChunkQueue = self._queue

    async def receive(self) -> list[ChunkMessage]:
        received = [
            ChunkMessage(job_id=each.job_id, chunk_index=each.chunk_index, life=each.life)
            for each in self._queue.receive()
        ]
        self._queue.taken_count += len(received)
        return sorted(received, key=lambda message: message.chunk_index)


class SqsReceiver:
    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self.queue: ChunkQueue = SqsChunkQueue(client, queue_url=queue_url)

    async def receive(self) -> list[ChunkMessage]:
        found = []
        while messages := (
            await self._client.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10)
        ).get("Messages"):
            found += [parse_chunk_message(message["Body"]) for message in messages]
        received = [
            ChunkMessage(job_id=each.jobId, chunk_index=each.chunkIndex, life=each.life)
            for each in found
        ]
        return sorted(received, key=lambda message: message.chunk_index)


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


def message(index: int, **life: int) -> ChunkMessage:
    return ChunkMessage(job_id="job-1", chunk_index=index, life=ChunkLife(**life))


@pytest.mark.parametrize("count", [0, 1, 10, 11, 25])
async def test_each_chunk_gets_one_message(receiver: Receiver, count: int) -> None:
    messages = [message(index) for index in range(count)]
    await receiver.queue.send(messages)

    assert await receiver.receive() == messages


async def test_a_message_has_the_number_of_its_chunks_life(receiver: Receiver) -> None:
    messages = [
        message(1, released_count=3),
        message(2, redrive_number=1),
        message(3, redrive_number=2, released_count=1),
    ]
    await receiver.queue.send(messages)

    assert await receiver.receive() == messages


async def test_the_body_of_a_first_message_is_that_of_version_0_1() -> None:
    assert json.loads(encode_message(message(4))) == {"jobId": "job-1", "chunkIndex": 4}
    later = encode_message(message(4, redrive_number=1, released_count=2))
    assert json.loads(later) == {
        "jobId": "job-1",
        "chunkIndex": 4,
        "redriveNumber": 1,
        "attempt": 2,
    }


async def test_a_chunk_may_be_sent_twice(receiver: Receiver) -> None:
    await receiver.queue.send([message(3), message(3)])

    assert await receiver.receive() == [message(3), message(3)]


async def test_a_delayed_message_is_not_there_yet(receiver: Receiver) -> None:
    await receiver.queue.send([message(1)], delay_s=900)
    await receiver.queue.send([message(2)])

    assert await receiver.receive() == [message(2)]


async def test_a_delay_that_sqs_does_not_allow_is_fatal(receiver: Receiver) -> None:
    with pytest.raises(Fatal):
        await receiver.queue.send([message(1)], delay_s=901)


async def test_the_depth_counts_waiting_delayed_and_in_flight_messages(receiver: Receiver) -> None:
    assert await receiver.queue.depth() == 0

    await receiver.queue.send([message(index) for index in range(12)])
    assert await receiver.queue.depth() == 12
    await receiver.queue.send([message(index) for index in (1, 2, 3)], delay_s=900)
    assert await receiver.queue.depth() == 15
    assert len(await receiver.receive()) == 12
    assert await receiver.queue.depth() == 15


async def test_a_missing_queue_has_no_depth(clients: Clients, unique_name: str) -> None:
    client = await clients.sqs()
    queue_url = (await client.create_queue(QueueName=unique_name))["QueueUrl"]
    await client.delete_queue(QueueUrl=queue_url)

    with pytest.raises(Fatal):
        await SqsChunkQueue(client, queue_url=queue_url).depth()
