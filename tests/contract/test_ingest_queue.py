"""The contract of ports.ingest_queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import unquote_plus

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients
from adapters.aws.ingest_queue import SqsIngestQueue
from adapters.memory.ingest_queue import MemoryIngestQueue
from adapters.memory.system import ManualClock
from domain.message import IngestMessage
from ports.errors import Fatal, NotFound, Unavailable
from ports.ingest_queue import IngestQueue

pytestmark = pytest.mark.asyncio(loop_scope="session")

MESSAGE = IngestMessage(
    job_id="job-1",
    bucket_name="media",
    object_key="a.mov",
    version_id="v1",
    e_tag="abc-2",
    size_bytes=5_000_000_001,
)

AWKWARD_KEYS = [
    "a b+c%20d%2B.mov",
    "%",
    "100 %/ünï 😀.jpg",
    'quote " back \\ slash.jpg',
    "line\nfeed\x01\x7f\uffff.jpg",
    "a//../b/./c",
    " leading and trailing ",
    "&=?#;,:@$!*'()~.jpg",
    "\u0308decomposed",
    "k" * 1_024,
]


class System(Protocol):
    """An ingest queue: its sender and its receiver."""

    queue: IngestQueue

    async def create(self, *, fifo: bool) -> str:
        """Create a queue and return its URL."""

    async def receive(self, queue_url: str) -> list[IngestMessage]:
        """Receive the available messages, and do not delete them."""

    async def finish(self, queue_url: str) -> None:
        """Delete the received messages."""

    async def let_wait(self, queue_url: str, seconds: float) -> None:
        """Let so much time pass, and the age of the oldest message be reported."""


class MemorySystem:
    def __init__(self, clock: ManualClock, unique_name: str) -> None:
        self._clock = clock
        self._queue = MemoryIngestQueue(clock)
        self._name = unique_name
        self.queue: IngestQueue = self._queue

    async def create(self, *, fifo: bool) -> str:
        queue_url = f"https://sqs.eu-west-1.amazonaws.com/123456789012/{self._name}"
        queue_url += ".fifo" if fifo else ""
        self._queue.create(queue_url)
        return queue_url

    async def receive(self, queue_url: str) -> list[IngestMessage]:
        return self._queue.receive(queue_url)

    async def finish(self, queue_url: str) -> None:
        self._queue.finish(queue_url)

    async def let_wait(self, queue_url: str, seconds: float) -> None:
        self._clock.advance(seconds)


class SqsSystem:
    """Reads messages as Media Lake's ingest does, and all other members as S3 documents them."""

    def __init__(self, clients: Clients, client: Any, clock: ManualClock, name: str) -> None:
        self._client = client
        self._name = name
        self._handles: list[str] = []
        self._clients = clients
        self._clock = clock
        self.queue: IngestQueue = SqsIngestQueue(
            clients.sqs, open_metrics=clients.cloudwatch, clock=clock
        )

    async def create(self, *, fifo: bool) -> str:
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
        created = await self._client.create_queue(
            QueueName=self._name + (".fifo" if fifo else ""), Attributes=attributes
        )
        queue_url: str = created["QueueUrl"]
        return queue_url

    async def receive(self, queue_url: str) -> list[IngestMessage]:
        found = []
        # A FIFO group returns no more messages until the received ones are deleted.
        while messages := (
            await self._client.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=10, AttributeNames=["All"]
            )
        ).get("Messages"):
            self._handles += [message["ReceiptHandle"] for message in messages]
            found += [self._parse(message, queue_url) for message in messages]
        return found

    async def let_wait(self, queue_url: str, seconds: float) -> None:
        """Report the age, as SQS does each minute; moto reports none."""
        self._clock.advance(seconds)
        attributes = await self._client.get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        if attributes["Attributes"]["ApproximateNumberOfMessages"] == "0":
            return
        await (await self._clients.cloudwatch()).put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": queue_url.rsplit("/", 1)[1]}],
                    "Timestamp": self._clock.now(),
                    "Value": seconds,
                    "Unit": "Seconds",
                }
            ],
        )

    async def finish(self, queue_url: str) -> None:
        for handle in self._handles:
            await self._client.delete_message(QueueUrl=queue_url, ReceiptHandle=handle)
        self._handles.clear()

    def _parse(self, message: Any, queue_url: str) -> IngestMessage:
        [record] = json.loads(message["Body"])["Records"]
        assert record["eventVersion"] == "2.1"
        assert record["eventSource"] == "medialake.AssetSyncProcessor"
        assert record["eventName"] == "ObjectCreated:Put"
        assert record["eventTime"] == "2026-01-31T12:00:00.000Z"
        bucket, entry = record["s3"]["bucket"], record["s3"]["object"]
        assert bucket["arn"] == f"arn:aws:s3:::{bucket['name']}"
        assert ("MessageGroupId" in message["Attributes"]) == queue_url.endswith(".fifo")
        return IngestMessage(
            job_id="job-1",  # not part of the message
            bucket_name=bucket["name"],
            object_key=unquote_plus(entry["key"]),
            version_id=entry.get("versionId"),
            e_tag=entry["eTag"],
            size_bytes=entry["size"],
        )


@pytest.fixture
def memory_system(clock: ManualClock, unique_name: str) -> System:
    return MemorySystem(clock, unique_name)


@pytest_asyncio.fixture(loop_scope="session")
async def aws_system(unique_name: str, clients: Clients, clock: ManualClock) -> System:
    return SqsSystem(clients, await clients.sqs(), clock, unique_name)


@pytest.fixture(params=["memory", "aws"])
def system(request: pytest.FixtureRequest) -> System:
    chosen: System = request.getfixturevalue(f"{request.param}_system")
    return chosen


EITHER_KIND = pytest.mark.parametrize("fifo", [False, True], ids=["standard", "fifo"])


def by_key(messages: list[IngestMessage]) -> list[IngestMessage]:
    return sorted(messages, key=lambda message: message.object_key)


@EITHER_KIND
async def test_the_system_gets_every_field(system: System, fifo: bool) -> None:
    queue_url = await system.create(fifo=fifo)
    plain = replace(MESSAGE, object_key="b.mov", version_id=None)

    assert await system.queue.send(queue_url, [MESSAGE, plain]) == [None, None]

    assert by_key(await system.receive(queue_url)) == [MESSAGE, plain]


@EITHER_KIND
async def test_awkward_keys_come_back_as_they_were(system: System, fifo: bool) -> None:
    queue_url = await system.create(fifo=fifo)
    messages = [replace(MESSAGE, object_key=key) for key in AWKWARD_KEYS]

    assert await system.queue.send(queue_url, messages) == [None] * 10

    received = await system.receive(queue_url)
    assert {message.object_key for message in received} == set(AWKWARD_KEYS)
    assert len(received) == 10


@EITHER_KIND
async def test_the_messages_of_one_object_keep_their_order_on_a_fifo_queue(
    system: System, fifo: bool
) -> None:
    queue_url = await system.create(fifo=fifo)
    versions = [replace(MESSAGE, e_tag=f"{number}") for number in range(3)]

    await system.queue.send(queue_url, versions[:2])
    await system.queue.send(queue_url, versions[2:])

    received = await system.receive(queue_url)
    assert sorted(received, key=lambda message: message.e_tag) == versions
    if fifo:
        assert received == versions


@EITHER_KIND
async def test_a_message_that_is_sent_again_is_dropped_by_a_fifo_queue(
    system: System, fifo: bool
) -> None:
    queue_url = await system.create(fifo=fifo)
    for _ in range(2):
        assert await system.queue.send(queue_url, [MESSAGE]) == [None]

    assert await system.receive(queue_url) == [MESSAGE] * (1 if fifo else 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda message: replace(message, e_tag="other", size_bytes=1),
        lambda message: replace(message, version_id="v2"),
        lambda message: replace(message, bucket_name="media-2"),
        lambda message: replace(message, object_key="a.mo"),
        lambda message: replace(message, job_id="job-2"),
    ],
    ids=["bytes", "version", "bucket", "key", "job"],
)
async def test_another_message_is_not_dropped(
    system: System, change: Callable[[IngestMessage], IngestMessage]
) -> None:
    queue_url = await system.create(fifo=True)

    await system.queue.send(queue_url, [MESSAGE])
    await system.queue.send(queue_url, [change(MESSAGE)])

    assert len(await system.receive(queue_url)) == 2


async def test_without_messages_no_request_is_sent(system: System) -> None:
    assert await system.queue.send("https://nowhere.example/q", []) == []


async def test_eleven_messages_are_refused(system: System) -> None:
    queue_url = await system.create(fifo=False)

    with pytest.raises(Fatal):
        await system.queue.send(queue_url, [MESSAGE] * 11)

    assert await system.queue.depth(queue_url) == 0


@EITHER_KIND
async def test_the_depth_counts_waiting_and_in_flight_messages(system: System, fifo: bool) -> None:
    queue_url = await system.create(fifo=fifo)
    assert await system.queue.depth(queue_url) == 0

    await system.queue.send(
        queue_url, [replace(MESSAGE, object_key=f"{number}") for number in range(10)]
    )
    assert await system.queue.depth(queue_url) == 10
    assert len(await system.receive(queue_url)) == 10
    assert await system.queue.depth(queue_url) == 10
    await system.queue.send(queue_url, [MESSAGE])
    assert await system.queue.depth(queue_url) == 11
    await system.finish(queue_url)
    assert await system.queue.depth(queue_url) == 1


@EITHER_KIND
async def test_the_age_of_the_oldest_message(system: System, fifo: bool) -> None:
    queue_url = await system.create(fifo=fifo)
    await system.let_wait(queue_url, 60)
    assert await system.queue.oldest_age_s(queue_url) is None
    await system.queue.send(queue_url, [MESSAGE])
    await system.let_wait(queue_url, 120)
    assert await system.queue.oldest_age_s(queue_url) == 120


@EITHER_KIND
async def test_a_missing_queue_is_not_found(system: System, fifo: bool) -> None:
    queue_url = await system.create(fifo=fifo)
    queue_url = queue_url.replace("test-", "none-")

    with pytest.raises(NotFound, match="none-"):
        await system.queue.send(queue_url, [MESSAGE])
    with pytest.raises(NotFound, match="none-"):
        await system.queue.depth(queue_url)


async def test_a_fifo_queue_drops_repetitions_for_five_minutes(clock: ManualClock) -> None:
    """Documented for SQS; moto forgets a deleted message."""
    queue = MemoryIngestQueue(clock)
    queue.create("q.fifo")
    await queue.send("q.fifo", [MESSAGE])
    assert queue.drain("q.fifo") == [MESSAGE]

    clock.advance(299)
    assert await queue.send("q.fifo", [MESSAGE]) == [None]
    assert queue.drain("q.fifo") == []
    clock.advance(1)
    await queue.send("q.fifo", [MESSAGE])
    assert queue.drain("q.fifo") == [MESSAGE]
    assert await queue.depth("q.fifo") == 0


async def test_a_message_that_the_memory_queue_refuses_is_not_in_it(clock: ManualClock) -> None:
    queue = MemoryIngestQueue(clock)
    queue.create("q")
    other = replace(MESSAGE, object_key="b.mov")
    refusal = Unavailable("no queue")
    queue.refuse = lambda message: refusal if message == MESSAGE else None

    assert await queue.send("q", [MESSAGE, other]) == [refusal, None]

    assert queue.drain("q") == [other]
