"""The facts behind the rules and the local Media Lake, checked on the published ingest function.

Each test is one fact. A failure means that this version of Media Lake behaves differently, so the
rules that depend on the fact must be checked.
"""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import pytest
from media_lake import MediaLake
from media_syncs.ingest import EVENTBRIDGE, S3_NOTIFICATIONS, Record, Seen

OWNER = {"Owner": "archive@example.com"}
IDS = {"InventoryID": "asset:uuid:ours", "AssetID": "asset:vid:ours"}


@dataclass(kw_only=True)
class Bucket:
    """A bucket that Media Lake watches."""

    system: Any
    lake: MediaLake
    name: str
    integration: str = EVENTBRIDGE
    published: list[tuple[str, str]] = field(default_factory=list)

    def upload(self, key: str, tags: dict[str, str] | None = None, **more: Any) -> Seen:
        """Upload an object and let it be ingested; no bytes are in two buckets."""
        body = f"{self.name} {more.pop('content', key)}".encode()
        self.system.put(self.name, key, tags, Body=body, **more)
        return self.ingest(key)

    def ingest(self, key: str) -> Seen:
        self.lake.drain(self.integration)
        self.published = [
            (kind, asset_type) for kind, _, asset_type in sorted(self.lake.published())
        ]
        return self.see(key)

    def see(self, key: str) -> Seen:
        return self.lake.look(self.name)[key]

    def tag(self, key: str, tags: dict[str, str]) -> None:
        self.system.s3.put_object_tagging(
            Bucket=self.name,
            Key=key,
            Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]},
        )

    def copy_onto_itself(self, key: str) -> Seen:
        """Copy an object with its tags, as a trigger does."""
        self.system.s3.copy_object(
            Bucket=self.name,
            Key=key,
            CopySource={"Bucket": self.name, "Key": key},
            MetadataDirective="REPLACE",
            TaggingDirective="COPY",
        )
        return self.ingest(key)

    def send(self, body: dict[str, Any]) -> None:
        """Send one of this service's messages to its ingest queue."""
        self.system.sqs.send_message(
            QueueUrl=self.lake.ingest_url(EVENTBRIDGE),
            MessageBody=json.dumps(body),
            MessageGroupId="ours",
        )

    def forget(self, record: Record) -> None:
        self.system.dynamodb.delete_item(
            TableName=self.system.assets_table,
            Key={"InventoryID": {"S": record.inventory_id}},
        )

    def locks(self) -> int:
        items = self.system.dynamodb.scan(TableName=self.system.assets_table)["Items"]
        return sum(item["InventoryID"]["S"].startswith(f"LOCK#{self.name}#") for item in items)


_NUMBERS = itertools.count()


@pytest.fixture
def bucket(system: Any, lake: MediaLake) -> Bucket:
    name = f"facts-{next(_NUMBERS)}"
    system.bucket(name)
    lake.attach(name)
    lake.drain(EVENTBRIDGE)
    lake.published()
    return Bucket(system=system, lake=lake, name=name)


def ids_of(record: Record) -> dict[str, str]:
    return {"InventoryID": record.inventory_id, "AssetID": record.asset_id}


def only(seen: Seen) -> Record:
    (record,) = seen.records
    return record


def test_object_without_ids_gets_three_tags_and_loses_all_others(bucket: Bucket) -> None:
    seen = bucket.upload("clip.mov", OWNER)

    record = only(seen)
    assert seen.tags == {**ids_of(record), "FileHash": record.file_hash}
    assert record.inventory_id.startswith("asset:uuid:")
    assert record.asset_id.startswith("asset:vid:")
    assert bucket.published == [("AssetCreated", "Video")]


def test_both_tags_unknown_make_a_record_under_them(bucket: Bucket) -> None:
    seen = bucket.upload("clip.mov", {**OWNER, **IDS})

    assert ids_of(only(seen)) == IDS
    assert seen.tags == {**OWNER, **IDS}
    assert bucket.published == [("AssetCreated", "Video")]


def test_both_tags_unknown_are_believed_whatever_is_at_the_path(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov"))
    bucket.tag("clip.mov", {"InventoryID": "asset:uuid:two", "AssetID": "asset:vid:two"})

    seen = bucket.copy_onto_itself("clip.mov")

    assert {record.inventory_id for record in seen.records} == {
        first.inventory_id,
        "asset:uuid:two",
    }


@pytest.mark.parametrize(
    ("asset_id", "name", "content_type", "recorded", "announced"),
    [
        ("asset:vid:x", "a.vob", "video/mpeg", "Video", "Other"),
        ("asset:aud:x", "a.pcm", "", "Audio", "Audio"),
        ("asset:oth:x", "a.mov", "video/mpeg", "Image", "Video"),
        ("plain", "b.vob", "video/mpeg", "Video", "Other"),
        ("plain", "b.pcm", "", "Audio", "Audio"),
    ],
)
def test_type_is_of_the_asset_id(
    bucket: Bucket, asset_id: str, name: str, content_type: str, recorded: str, announced: str
) -> None:
    """The event's type is by extension alone; the record's by the id, then by content type."""
    more = {"ContentType": content_type} if content_type else {}
    tags = {"InventoryID": f"asset:uuid:{bucket.name}", "AssetID": asset_id}

    seen = bucket.upload(name, tags, **more)

    assert only(seen).type == recorded
    assert bucket.published == [("AssetCreated", announced)]


def test_content_type_lets_in_but_gives_no_type_without_ids(bucket: Bucket) -> None:
    record = only(bucket.upload("a.vob", ContentType="video/mpeg"))

    assert record.type == "Other"
    assert record.asset_id.startswith("asset:img:")
    assert bucket.published == [("AssetCreated", "Other")]


@pytest.mark.parametrize("name", ["a.xml", "a.pdf", "a.heic", "a.dng", "a.vob", "a", "a.mov/b"])
def test_not_taken(bucket: Bucket, name: str) -> None:
    tags = {"InventoryID": f"asset:uuid:{name}", "AssetID": "asset:img:x", **OWNER}

    seen = bucket.upload(name, tags)

    assert (seen.records, seen.tags, bucket.published) == ((), tags, [])
    assert bucket.locks() == 0


def test_known_content_sets_the_date_alone(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov"))
    bucket.tag("clip.mov", {"InventoryID": first.inventory_id, "AssetID": "asset:vid:other"})

    seen = bucket.copy_onto_itself("clip.mov")

    assert only(seen).asset_id == first.asset_id
    assert seen.tags["AssetID"] == "asset:vid:other"
    assert bucket.published == []


def test_same_content_without_tags_stays_untagged(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov"))

    seen = bucket.upload("clip.mov", OWNER)

    assert only(seen).inventory_id == first.inventory_id
    assert seen.tags == OWNER
    assert bucket.published == []


def test_other_content_without_tags_replaces_the_asset(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov"))

    seen = bucket.upload("clip.mov", OWNER, content="other")

    second = only(seen)
    assert second.inventory_id != first.inventory_id
    assert seen.tags == {**ids_of(second), "FileHash": second.file_hash}
    assert bucket.published == [("AssetCreated", "Video"), ("AssetDeleted", "")]
    assert bucket.locks() == 0


def test_other_content_with_both_tags_deletes_the_asset_and_keeps_the_lock(
    bucket: Bucket,
) -> None:
    first = only(bucket.upload("clip.mov"))

    seen = bucket.upload("clip.mov", ids_of(first), content="other")

    assert seen.records == ()
    assert bucket.published == [("AssetDeleted", "")]
    assert bucket.locks() == 1
    assert bucket.copy_onto_itself("clip.mov").records == ()


def test_other_content_with_its_inventory_tag_is_replaced_under_it(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov"))

    second = only(bucket.upload("clip.mov", {"InventoryID": first.inventory_id}, content="other"))

    assert second.inventory_id == first.inventory_id
    assert second.asset_id != first.asset_id


def test_same_content_with_its_inventory_tag_sets_the_date_alone(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov"))

    seen = bucket.upload("clip.mov", {"InventoryID": first.inventory_id})

    assert ids_of(only(seen)) == ids_of(first)
    assert seen.tags == {"InventoryID": first.inventory_id}


def test_inventory_tag_of_another_object_is_replaced(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov"))

    second = only(bucket.upload("other.mov", {"InventoryID": first.inventory_id}))

    assert second.inventory_id != first.inventory_id
    assert ids_of(only(bucket.see("clip.mov"))) == ids_of(first)


def test_unknown_inventory_tag_alone_is_adopted(bucket: Bucket) -> None:
    seen = bucket.upload("clip.mov", {"InventoryID": "asset:uuid:alone", **OWNER})

    record = only(seen)
    assert record.inventory_id == "asset:uuid:alone"
    assert seen.tags == {**ids_of(record), "FileHash": record.file_hash}


def test_known_content_at_a_new_key_is_tagged_as_duplicate(bucket: Bucket) -> None:
    first = only(bucket.upload("clip.mov", content="same"))

    seen = bucket.upload("copy.mov", OWNER, content="same")

    assert seen.records == ()
    assert seen.tags == {**ids_of(first), "FileHash": first.file_hash, "DuplicateHash": "true"}
    assert bucket.published == []


def test_known_content_at_a_new_key_with_new_ids_is_an_asset(bucket: Bucket) -> None:
    bucket.upload("clip.mov", content="alike")
    ids = {"InventoryID": "asset:uuid:twin", "AssetID": "asset:vid:twin"}

    assert ids_of(only(bucket.upload("copy.mov", ids, content="alike"))) == ids


def test_date_is_of_the_object_and_e_tag_of_the_first_version(bucket: Bucket) -> None:
    """A copy in place changes the ETag of a multipart upload; the record keeps the old one."""
    s3 = bucket.system.s3
    here = {"Bucket": bucket.name, "Key": "clip.mov"}
    upload_id = s3.create_multipart_upload(**here)["UploadId"]
    part = s3.upload_part(**here, UploadId=upload_id, PartNumber=1, Body=b"parts")["ETag"]
    s3.complete_multipart_upload(
        **here,
        UploadId=upload_id,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]},
    )
    first = bucket.ingest("clip.mov")

    second = bucket.copy_onto_itself("clip.mov")

    assert first.etag.endswith("-1")
    assert second.etag != first.etag
    assert only(second).etag == first.etag
    head = s3.head_object(**here)
    assert only(second).last_modified == head["LastModified"].strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_event_of_this_service_is_not_understood(bucket: Bucket) -> None:
    bucket.lake.detach(bucket.name)
    bucket.upload("clip.mov", IDS)
    detail = {"bucketName": bucket.name, "objectKey": "clip.mov"}
    bucket.send({"source": "asset-sync", "detail-type": "AssetSyncObjectReady", "detail": detail})

    assert bucket.ingest("clip.mov").records == ()


@pytest.mark.parametrize("source", ["aws:s3", "medialake.AssetSyncProcessor"])
def test_message_in_the_form_of_a_notification_is_taken(bucket: Bucket, source: str) -> None:
    key = "é + % %2B & 'x' 🎬.mov"
    bucket.lake.detach(bucket.name)
    bucket.upload(key, {"InventoryID": f"asset:uuid:{source}", "AssetID": "asset:vid:x"})
    thing = {"bucket": {"name": bucket.name}, "object": {"key": quote_plus(key)}}
    bucket.send(
        {"Records": [{"eventSource": source, "eventName": "ObjectCreated:Copy", "s3": thing}]}
    )

    assert only(bucket.ingest(key)).inventory_id == f"asset:uuid:{source}"


@pytest.mark.parametrize("integration", [EVENTBRIDGE, S3_NOTIFICATIONS])
def test_awkward_keys_arrive(bucket: Bucket, integration: str) -> None:
    bucket.integration = integration
    for key in ("a+b.mov", "a b.mov", "a%2Bb.mov", "a%.mov", "é🎬.mov", "a//b.mov"):
        assert len(bucket.upload(key).records) == 1, key


def test_nothing_is_in_the_asset_index(bucket: Bucket) -> None:
    bucket.upload("clip.mov")

    found = bucket.system.dynamodb.scan(
        TableName=bucket.system.assets_table, IndexName="AssetIDIndex"
    )
    assert found["Items"] == []
