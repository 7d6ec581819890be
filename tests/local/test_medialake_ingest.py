"""The Asset Management System that behaves like Media Lake: over S3, SQS and DynamoDB."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from asset_system_world import AssetSystemWorld

from adapters.local_aws.asset_system.behaviours import AssetSystem
from adapters.local_aws.asset_system.medialake.file_types import file_filter
from adapters.local_aws.asset_system.medialake.ingest import MediaLakeIngest
from adapters.local_aws.asset_system.medialake.items import lock_id, lock_item
from adapters.local_aws.asset_system.medialake.messages import ObjectEvent
from adapters.local_aws.asset_system.medialake.values import (
    AssetEventType,
    IngestOutcome,
    IngestSettings,
)
from adapters.local_aws.asset_system.reference_system import IngestCounts
from adapters.local_aws.asset_system.takes_everything import IngestSource
from adapters.local_aws.aws_emulator.clients import EmulatorClients

Unique = Callable[[str], str]
BOTH = {"AssetID": "asset:vid:1", "InventoryID": "asset:uuid:1"}
OWNERS = {"project": "x y", "cost": "7"}


class World(AssetSystemWorld):
    def counts(self) -> IngestCounts:
        return self.system.counts

    async def put(self, key: str, body: bytes = b"1", **tags: str) -> None:
        await self.s3.put_object(
            Bucket=self.bucket, Key=key, Body=body, Tagging=urlencode(tags), Metadata={"a": "b"}
        )

    async def ingest(self, key: str, **described: Any) -> IngestOutcome | None:
        """Process one notification of the object; return its outcome."""
        before = dict(self.counts().outcomes)
        await self.system.accept({"Records": [self.record(key, **described)]})
        after = self.counts().outcomes
        changed = [each for each in after if after[each] != before.get(each, 0)]
        return changed[0] if changed else None

    def record(self, key: str, *, source: str = "aws:s3", **described: Any) -> dict[str, Any]:
        described = {"key": quote_plus(key, safe="/"), **described}
        return {
            "eventSource": source,
            "eventName": "ObjectCreated:Copy",
            "s3": {"bucket": {"name": self.bucket}, "object": described},
        }

    async def tags(self, key: str) -> dict[str, str]:
        answer = await self.s3.get_object_tagging(Bucket=self.bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


@pytest.fixture
async def world(
    clients: EmulatorClients, unique: Unique, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    """A running system without events from S3; a parameter sets its ingest's settings."""
    ingest = getattr(request, "param", None)
    async with World.running(clients, unique, AssetSystem.MEDIALAKE, ingest) as world:
        yield world


def _asset(item: Mapping[str, Any]) -> Mapping[str, Any]:
    asset: Mapping[str, Any] = item["DigitalSourceAsset"]["M"]
    return asset


# --- events of S3 and others


async def test_an_upload_is_ingested_from_its_notification(world: World, eventually: Any) -> None:
    await world.system.subscribe(world.bucket)
    await world.put("in/a b+ü%25.jpg", b"bytes", **OWNERS)
    await eventually(lambda: world.counts().ingested)
    await eventually(lambda: world.system.is_idle)

    ((inventory_id, item),) = (await world.items()).items()
    head = await world.s3.head_object(Bucket=world.bucket, Key="in/a b+ü%25.jpg")
    location = _asset(item)["MainRepresentation"]["M"]["StorageInfo"]["M"]["PrimaryLocation"]["M"]
    md5 = hashlib.md5(b"bytes", usedforsecurity=False).hexdigest()
    assert item["StoragePath"] == {"S": f"{world.bucket}:in/a b+ü%25.jpg"}
    assert item["FileHash"] == {"S": md5}
    assert _asset(item)["lastModifiedDate"] == {"S": head["LastModified"].strftime("%FT%TZ")}
    assert location["FileInfo"]["M"]["Size"] == {"N": "5"}
    assert location["FileInfo"]["M"]["Hash"]["M"]["Value"] == {"S": head["ETag"].strip('"')}
    # The owner's tags are lost.
    assert await world.tags("in/a b+ü%25.jpg") == {
        "InventoryID": inventory_id,
        "AssetID": _asset(item)["ID"]["S"],
        "FileHash": md5,
    }
    assert world.counts().ingested == {IngestSource.NOTIFICATION: 1}
    assert world.counts().outcomes == {IngestOutcome.CREATED: 1}
    assert world.counts().published == {AssetEventType.CREATED: 1}


async def test_the_messages_of_media_lakes_own_sync_and_of_eventbridge_are_understood(
    world: World, eventually: Any
) -> None:
    for number, key in enumerate(("a+1.jpg", "b+%2B.jpg")):
        await world.put(key, bytes([number]))
    bridge = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": world.bucket}, "object": {"key": "b+%2B.jpg"}},
    }
    sync = {"Records": [world.record("a+1.jpg", source="medialake.AssetSyncProcessor")]}
    for message in (bridge, sync):
        await world.sqs.send_message(QueueUrl=world.queue_url, MessageBody=json.dumps(message))

    await eventually(lambda: world.counts().outcomes == {IngestOutcome.CREATED: 2})


async def test_events_of_this_service_and_malformed_messages_are_ignored(
    world: World, eventually: Any
) -> None:
    await world.put("a.jpg", **BOTH)
    ours = {
        "source": "asset-sync",
        "detail-type": "AssetSyncObjectReady",
        "detail": {
            "bucketName": world.bucket,
            "objectKey": "a.jpg",
            "assetId": "asset:img:1",
            "inventoryId": "asset:uuid:1",
        },
    }
    foreign = {"Records": [world.record("a.jpg", source="asset-sync")]}
    for body in (json.dumps(ours), json.dumps(foreign), '"text"', "no JSON", "[]"):
        await world.sqs.send_message(QueueUrl=world.queue_url, MessageBody=body)

    await eventually(lambda: world.counts().ignored == 5)
    assert await world.items() == {}
    assert str(world.counts()) == "ignored messages 5"


async def test_a_deleted_object_is_ignored(world: World) -> None:
    assert await world.ingest("gone.jpg") is None
    assert world.counts().ignored == 1
    assert await world.items() == {}


# --- ingested objects


async def test_unsupported_files_are_unchanged(world: World) -> None:
    for key in ("a.xml", "b.pdf", "c.dng", "no-extension"):
        await world.put(key, **BOTH)
        assert await world.ingest(key) is IngestOutcome.IGNORED_TYPE
        assert await world.tags(key) == BOTH
    assert await world.items() == {}


@pytest.mark.parametrize(
    "world", [IngestSettings(file_filter=file_filter(extensions=["pdf"]))], indirect=True
)
async def test_the_connectors_filter_narrows_media_and_lets_documents_in(world: World) -> None:
    await world.put("a.jpg")
    await world.put("b.pdf", b"2")

    assert await world.ingest("a.jpg") is IngestOutcome.FILTERED
    assert await world.ingest("b.pdf") is IngestOutcome.CREATED
    assert world.counts().published == {}
    assert [_asset(item)["Type"] for item in (await world.items()).values()] == [{"S": "Other"}]


async def test_the_content_type_of_an_object_counts(world: World) -> None:
    await world.s3.put_object(Bucket=world.bucket, Key="clip", Body=b"1", ContentType="video/mp4")
    assert await world.ingest("clip") is IngestOutcome.CREATED
    ((_, item),) = (await world.items()).items()
    assert _asset(item)["ID"]["S"].startswith("asset:img:")


async def test_an_archived_object_cannot_be_read(world: World) -> None:
    await world.s3.put_object(Bucket=world.bucket, Key="a.jpg", Body=b"1", StorageClass="GLACIER")
    assert await world.ingest("a.jpg") is IngestOutcome.UNREADABLE
    assert await world.items() == {}


# --- known objects


async def test_a_tagged_object_is_ingested_under_its_ids_and_keeps_its_tags(world: World) -> None:
    await world.put("a.jpg", **BOTH, **OWNERS)
    assert await world.ingest("a.jpg") is IngestOutcome.RECREATED

    ((inventory_id, item),) = (await world.items()).items()
    assert (inventory_id, _asset(item)["ID"]["S"]) == ("asset:uuid:1", "asset:vid:1")
    assert _asset(item)["Type"] == {"S": "Video"}
    assert await world.tags("a.jpg") == BOTH | OWNERS


async def test_a_redelivery_only_touches_and_the_record_keeps_its_asset_id(world: World) -> None:
    await world.put("a.jpg", **BOTH)
    await world.ingest("a.jpg")
    (before,) = (await world.items()).values()
    await world.dynamodb.update_item(
        TableName=world.table,
        Key={"InventoryID": {"S": "asset:uuid:1"}},
        UpdateExpression="SET DigitalSourceAsset.lastModifiedDate = :old",
        ExpressionAttributeValues={":old": {"S": "older"}},
    )
    lost = BOTH | {"AssetID": "asset:vid:another"}
    await world.put("a.jpg", **lost)
    assert await world.ingest("a.jpg") is IngestOutcome.TOUCHED

    (after,) = (await world.items()).values()
    head = await world.s3.head_object(Bucket=world.bucket, Key="a.jpg")
    assert _asset(after).pop("lastModifiedDate") == {"S": head["LastModified"].strftime("%FT%TZ")}
    _asset(before).pop("lastModifiedDate")
    assert after == before
    assert await world.tags("a.jpg") == lost
    assert world.counts().duplicates == {IngestSource.NOTIFICATION: 1}


async def test_without_tags_a_known_object_stays_untagged(world: World) -> None:
    await world.put("a.jpg")
    await world.ingest("a.jpg")
    await world.put("a.jpg", **OWNERS)
    assert await world.ingest("a.jpg") is IngestOutcome.TOUCHED
    assert await world.tags("a.jpg") == OWNERS
    assert len(await world.items()) == 1


async def test_other_ids_at_a_known_path_make_a_second_record(world: World) -> None:
    await world.put("a.jpg")
    await world.ingest("a.jpg")
    await world.put("a.jpg", **BOTH)
    assert await world.ingest("a.jpg") is IngestOutcome.RECREATED
    paths = [item["StoragePath"]["S"] for item in (await world.items()).values()]
    assert paths == [f"{world.bucket}:a.jpg"] * 2


async def test_other_bytes_without_tags_replace_the_asset(world: World) -> None:
    await world.put("a.jpg")
    await world.ingest("a.jpg")
    (old,) = await world.items()
    await world.put("a.jpg", b"2", **OWNERS)
    assert await world.ingest("a.jpg") is IngestOutcome.REPLACED

    (new,) = await world.items()
    assert new != old
    assert (await world.tags("a.jpg"))["InventoryID"] == new
    assert set(await world.tags("a.jpg")) == {"InventoryID", "AssetID", "FileHash"}
    assert world.counts().published == {AssetEventType.CREATED: 2, AssetEventType.DELETED: 1}


async def test_the_same_bytes_elsewhere_are_a_duplicate(world: World) -> None:
    await world.put("a.jpg")
    await world.ingest("a.jpg")
    (first,) = await world.items()
    await world.put("b.jpg", **OWNERS)
    assert await world.ingest("b.jpg") is IngestOutcome.DUPLICATE_TAGGED

    tags = await world.tags("b.jpg")
    assert (tags["InventoryID"], tags["DuplicateHash"]) == (first, "true")
    assert tags["AssetID"] == (await world.tags("a.jpg"))["AssetID"]
    assert set(await world.items()) == {first}
    # Both tags then lead to the first record, so a repetition has no effect.
    assert await world.ingest("b.jpg") is IngestOutcome.TOUCHED
    assert await world.tags("b.jpg") == tags


# --- locks


async def test_other_bytes_with_both_tags_leave_no_asset_and_a_lock_of_five_minutes(
    world: World,
) -> None:
    await world.put("a.jpg", **BOTH)
    await world.ingest("a.jpg")
    await world.put("a.jpg", b"2", **BOTH)
    assert await world.ingest("a.jpg") is IngestOutcome.DELETED_ONLY

    lock = lock_id(world.bucket, "a.jpg", None)
    items = await world.items()
    assert set(items) == {lock}
    assert items[lock]["StoragePath"] == {"S": f"LOCK::{world.bucket}:a.jpg"}
    assert await world.ingest("a.jpg") is None
    assert world.counts().locked == 1

    clock = [datetime.now(UTC) + timedelta(seconds=290)]
    ingest = MediaLakeIngest(
        table_name=world.table,
        settings=IngestSettings(),
        s3=world.s3,
        dynamodb=world.dynamodb,
        now=lambda: clock[0],
    )
    event = ObjectEvent(event_name="ObjectCreated:", bucket=world.bucket, key="a.jpg")
    await ingest.handle(event)
    assert ingest.counts.locked == 1
    clock[0] += timedelta(seconds=30)
    await ingest.handle(event)
    assert ingest.counts.outcomes == {IngestOutcome.RECREATED: 1}
    assert set(await world.items()) == {"asset:uuid:1"}


async def test_a_lock_is_of_one_version_and_drops_concurrent_messages(world: World) -> None:
    await world.put("a.jpg")
    taken = lock_item(world.bucket, "a.jpg", "v1", now_s=int(datetime.now(UTC).timestamp()))
    await world.dynamodb.put_item(TableName=world.table, Item=taken)

    assert await world.ingest("a.jpg", versionId="v1") is None
    assert await world.ingest("a.jpg", versionId="null") is IngestOutcome.CREATED
    assert (world.counts().locked, world.counts().outcomes) == (1, {IngestOutcome.CREATED: 1})


async def test_a_lock_at_the_objects_own_path_is_not_a_record(world: World) -> None:
    await world.put("a.jpg")
    lock = {"InventoryID": {"S": "LOCK#x"}, "StoragePath": {"S": f"{world.bucket}:a.jpg"}}
    await world.dynamodb.put_item(TableName=world.table, Item=lock)
    assert await world.ingest("a.jpg") is IngestOutcome.CREATED


async def test_a_failed_request_releases_the_lock(world: World) -> None:
    await world.put("a.jpg")
    queried = world.dynamodb.get_paginator

    def fail(_name: str) -> Any:
        raise RuntimeError("no answer")

    world.dynamodb.get_paginator = fail
    with pytest.raises(RuntimeError, match="no answer"):
        await world.ingest("a.jpg")
    assert await world.items() == {}

    world.dynamodb.get_paginator = queried
    assert await world.ingest("a.jpg") is IngestOutcome.CREATED


# --- deletions


async def _versions(world: World) -> list[str]:
    listed = await world.s3.list_object_versions(Bucket=world.bucket, Prefix="a.jpg")
    return [each["VersionId"] for each in listed.get("Versions", ())]


async def test_a_deleted_object_loses_its_record(world: World, eventually: Any) -> None:
    await world.put("a.jpg")
    await world.ingest("a.jpg")
    await world.system.subscribe(world.bucket)
    await world.s3.delete_object(Bucket=world.bucket, Key="a.jpg")
    await eventually(lambda: world.counts().outcomes.get(IngestOutcome.ASSET_DELETED))
    await eventually(lambda: world.system.is_idle)
    assert await world.items() == {}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("Enabled", IngestOutcome.VERSION_IGNORED), ("Suspended", IngestOutcome.ASSET_DELETED)],
)
async def test_a_deleted_noncurrent_version_deletes_the_asset_if_versioning_is_suspended(
    world: World, status: str, outcome: IngestOutcome
) -> None:
    async def set_versioning(wanted: str) -> None:
        await world.s3.put_bucket_versioning(
            Bucket=world.bucket, VersioningConfiguration={"Status": wanted}
        )

    await set_versioning("Enabled")
    await world.put("a.jpg", b"old")
    (old,) = await _versions(world)
    await world.put("a.jpg", b"new")
    await world.ingest("a.jpg")
    # In this order, because the emulator has no versions while versioning is suspended.
    await world.s3.delete_object(Bucket=world.bucket, Key="a.jpg", VersionId=old)
    await set_versioning(status)
    listed = await world.s3.list_objects_v2(Bucket=world.bucket)
    assert listed["KeyCount"] == 1
    removal = world.record("a.jpg", versionId=old) | {"eventName": "ObjectRemoved:Delete"}
    await world.system.accept({"Records": [removal]})

    assert world.counts().outcomes == {IngestOutcome.CREATED: 1, outcome: 1}
    is_kept = outcome is IngestOutcome.VERSION_IGNORED
    assert len(await world.items()) == is_kept
    listed = await world.s3.list_objects_v2(Bucket=world.bucket)
    assert listed["KeyCount"] == is_kept


@pytest.mark.parametrize("deletes_last", [False, True])
async def test_with_versions_the_current_state_decides(world: World, deletes_last: bool) -> None:
    await world.s3.put_bucket_versioning(
        Bucket=world.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    await world.put("a.jpg")
    await world.put("a.jpg.jpg", b"a longer key under the same prefix")
    await world.ingest("a.jpg")
    (version,) = [
        each["VersionId"]
        for each in (await world.s3.list_object_versions(Bucket=world.bucket, Prefix="a.jpg"))[
            "Versions"
        ]
        if each["Key"] == "a.jpg"
    ]
    if not deletes_last:
        await world.s3.delete_object(Bucket=world.bucket, Key="a.jpg")
    await world.s3.delete_object(Bucket=world.bucket, Key="a.jpg", VersionId=version)
    removal = world.record("a.jpg", versionId=version) | {"eventName": "ObjectRemoved:Delete"}
    await world.system.accept({"Records": [removal]})
    assert world.counts().outcomes == {IngestOutcome.CREATED: 1, IngestOutcome.ASSET_DELETED: 1}


async def test_the_asset_index_stays_empty(world: World) -> None:
    await world.put("a.jpg", **BOTH)
    await world.ingest("a.jpg")
    scanned = await world.dynamodb.scan(TableName=world.table, IndexName="AssetIDIndex")
    assert (scanned["Count"], len(await world.items())) == (0, 1)
