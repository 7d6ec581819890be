"""The contract of ports.ingest_bus."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Protocol

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients
from adapters.aws.ingest_bus import EventBridgeIngestBus
from adapters.memory.ingest_bus import MemoryIngestBus
from domain.decision import Decision
from domain.message import IngestEvent, RemovalEvent
from ports.errors import Fatal
from ports.ingest_bus import IngestBus

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVENT = IngestEvent(
    event_id="event-1",
    job_id="job-1",
    connector_id="con-1",
    bucket_name="media",
    object_key='ünï "q" 😀\n+%2F.jpg',
    version_id="v1",
    e_tag="abc-2",
    size_bytes=5_000_000_001,
    asset_id="asset:img:1",
    inventory_id="asset:uuid:1",
    processing_action=Decision.PUT,
)

FIELDS = {
    "eventId": "event_id",
    "jobId": "job_id",
    "connectorId": "connector_id",
    "bucketName": "bucket_name",
    "objectKey": "object_key",
    "versionId": "version_id",
    "eTag": "e_tag",
    "size": "size_bytes",
    "assetId": "asset_id",
    "inventoryId": "inventory_id",
    "processingAction": "processing_action",
}


REMOVAL = RemovalEvent(
    event_id="event-1",
    job_id="job-2",
    connector_id="con-1",
    bucket_name="media",
    object_key='ünï "q" 😀\n+%2F.jpg',
    e_tag="abc-2",
    size_bytes=5_000_000_001,
    asset_id="asset:img:1",
    inventory_id="asset:uuid:1",
    last_seen_in="job-1",
    new_object_key="moved/ü.jpg",
)

REMOVAL_FIELDS = {
    **{name: FIELDS[name] for name in ("eventId", "jobId", "connectorId", "bucketName")},
    **{name: FIELDS[name] for name in ("objectKey", "eTag", "size", "assetId", "inventoryId")},
    "lastSeenJobId": "last_seen_in",
    "newObjectKey": "new_object_key",
}


class Subscriber(Protocol):
    bus: IngestBus

    async def removals(self) -> list[RemovalEvent]:
        """All received events of removed objects, by their ids."""

    async def received(self) -> list[IngestEvent]:
        """All received events, by their ids."""


class MemorySubscriber:
    def __init__(self) -> None:
        self._bus = MemoryIngestBus()
        self.bus: IngestBus = self._bus

    async def received(self) -> list[IngestEvent]:
        return sorted(self._bus.events, key=lambda event: event.event_id)

    async def removals(self) -> list[RemovalEvent]:
        return sorted(self._bus.removals, key=lambda event: event.event_id)


class QueueSubscriber:
    def __init__(self, clients: Clients, bus_name: str, sqs: Any, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self.bus: IngestBus = EventBridgeIngestBus(clients.events, bus_name=bus_name)

    async def received(self) -> list[IngestEvent]:
        found = [self._parse(envelope) for envelope in await self._envelopes()]
        return sorted(found, key=lambda event: event.event_id)

    async def removals(self) -> list[RemovalEvent]:
        found = []
        for envelope in await self._envelopes():
            assert envelope["source"] == "asset-sync"
            assert envelope["detail-type"] == "AssetSyncObjectRemoved"
            assert set(envelope["detail"]) == set(REMOVAL_FIELDS)
            detail = envelope["detail"].items()
            found.append(RemovalEvent(**{REMOVAL_FIELDS[name]: value for name, value in detail}))
        return sorted(found, key=lambda event: event.event_id)

    async def _envelopes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := (
            await self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10)
        ).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
        return found

    def _parse(self, envelope: dict[str, Any]) -> IngestEvent:
        assert envelope["source"] == "asset-sync"
        assert envelope["detail-type"] == "AssetSyncObjectReady"
        detail = envelope["detail"]
        assert set(detail) == set(FIELDS)
        values = {FIELDS[name]: value for name, value in detail.items()}
        return IngestEvent(**{**values, "processing_action": Decision(detail["processingAction"])})


@pytest.fixture
def memory_subscriber() -> Subscriber:
    return MemorySubscriber()


@pytest_asyncio.fixture(loop_scope="session")
async def aws_subscriber(unique_name: str, clients: Clients) -> Subscriber:
    events, sqs = await clients.events(), await clients.sqs()
    queue = await sqs.create_queue(QueueName=unique_name)
    await events.create_event_bus(Name=unique_name)
    await events.put_rule(
        Name=unique_name, EventBusName=unique_name, EventPattern='{"source": ["asset-sync"]}'
    )
    arn = f"arn:aws:sqs:us-east-1:123456789012:{unique_name}"
    await events.put_targets(
        Rule=unique_name, EventBusName=unique_name, Targets=[{"Id": "queue", "Arn": arn}]
    )
    return QueueSubscriber(clients, unique_name, sqs, queue["QueueUrl"])


@pytest.fixture(params=["memory", "aws"])
def subscriber(request: pytest.FixtureRequest) -> Subscriber:
    chosen: Subscriber = request.getfixturevalue(f"{request.param}_subscriber")
    return chosen


async def test_a_subscriber_gets_every_field(subscriber: Subscriber) -> None:
    plain = replace(EVENT, event_id="event-2", version_id=None, processing_action=Decision.COPY)

    assert await subscriber.bus.publish([EVENT, plain]) == [None, None]

    assert await subscriber.received() == [EVENT, plain]


async def test_ten_events_go_together(subscriber: Subscriber) -> None:
    events = [replace(EVENT, event_id=f"event-{number}") for number in range(10)]

    assert await subscriber.bus.publish(events) == [None] * 10

    assert await subscriber.received() == events


async def test_without_events_no_request_is_sent(subscriber: Subscriber) -> None:
    assert await subscriber.bus.publish([]) == []
    assert await subscriber.received() == []


async def test_eleven_events_are_refused(subscriber: Subscriber) -> None:
    with pytest.raises(Fatal):
        await subscriber.bus.publish([EVENT] * 11)
    assert await subscriber.received() == []


async def test_a_subscriber_gets_every_field_of_a_removal(subscriber: Subscriber) -> None:
    unknown = replace(
        REMOVAL,
        event_id="event-2",
        e_tag=None,
        size_bytes=None,
        asset_id=None,
        inventory_id=None,
        new_object_key=None,
    )
    assert await subscriber.bus.publish_removals([REMOVAL, unknown]) == [None, None]
    assert await subscriber.removals() == [REMOVAL, unknown]


async def test_ten_removals_go_together_and_eleven_are_refused(subscriber: Subscriber) -> None:
    events = [replace(REMOVAL, event_id=f"event-{number}") for number in range(10)]
    assert await subscriber.bus.publish_removals([]) == []
    assert await subscriber.bus.publish_removals(events) == [None] * 10
    with pytest.raises(Fatal):
        await subscriber.bus.publish_removals([REMOVAL] * 11)
    assert await subscriber.removals() == events
