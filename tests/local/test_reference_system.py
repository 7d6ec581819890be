"""The Asset Management System that ingests everything: by both triggers, and nothing twice."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asset_system_world import AssetSystemWorld

from adapters.local_aws.asset_system.behaviours import AssetSystem
from adapters.local_aws.asset_system.takes_everything import IngestSource
from adapters.local_aws.aws_emulator.clients import EmulatorClients

Unique = Callable[[str], str]
TAGS = "AssetID=asset:img:1&InventoryID=asset:uuid:1&SyncJobID=job"


class World(AssetSystemWorld):
    async def send(self, message: object) -> None:
        await self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(message))


@pytest.fixture
async def world(clients: EmulatorClients, unique: Unique) -> AsyncIterator[World]:
    async with World.running(clients, unique, AssetSystem.EVERYTHING) as world:
        await world.system.subscribe(world.bucket)
        yield world


def _event(world: World, key: str, *, asset_id: str = "asset:vid:2") -> dict[str, Any]:
    return {
        "source": "asset-sync",
        "detail-type": "AssetSyncObjectReady",
        "detail": {
            "eventId": "e",
            "bucketName": world.bucket,
            "objectKey": key,
            "assetId": asset_id,
            "inventoryId": "asset:uuid:2",
        },
    }


async def test_a_tagged_object_is_recorded_from_its_notification(
    world: World, eventually: Any
) -> None:
    await world.s3.put_object(Bucket=world.bucket, Key="in/a b+ü.jpg", Body=b"1", Tagging=TAGS)
    await eventually(lambda: world.system.counts.ingested)

    assert await world.items() == {
        "asset:uuid:1": {
            "InventoryID": {"S": "asset:uuid:1"},
            "DigitalSourceAsset": {"M": {"ID": {"S": "asset:img:1"}, "Type": {"S": "Image"}}},
            "StoragePath": {"S": f"{world.bucket}:in/a b+ü.jpg"},
        }
    }
    assert world.system.counts.ingested == {IngestSource.NOTIFICATION: 1}


async def test_an_event_alone_is_enough(world: World, eventually: Any) -> None:
    await world.send(_event(world, "b.mp4"))
    await eventually(lambda: world.system.counts.ingested)

    recorded = (await world.items())["asset:uuid:2"]
    assert recorded["DigitalSourceAsset"]["M"]["Type"] == {"S": "Video"}
    assert world.system.counts.ingested == {IngestSource.EVENT: 1}


async def test_an_object_announced_twice_by_both_triggers_is_ingested_once(
    world: World, eventually: Any
) -> None:
    tags = "AssetID=asset:vid:2&InventoryID=asset:uuid:2"
    for _ in range(2):
        await world.s3.put_object(Bucket=world.bucket, Key="b.mp4", Body=b"1", Tagging=tags)
        await world.send(_event(world, "b.mp4"))

    def count() -> int:
        counts = world.system.counts
        return sum(counts.ingested.values()) + sum(counts.duplicates.values())

    await eventually(lambda: count() == 4)
    assert sum(world.system.counts.ingested.values()) == 1
    assert sum(world.system.counts.duplicates.values()) == 3
    assert len(await world.items()) == 1


async def test_a_changed_asset_id_is_ingested(world: World, eventually: Any) -> None:
    for asset_id in ("asset:vid:2", "asset:vid:3"):
        await world.system.accept(_event(world, "b.mp4", asset_id=asset_id))

    recorded = (await world.items())["asset:uuid:2"]
    assert recorded["DigitalSourceAsset"]["M"]["ID"] == {"S": "asset:vid:3"}
    assert world.system.counts.ingested == {IngestSource.EVENT: 2}


async def test_test_events_untagged_and_deleted_objects_are_ignored(
    world: World, eventually: Any
) -> None:
    await eventually(lambda: world.system.counts.ignored == 1)  # the test event of `watch`
    await world.s3.put_object(Bucket=world.bucket, Key="plain", Body=b"1")
    await world.s3.put_object(Bucket=world.bucket, Key="half", Body=b"1", Tagging="AssetID=a")
    await eventually(lambda: world.system.counts.ignored == 3)
    await world.send(
        {"Records": [{"s3": {"bucket": {"name": world.bucket}, "object": {"key": "gone"}}}]}
    )
    await eventually(lambda: world.system.counts.ignored == 4)

    await world.sqs.send_message(QueueUrl=world.queue_url, MessageBody="no JSON")
    await world.send(["no message"])
    await eventually(lambda: world.system.counts.ignored == 6)

    assert await world.items() == {}


async def test_it_writes_nothing_to_the_bucket(world: World, eventually: Any) -> None:
    await world.s3.put_object(Bucket=world.bucket, Key="a.jpg", Body=b"1", Tagging=TAGS)
    before = await world.s3.head_object(Bucket=world.bucket, Key="a.jpg")
    await eventually(lambda: world.system.counts.ingested)
    after = await world.s3.head_object(Bucket=world.bucket, Key="a.jpg")

    assert (after["LastModified"], after["TagCount"]) == (
        before["LastModified"],
        before["TagCount"],
    )
    listed = await world.s3.list_objects_v2(Bucket=world.bucket)
    assert [entry["Key"] for entry in listed["Contents"]] == ["a.jpg"]


async def test_watching_a_bucket_again_leaves_others_their_notifications(
    world: World, unique: Unique
) -> None:
    url = (await world.sqs.create_queue(QueueName=unique("owners")))["QueueUrl"]
    described = await world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    theirs = described["Attributes"]["QueueArn"]
    await world.s3.put_bucket_notification_configuration(
        Bucket=world.bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": theirs, "Events": ["s3:ObjectRemoved:*"]}],
            "EventBridgeConfiguration": {},
        },
    )

    for _ in range(2):
        await world.system.subscribe(world.bucket)

    found = await world.s3.get_bucket_notification_configuration(Bucket=world.bucket)
    arns = [each["QueueArn"] for each in found["QueueConfigurations"]]
    ours = await world.sqs.get_queue_attributes(
        QueueUrl=world.queue_url, AttributeNames=["QueueArn"]
    )
    assert arns == [theirs, ours["Attributes"]["QueueArn"]]
    assert "EventBridgeConfiguration" in found
