"""Whole jobs: both discoveries and both triggers, and all guarantees of a sync for a bucket."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from domain.identity import mint_inventory_id, mint_typed_asset_id
from entrypoints.cli.local.request_counter import writes_to

Json = dict[str, Any]

pytestmark = pytest.mark.slow

HARD_KEYS = (
    "plain.jpg",
    "a b+c.jpg",
    "100% é/ü%20 %2B.mov",
    "アーカイブ/写真 🎬.png",
    'it\'s "x"&y=z;#1?.pdf',
    "comma,semi;[1]{2}.srt",
    "..hidden/~tilde|pipe\\back.wav",
    "no extension ",
    # Characters that XML 1.0 cannot hold, or changes.
    "esc\x1b[31m.jpg",
    "bell\x07.mov",
    "noncharacter\uffff\ufffe.png",
    "line\r\nbreak\u2028.wav",
)
KNOWN, INVENTORY, STALE, SEVEN, ARCHIVED = (
    "ids/known +.jpg",
    "ids/inventory %.jpg",
    "ids/stale é.jpg",
    "seven tags.gif",
    "archived.mov",
)
METADATA: Json = {
    "ContentType": "image/x-ünlikely".encode("ascii", "ignore").decode(),
    "CacheControl": "max-age=7",
    "ContentDisposition": 'attachment; filename="x y.jpg"',
    "ContentLanguage": "de",
    "Metadata": {"camera": "R5", "shot-by": "someone"},
}


@dataclass
class Synced:
    """A bucket, its content before the first job, and what that job reported and did."""

    bucket: str
    discovery: str
    trigger: str
    before: dict[str, Json] = field(default_factory=dict)
    tags_before: dict[str, dict[str, str]] = field(default_factory=dict)
    job: Json = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    notifications: list[Json] = field(default_factory=list)
    statuses: list[Json] = field(default_factory=list)
    ends: list[Json] = field(default_factory=list)

    @property
    def job_id(self) -> str:
        return str(self.job["jobId"])

    @property
    def archived_is_written(self) -> bool:
        """Trigger `event` writes only tags, which is possible on an archived object too."""
        return self.trigger == "event"

    def ids(self, key: str) -> dict[str, str]:
        """Return the ids that the object must have afterwards."""
        tagged = self.tags_before[key]
        return {
            "AssetID": tagged.get("AssetID") or mint_typed_asset_id(self.bucket, key),
            "InventoryID": tagged.get("InventoryID") or mint_inventory_id(self.bucket, key),
        }

    @property
    def written(self) -> set[str]:
        untouched = {KNOWN} if self.archived_is_written else {KNOWN, ARCHIVED}
        return set(self.before) - untouched


@pytest.fixture(scope="module")
def system(start_system: Callable[..., Any]) -> Any:
    return start_system({"object_count_max": 6, "window_object_count": 4})


@pytest.fixture(
    scope="module",
    params=[("batch", "copy"), ("batch", "event"), ("direct", "copy"), ("direct", "event")],
    ids="-".join,
)
def synced(system: Any, request: pytest.FixtureRequest) -> Synced:
    discovery, trigger = request.param
    name = f"media-{discovery}-{trigger}"
    synced = Synced(system.bucket(name), discovery, trigger)
    _fill(system, synced)
    statuses = system.subscribe_to_statuses(f"{name}-statuses")
    ends = system.subscribe_to_statuses(f"{name}-ends", "COMPLETED", "FAILED")
    events = system.subscribe_to_events(f"{name}-events", name)
    notifications = system.subscribe_to_notifications(f"{name}-notifications", name)
    system.api.connect(name, trigger=trigger)
    job_id = system.api.sync(name, discovery=discovery)
    synced.job = system.api.ended(job_id)
    system.idle()
    synced.events = system.received(events)
    synced.notifications = [
        record for message in system.received(notifications) for record in message["Records"]
    ]
    synced.statuses = [m for m in system.received(statuses) if m["jobId"] == job_id]
    synced.ends = [m for m in system.received(ends) if m["jobId"] == job_id]
    return synced


def _fill(system: Any, synced: Synced) -> None:
    bucket = synced.bucket
    for number, key in enumerate(HARD_KEYS):
        tags = {"project": f"campaign {number}", "owner": "ö@x.com"} if number % 2 else {}
        system.put(bucket, key, tags, Body=key.encode(), **METADATA)
    known = {"AssetID": f"a-known-{bucket}", "InventoryID": f"i-known-{bucket}"}
    system.know(known["InventoryID"], known["AssetID"])
    system.put(bucket, KNOWN, {**known, "owner": "me"}, **METADATA)
    system.know(f"i-inventory-{bucket}", None)
    system.put(bucket, INVENTORY, {"InventoryID": f"i-inventory-{bucket}"}, **METADATA)
    system.put(bucket, STALE, {"AssetID": "a-lost", "InventoryID": f"i-lost-{bucket}"})
    system.put(bucket, SEVEN, {f"tag {number}": "value" for number in range(7)})
    system.put(bucket, ARCHIVED, {"owner": "me"}, StorageClass="GLACIER")
    system.put(bucket, "folder marker/", Body=b"")
    for key in (*HARD_KEYS, KNOWN, INVENTORY, STALE, SEVEN, ARCHIVED):
        synced.before[key] = _seen(system, bucket, key)
        synced.tags_before[key] = system.tags(bucket, key)


def _seen(system: Any, bucket: str, key: str) -> Json:
    head = system.s3.head_object(Bucket=bucket, Key=key)
    for name in ("ResponseMetadata", "TagCount"):
        head.pop(name, None)
    return dict(head)


def test_the_job_completes_and_counts_each_object_once(synced: Synced) -> None:
    count = len(synced.before)
    statistics = synced.job["statistics"]
    assert synced.job["status"] == "COMPLETED", synced.job
    archived = 0 if synced.archived_is_written else 1
    assert statistics == {
        "objectsListed": count,
        "objectsFiltered": 1,
        "objectsNotMedia": 0,
        "ingesting": 0,
        "notTaken": 0,
        "notMedia": 0,
        "tagsRestored": 0,
        "knownAsListed": 0,
        "bytesListed": sum(head["ContentLength"] for head in synced.before.values()),
        "skipped": 1,
        "copied": 1,
        "put": count - 2 - archived,
        "archived": archived,
        "gone": 0,
        "failed": 0,
    }
    assert synced.job["progress"]["percent"] == 100
    assert synced.job["chunks"]["completed"] == synced.job["chunks"]["total"] > 1
    assert (synced.job["batchJobId"] is not None) == (synced.discovery == "batch")


def test_each_object_has_its_ids_and_all_of_its_owners_tags(system: Any, synced: Synced) -> None:
    for key, before in synced.tags_before.items():
        found = system.tags(synced.bucket, key)
        if key in synced.written:
            mark = found.pop("SyncJobID")
            assert mark.startswith(f"{synced.job_id}/"), key
            assert found == {**before, **synced.ids(key)}, key
        else:
            assert found == before, key


def test_nothing_else_of_an_object_changes(system: Any, synced: Synced) -> None:
    for key, before in synced.before.items():
        after = _seen(system, synced.bucket, key)
        if key in synced.written and synced.trigger == "copy":
            assert after.pop("LastModified") >= before["LastModified"]
            before = {**before}
            before.pop("LastModified")
        assert after == before, key
    with system.s3.get_object(Bucket=synced.bucket, Key=HARD_KEYS[2])["Body"] as body:
        assert body.read() == HARD_KEYS[2].encode()


def test_trigger_copy_shows_as_a_copy_of_each_object_once_and_event_not_at_all(
    synced: Synced,
) -> None:
    kinds = [record["eventName"] for record in synced.notifications]
    expected = len(synced.written) if synced.trigger == "copy" else 0
    assert kinds == ["ObjectCreated:Copy"] * expected


def test_each_object_that_needs_ingestion_is_announced_once(synced: Synced) -> None:
    details = [event["detail"] for event in synced.events]
    assert {(e["source"], e["detail-type"]) for e in synced.events} == {
        ("asset-sync", "AssetSyncObjectReady")
    }
    assert sorted(each["objectKey"] for each in details) == sorted(synced.written)
    assert len({each["eventId"] for each in details}) == len(details)
    for each in details:
        key = each["objectKey"]
        assert set(each) == {
            "eventId",
            "jobId",
            "connectorId",
            "bucketName",
            "objectKey",
            "versionId",
            "eTag",
            "size",
            "assetId",
            "inventoryId",
            "processingAction",
        }
        assert (each["jobId"], each["connectorId"]) == (synced.job_id, synced.bucket)
        ids = synced.ids(key)
        assert (each["assetId"], each["inventoryId"]) == (ids["AssetID"], ids["InventoryID"])
        assert each["processingAction"] == ("COPY" if key == INVENTORY else "PUT")
        assert each["size"] == synced.before[key]["ContentLength"]
        assert each["eTag"] == synced.before[key]["ETag"].strip('"')


def test_the_catalog_has_each_object_afterwards(system: Any, synced: Synced) -> None:
    for key in synced.written | {KNOWN}:
        ids = synced.ids(key)
        assert system.asset_of(ids["InventoryID"]) == ids["AssetID"], key


def test_every_listed_object_has_one_outcome_and_the_files_match_the_job(
    system: Any, synced: Synced
) -> None:
    rows = system.listed_rows(synced.job_id, discovery=synced.discovery)
    assert len(rows) == len(set(rows)) == len(synced.before)
    outcomes = system.outcomes(synced.job_id)
    assert sorted(each["key"] for each in outcomes) == sorted(synced.before)
    kinds = {each["key"]: each["outcome"] for each in outcomes}
    assert (kinds[KNOWN], kinds[INVENTORY], kinds[STALE]) == ("SKIPPED", "COPIED", "PUT")
    assert kinds[ARCHIVED] == ("PUT" if synced.archived_is_written else "ARCHIVED")
    summary = json.loads(system.result(synced.job_id, "summary.json"))
    shown = system.api.get(f"/jobs/{synced.job_id}")
    # The summary is of the job's end, and the index is made after it, by a sweep.
    varying = {"progress", "updatedAt", "outcomeIndex"}
    assert {k: v for k, v in summary.items() if k not in varying} == {
        k: v for k, v in shown.items() if k not in varying
    }


def test_any_key_can_be_explained(system: Any, synced: Synced) -> None:
    for key in (*HARD_KEYS, INVENTORY):
        found = system.api.get(f"/jobs/{synced.job_id}/objects", key=key)
        assert found["objectKey"] == key
        assert found["outcome"]["outcome"] == ("COPIED" if key == INVENTORY else "PUT")
    status, _ = system.api("GET", f"/jobs/{synced.job_id}/objects", key="not there")
    assert status == 404


def test_every_change_of_status_is_announced_and_subscribers_can_filter(synced: Synced) -> None:
    in_order = sorted(synced.statuses, key=lambda message: message["occurredAt"])
    seen = {message["status"]: message["previousStatus"] for message in in_order}
    assert seen == {
        "INITIALIZING": None,
        "DISCOVERING": "INITIALIZING",
        "PROCESSING": "DISCOVERING",
        "COMPLETED": "PROCESSING",
    }
    # At least once: two processes may both publish a change, and then publish the same message.
    assert len({(m["status"], m["occurredAt"]) for m in synced.statuses}) == 4
    end = synced.ends[0]
    assert {m["status"] for m in synced.ends} == {"COMPLETED"}
    assert set(end) == {
        "jobId",
        "connectorId",
        "bucketName",
        "status",
        "previousStatus",
        "statistics",
        "occurredAt",
    }
    counts = {name: synced.job["statistics"][name] for name in ("skipped", "copied", "put")}
    assert end["statistics"].items() >= counts.items()


def test_a_second_run_skips_what_the_first_did_and_writes_nothing(
    system: Any, synced: Synced
) -> None:
    events = system.queue(f"{synced.bucket}-events")[0]
    heads = {key: _seen(system, synced.bucket, key) for key in synced.before}
    system.calls.take()
    job_id = system.api.sync(synced.bucket, discovery=synced.discovery)
    second = system.api.ended(job_id)
    calls = system.calls.take()
    system.idle()
    archived = 0 if synced.archived_is_written else 1
    assert second["status"] == "COMPLETED"
    assert second["statistics"]["skipped"] == len(synced.before) - archived
    assert second["statistics"]["archived"] == archived
    assert writes_to(calls, synced.bucket) == 0
    assert calls["events", "PutEvents", ""] == 0
    assert system.received(events) == []
    assert {key: _seen(system, synced.bucket, key) for key in heads} == heads
    mark = system.tags(synced.bucket, HARD_KEYS[0])["SyncJobID"]
    assert mark.startswith(f"{synced.job_id}/")
    assert system.status().dropped == ()


def test_both_discoveries_lead_to_the_same_outcomes(system: Any) -> None:
    def outcomes(discovery: str) -> dict[str, tuple[str, str]]:
        job = next(
            job
            for job in reversed(system.api.items("/jobs", connectorId=f"media-{discovery}-copy"))
        )
        return {o["key"]: (o["outcome"], o["reason"]) for o in system.outcomes(job["jobId"])}

    assert outcomes("batch") == outcomes("direct")
