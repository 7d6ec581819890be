"""Fills a bucket, and lets Media Lake's ingest process its events, before any sync."""

import time
from collections.abc import Sequence
from typing import Any, Final

from media_syncs.cases import IN_PARTS, INGESTED_FIRST, OURS, Case, Past
from media_syncs.ingest import Ingest

_PART_BYTES: Final = 5 * 1024 * 1024

# An object that is read in the second of its upload is ambiguous, and S3 shows whole seconds.
_MARGIN_S: Final = 0.05


def body_of(case: Case, bucket: str) -> bytes:
    """Return the bytes that the case's object has when the syncs begin.

    No content is in two buckets: Media Lake looks for duplicates in its whole table.
    """
    changed = "OTHER" in case.past.name
    return _body(case, bucket, version=2 if changed else 1)


def _body(case: Case, bucket: str, *, version: int) -> bytes:
    text = f"{bucket} {case.body or case.key} {version}".encode()
    return text + b"\0" * _PART_BYTES if case.past in IN_PARTS or case.parts_again else text


def _wait_for_next_second() -> None:
    time.sleep(1 + _MARGIN_S - time.time() % 1)


class History:
    """Creates the history of a bucket before the first sync."""

    def __init__(self, system: Any, lake: Ingest, bucket: str, integration: str) -> None:
        self._system = system
        self._lake = lake
        self._bucket = bucket
        self._integration = integration

    def happen(self, cases: Sequence[Case]) -> None:
        """Run the whole history; only the events of waiting objects are left in the queues."""
        ours = [case for case in cases if case.past in OURS]
        ingested = [case for case in cases if case.past in INGESTED_FIRST]
        known = [*ours, *ingested]
        for case in ours:
            self._upload(case)
        self._lake.attach(self._bucket)
        self._sync_before()
        for case in ingested:
            self._upload(case)
        self._lake.drain(self._integration)
        _wait_for_next_second()
        for case in known:
            self._ingested_before(case)
        self._lake.drain(self._integration)
        self._lake.detach(self._bucket)
        for case in cases:
            if case not in known and case.past is not Past.NEW_WAITING:
                self._upload(case)
        for case in known:
            self._event_lost(case)
        self._lake.attach(self._bucket)
        for case in cases:
            if case.past.name.endswith("_WAITING"):
                self._upload(case, again=True)
        _wait_for_next_second()

    def _sync_before(self) -> None:
        """Sync the current objects of the bucket, with the defaults."""
        _wait_for_next_second()
        before = self._system.api.connect(
            f"{self._bucket}-before", bucketName=self._bucket, trigger="copy"
        )
        job = self._system.api.ended(self._system.api.sync(before, discovery="direct"))
        assert job["status"] == "COMPLETED", job
        self._system.idle()

    def _ingested_before(self, case: Case) -> None:
        if case.past in (Past.SAME_AGAIN, Past.OTHER):
            self._upload(case, again=True)

    def _event_lost(self, case: Case) -> None:
        tags = self._system.tags(self._bucket, case.key)
        match case.past:
            case Past.ASSET_TAG_LOST:
                self._retag(case, {"InventoryID": tags["InventoryID"]})
            case Past.TAGS_LOST | Past.MULTIPART_TAGS_LOST | Past.OURS_TAGS_LOST:
                self._retag(case, {})
            case Past.RECORD_LOST:
                self._forget(tags["InventoryID"])
                self._retag(case, tags)
            case Past.RECORD_AND_ASSET_TAG_LOST:
                self._forget(tags["InventoryID"])
                self._retag(case, {"InventoryID": tags["InventoryID"]})
            case (
                Past.SAME_AGAIN_LOST
                | Past.OTHER_LOST
                | Past.OURS_SAME_AGAIN_LOST
                | Past.OURS_OTHER_LOST
            ):
                self._upload(case, again=True)
            case Past.OTHER_WITH_INVENTORY_TAG:
                self._upload(case, again=True)
                self._retag(case, {"InventoryID": tags["InventoryID"]})

    def _upload(self, case: Case, *, again: bool = False) -> None:
        body = body_of(case, self._bucket) if again else _body(case, self._bucket, version=1)
        more = {} if case.content_type is None else {"ContentType": case.content_type}
        if case.past not in IN_PARTS and not (again and case.parts_again):
            self._system.put(self._bucket, case.key, case.owner, Body=body, **more)
            return
        s3 = self._system.s3
        started = s3.create_multipart_upload(Bucket=self._bucket, Key=case.key, **more)
        here = {"Bucket": self._bucket, "Key": case.key, "UploadId": started["UploadId"]}
        pieces = (body[:_PART_BYTES], body[_PART_BYTES:])
        parts = [
            {
                "PartNumber": number,
                "ETag": s3.upload_part(**here, PartNumber=number, Body=piece)["ETag"],
            }
            for number, piece in enumerate(pieces, start=1)
        ]
        s3.complete_multipart_upload(**here, MultipartUpload={"Parts": parts})
        self._retag(case, {})

    def _retag(self, case: Case, tags: dict[str, str]) -> None:
        """Replace the tags with the owner's and these."""
        merged = {**case.owner, **tags}
        self._system.s3.put_object_tagging(
            Bucket=self._bucket,
            Key=case.key,
            Tagging={"TagSet": [{"Key": name, "Value": value} for name, value in merged.items()]},
        )

    def _forget(self, inventory_id: str) -> None:
        self._system.dynamodb.delete_item(
            TableName=self._system.assets_table, Key={"InventoryID": {"S": inventory_id}}
        )
