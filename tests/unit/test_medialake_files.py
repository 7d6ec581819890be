"""Which files Media Lake ingests, which messages it understands, and its items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.local_aws.asset_system.medialake.file_types import (
    SUPPORTED_EXTENSIONS,
    AssetType,
    FileFilter,
    asset_type_of,
    extension_of,
    file_filter,
)
from adapters.local_aws.asset_system.medialake.items import (
    is_lock,
    lock_id,
    lock_item,
    record_item,
    record_of,
)
from adapters.local_aws.asset_system.medialake.messages import (
    DELETE_MARKER_CREATED,
    PERMANENTLY_DELETED,
    ObjectEvent,
    events_of_body,
    keys_to_try,
)
from adapters.local_aws.asset_system.medialake.rules import refusal
from adapters.local_aws.asset_system.medialake.values import IngestObject, IngestOutcome, Record

Json = dict[str, Any]


# --- types


@pytest.mark.parametrize(
    ("content_type", "key", "asset_type"),
    [
        ("", "a.jpg", AssetType.IMAGE),
        ("binary/octet-stream", "a.NEF", AssetType.IMAGE),
        ("application/octet-stream", "a.mxf", AssetType.VIDEO),
        ("", "a.m4a", AssetType.AUDIO),
        # The content type has priority over the extension, and is sufficient alone.
        ("video/mp4", "a.jpg", AssetType.VIDEO),
        ("Image/X-Adobe-DNG", "a.dng", AssetType.IMAGE),
        ("application/photoshop", "a", AssetType.IMAGE),
        ("application/illustrator; v=1", "a", AssetType.IMAGE),
        ("audio", "a", AssetType.AUDIO),
        ("audio;v=1", "a", AssetType.OTHER),
        ("application/mp4", "a", AssetType.OTHER),
        ("", "a", AssetType.OTHER),
        ("", "a.mp4/part", AssetType.OTHER),
        ("", "a.mp4 ", AssetType.OTHER),
    ],
)
def test_type_by_content_type_then_extension(
    content_type: str, key: str, asset_type: AssetType
) -> None:
    assert asset_type_of(content_type, extension_of(key)) is asset_type


@pytest.mark.parametrize("extension", ["xml", "pdf", "dng", "r3d", "heic", "ai", "m4v", "flac"])
def test_what_it_does_not_support_by_extension(extension: str) -> None:
    assert extension not in SUPPORTED_EXTENSIONS
    assert refusal(f"a.{extension}", "binary/octet-stream", None) is IngestOutcome.IGNORED_TYPE


def test_it_supports_forty_extensions() -> None:
    assert len(SUPPORTED_EXTENSIONS) == 40


# --- the connector's filter

ALLOW = file_filter(extensions=[" .JPG ", "pdf", ""], mime_types=["Video/*", "text/plain "])
DENY = file_filter(mode=" Deny ", extensions=["jpg"], mime_types=["video/mp4"])


@pytest.mark.parametrize(
    ("wanted", "key", "content_type", "outcome"),
    [
        (None, "a.jpg", "", None),
        (ALLOW, "a.jpg", "", None),
        (ALLOW, "a.png", "", IngestOutcome.FILTERED),
        (ALLOW, "a.png", "video/mp4", None),
        (ALLOW, "a.pdf", "", None),
        (ALLOW, "a.txt", "Text/Plain; charset=utf-8", None),
        (ALLOW, "a.xml", "", IngestOutcome.IGNORED_TYPE),
        (ALLOW, "a", "", IngestOutcome.IGNORED_TYPE),
        (DENY, "a.jpg", "", IngestOutcome.FILTERED),
        (DENY, "a.png", "", None),
        (DENY, "a.png", "video/mp4", IngestOutcome.FILTERED),
        (DENY, "a.png", "video/quicktime", None),
        # A deny list allows no document.
        (DENY, "a.pdf", "", IngestOutcome.IGNORED_TYPE),
        (file_filter(mode="deny", extensions=["pdf"]), "a.pdf", "", IngestOutcome.IGNORED_TYPE),
        (file_filter(mime_types=["*"]), "a.pdf", "application/pdf", None),
        (file_filter(mime_types=["*/*"]), "a.pdf", "application/pdf", None),
        (file_filter(mime_types=["*"]), "a.pdf", "", IngestOutcome.IGNORED_TYPE),
        (file_filter(mime_types=["image"]), "a.png", "image/png", IngestOutcome.FILTERED),
    ],
)
def test_the_filter_narrows_media_and_only_an_allow_list_lets_others_in(
    wanted: FileFilter | None, key: str, content_type: str, outcome: IngestOutcome | None
) -> None:
    assert refusal(key, content_type, wanted) is outcome


def test_a_filter_that_names_nothing_is_none_and_an_unknown_mode_allows() -> None:
    assert file_filter(extensions=[" "], mime_types=[""]) is None
    assert file_filter(mode="only", extensions=["jpg"]) == file_filter(extensions=["jpg"])


# --- messages


def s3_record(key: str = "in/a+b%2Bc%C3%BC.jpg", **more: Any) -> Json:
    described = {"bucket": {"name": "media"}, "object": {"key": key, "versionId": "v1"}}
    return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Copy", "s3": described, **more}


def bridge(detail_type: str = "Object Created", **more: Any) -> Json:
    detail = {
        "bucket": {"name": "media"},
        "object": {"key": "in/a+b%2B.jpg", "version-id": "v1"},
        **more.pop("detail", {}),
    }
    return {"source": "aws.s3", "detail-type": detail_type, "detail": detail, **more}


COPIED = ObjectEvent(
    event_name="ObjectCreated:Copy", bucket="media", key="in/a b+cü.jpg", version_id="v1"
)
CREATED = ObjectEvent(
    event_name="ObjectCreated:", bucket="media", key="in/a+b%2B.jpg", version_id="v1"
)


@pytest.mark.parametrize(
    ("body", "events"),
    [
        ({"Records": [s3_record()]}, [COPIED]),
        ({"Records": [s3_record(), s3_record()]}, [COPIED, COPIED]),
        ({"Records": [s3_record(eventSource="medialake.AssetSyncProcessor")]}, [COPIED]),
        (bridge(), [CREATED]),
        ({"Records": []}, []),
        ({}, []),
        ([], []),
        ("text", []),
        ({"Records": [None, "text"]}, []),
        (bridge(source="asset-sync"), []),
        ({"Event": "s3:TestEvent", "Bucket": "media"}, []),
    ],
)
def test_the_shapes_that_it_takes(body: object, events: list[ObjectEvent]) -> None:
    assert list(events_of_body(body)) == events


@pytest.mark.parametrize(
    "body",
    [
        {"Records": [s3_record(eventSource="asset-sync")]},
        {"Records": [{"eventSource": "aws:s3"}]},
        {"Records": [s3_record(s3={"bucket": {}, "object": {"key": "a"}})]},
        {"Records": [s3_record(s3={"bucket": {"name": "b"}, "object": {}})]},
        {"Records": {"s3": s3_record()["s3"]}},
        # This service's own event on the ingest bus.
        {
            "source": "asset-sync",
            "detail-type": "AssetSyncObjectReady",
            "detail": {"bucketName": "media", "objectKey": "a.jpg"},
        },
        bridge("Object Tags Added"),
        bridge("Object ACL Updated"),
        bridge(source="aws.s3control"),
        bridge(detail={"bucket": None}),
        bridge(detail={"object": {}}),
    ],
)
def test_what_it_ignores_in_its_queue(body: Json) -> None:
    assert events_of_body(body) == ()


def test_other_forms_of_an_eventbridge_detail() -> None:
    detail = {"bucket": "media", "object": "a.jpg"}
    (event,) = events_of_body(bridge("CopyObject", detail=detail))
    assert (event.event_name, event.bucket, event.key) == ("ObjectCreated:Copy", "media", "a.jpg")
    (event,) = events_of_body(bridge(detail={"object": None, "key": "b.jpg"}))
    assert (event.key, event.version_id) == ("b.jpg", None)


@pytest.mark.parametrize(
    ("message", "deletion_type"),
    [
        (s3_record(eventName="ObjectRemoved:Delete"), PERMANENTLY_DELETED),
        (s3_record(eventName="ObjectRemoved:DeleteMarkerCreated"), DELETE_MARKER_CREATED),
        (bridge("Object Deleted"), None),
        (
            bridge("Object Deleted", detail={"deletion-type": DELETE_MARKER_CREATED}),
            DELETE_MARKER_CREATED,
        ),
    ],
)
def test_deletions_say_of_which_kind_they_are(message: Json, deletion_type: str | None) -> None:
    (event,) = events_of_body(message if "detail" in message else {"Records": [message]})
    assert (event.is_deletion, event.is_creation) == (True, False)
    assert event.deletion_type == deletion_type


@pytest.mark.parametrize(
    ("name", "is_creation"),
    [
        ("ObjectCreated:Put", True),
        ("ObjectCreated:", True),
        # A notification with the prefix of its configuration is not relevant.
        ("s3:ObjectCreated:Put", False),
        ("ObjectTagging:Put", False),
    ],
)
def test_what_counts_as_a_creation(name: str, is_creation: bool) -> None:
    (event,) = events_of_body({"Records": [s3_record(eventName=name)]})
    assert (event.is_creation, event.is_deletion) == (is_creation, False)


def test_a_record_without_a_name_is_a_creation() -> None:
    record = s3_record()
    del record["eventName"]
    (event,) = events_of_body({"Records": [record]})
    assert event.is_creation


def test_a_key_is_tried_unchanged_and_then_decoded_once_more() -> None:
    assert keys_to_try("a b.jpg") == ("a b.jpg",)
    assert keys_to_try("100%25+.jpg") == ("100%25+.jpg", "100%+.jpg")


# --- items

MODIFIED = datetime(2026, 3, 1, tzinfo=UTC)
SEEN = IngestObject(
    bucket="media",
    key="in/2026/a.jpg",
    size=3,
    etag='"e"',
    md5="hash",
    last_modified=MODIFIED,
    content_type="image/jpeg",
    user_metadata={"origin": "x"},
)
RECORD = Record(
    inventory_id="asset:uuid:1",
    asset_id="asset:img:1",
    asset_type="Image",
    file_hash="hash",
    storage_path="media:in/2026/a.jpg",
    object_key="in/2026/a.jpg",
    last_modified="2026-03-01T00:00:00Z",
    etag="e",
    size=3,
    ingested_at="2026-03-02T00:00:00Z",
)


def _plain(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    return {name: _plain(each) for name, each in value.items()} if kind == "M" else value


def test_a_records_item_has_the_documented_shape() -> None:
    item = record_item(RECORD, SEEN)
    plain = {name: _plain(attribute) for name, attribute in item.items()}
    main = plain["DigitalSourceAsset"].pop("MainRepresentation")

    assert plain["DigitalSourceAsset"] == {
        "ID": "asset:img:1",
        "Type": "Image",
        "CreateDate": "2026-03-02T00:00:00Z",
        "IngestedAt": "2026-03-02T00:00:00Z",
        "originalIngestDate": "2026-03-02T00:00:00Z",
        "lastModifiedDate": "2026-03-01T00:00:00Z",
    }
    location = main["StorageInfo"]["PrimaryLocation"]
    assert location["Bucket"] == "media"
    assert location["ObjectKey"] == {
        "Name": "a.jpg",
        "Path": "in/2026",
        "FullPath": "in/2026/a.jpg",
    }
    assert location["FileInfo"] == {
        "Size": "3",
        "Hash": {"Algorithm": "SHA256", "Value": "e", "MD5Hash": "hash"},
        "CreateDate": "2026-03-01T00:00:00Z",
    }
    assert location["StorageClass"] == "STANDARD"
    assert (main["Format"], main["Type"]) == ("JPG", "Image")
    assert {name: plain[name] for name in ("InventoryID", "FileHash", "StoragePath")} == {
        "InventoryID": "asset:uuid:1",
        "FileHash": "hash",
        "StoragePath": "media:in/2026/a.jpg",
    }
    # The top-level attributes that the index AssetIDIndex would need.
    assert not {"DigitalSourceAsset.ID", "DigitalSourceAsset.IngestedAt"} & set(item)


def test_a_record_survives_its_item() -> None:
    assert record_of(record_item(RECORD, SEEN)) == RECORD


@pytest.mark.parametrize(
    ("item", "record"),
    [
        ({"InventoryID": {"S": "i"}}, Record(inventory_id="i")),
        (
            {"InventoryID": {"S": "i"}, "DigitalSourceAsset": {"M": {"ID": {"S": "a"}}}},
            Record(inventory_id="i", asset_id="a"),
        ),
    ],
)
def test_an_item_may_lack_all_but_its_key(item: Json, record: Record) -> None:
    assert record_of(item) == record


def test_an_incomplete_record_is_not_written() -> None:
    with pytest.raises(ValueError, match="incomplete"):
        record_item(Record(inventory_id="i", asset_id="a"), SEEN)


def test_locks_lie_in_the_same_table_for_five_minutes() -> None:
    assert lock_item("media", "a#b.jpg", "v1", now_s=1_000) == {
        "InventoryID": {"S": "LOCK#media#a#b.jpg#v1"},
        "ProcessingStatus": {"S": "in-progress"},
        "ProcessingStartTime": {"N": "1000"},
        "LockExpiry": {"N": "1300"},
        "StoragePath": {"S": "LOCK::media:a#b.jpg"},
    }
    for no_version in (None, "", "null"):
        assert lock_id("media", "a", no_version) == "LOCK#media#a"
    assert is_lock("LOCK#media#a")
    assert not is_lock("asset:uuid:1")
