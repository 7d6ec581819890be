"""The ingest of an Asset Management System next to a local stack; a test decides when it runs.

S3's notifications of a bucket, and what the service sends to the system's own queue, wait until
they are drained. They are processed by one of two: the function of a published Media Lake, in a
separate process, or the stack's own system (`media_syncs.stand_in`).
"""

import json
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

Json = dict[str, Any]

EVENTBRIDGE: Final = "eventbridge"
S3_NOTIFICATIONS: Final = "s3Notifications"

_REASONS: Final = {
    "Put": "PutObject",
    "Copy": "CopyObject",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The attributes of an asset's item that a test compares."""

    inventory_id: str
    asset_id: str
    type: str
    file_hash: str
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An object and what the table has at its path."""

    tags: Mapping[str, str]
    etag: str
    version_id: str | None
    records: tuple[Record, ...]


class Ingest(ABC):
    """Queues that wait for an ingest, and its results."""

    def __init__(self, system: Any) -> None:
        self._system = system
        self._notifications_url, self._notifications_arn = system.queue("media-lake-notifications")
        self._fifo_url = system.sqs.create_queue(
            QueueName="media-lake-ingest.fifo",
            Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
        )["QueueUrl"]

    @abstractmethod
    def handle(self, bodies: Sequence[str]) -> None:
        """Ingest at most ten messages of one queue, in their order."""

    @abstractmethod
    def complaints(self) -> list[str]:
        """Return the failures of the ingest since the last time."""

    def attach(self, bucket: str) -> None:
        """Send it the events of every object created in the bucket from now on."""
        self._system.s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": self._notifications_arn, "Events": ["s3:ObjectCreated:*"]}
                ]
            },
        )

    def detach(self, bucket: str) -> None:
        """Send it no more events."""
        self._system.s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={}
        )

    def ingest_url(self, integration: str) -> str:
        """Return the queue that its connector table names for such a connector.

        FIFO for EventBridge, standard for S3's notifications (lambdas/api/connectors/s3/post_s3).
        """
        return self._fifo_url if integration == EVENTBRIDGE else self._notifications_url

    def drain(self, integration: str) -> Counter[str]:
        """Process all waiting messages; return how often the ingest received each key.

        `integration` selects the form of the notifications: that which the emulated cloud sent, or
        the equivalent events of source aws.s3 that EventBridge would have sent.
        """
        shown = self._take(self._notifications_url, integration)
        return shown + self._take(self._fifo_url, S3_NOTIFICATIONS)

    def _take(self, queue_url: str, integration: str) -> Counter[str]:
        """Receive and delete every message of a queue, at most ten at a time.

        A message is deleted before it is processed: the pipe of a Media Lake does not wait for the
        function's response, so a failure does not redeliver it.
        """
        sqs = self._system.sqs
        shown: Counter[str] = Counter()
        while True:
            answer = sqs.receive_message(
                QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            messages = answer.get("Messages", [])
            if not messages:
                return shown
            sqs.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )
            bodies = [
                body
                for message in messages
                for body in _bodies(json.loads(message["Body"]), integration)
            ]
            for message in messages:
                shown.update(_keys(json.loads(message["Body"])))
            if bodies:
                self.handle(bodies)

    def look(self, bucket: str) -> dict[str, Seen]:
        """Return every object of the bucket, by key."""
        records = self._records(bucket)
        found = {}
        for page in self._system.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for listed in page.get("Contents", ()):
                key = listed["Key"]
                head = self._system.s3.head_object(Bucket=bucket, Key=key)
                found[key] = Seen(
                    tags=self._system.tags(bucket, key),
                    etag=head["ETag"].strip('"'),
                    version_id=head.get("VersionId"),
                    records=tuple(records.pop(key, ())),
                )
        assert not records, f"records of objects that do not exist: {list(records)}"
        return found

    def _records(self, bucket: str) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        pages = self._system.dynamodb.get_paginator("scan").paginate(
            TableName=self._system.assets_table
        )
        for page in pages:
            for item in page["Items"]:
                owner, _, key = item["StoragePath"]["S"].partition(":")
                if owner == bucket:
                    found.setdefault(key, []).append(_record(item))
        return found


def _record(item: Json) -> Record:
    asset = item["DigitalSourceAsset"]["M"]
    place = asset["MainRepresentation"]["M"]["StorageInfo"]["M"]["PrimaryLocation"]["M"]
    return Record(
        inventory_id=item["InventoryID"]["S"],
        asset_id=asset["ID"]["S"],
        type=asset["Type"]["S"],
        file_hash=item["FileHash"]["S"],
        etag=place["FileInfo"]["M"]["Hash"]["M"]["Value"]["S"],
        last_modified=asset["lastModifiedDate"]["S"],
    )


def _bodies(message: Json, integration: str) -> list[str]:
    if integration == S3_NOTIFICATIONS:
        return [json.dumps(message)]
    return [json.dumps(event) for event in _events(message)]


def _events(notification: Json) -> list[Json]:
    """Return the events that EventBridge would have sent instead of an S3 notification.

    S3 User Guide, "EventBridge event message structure".
    """
    found = []
    for record in notification.get("Records", ()):
        described = record["s3"]
        kind = record["eventName"].removeprefix("s3:").partition(":")[2]
        thing = {
            "key": unquote_plus(described["object"]["key"]),
            "size": described["object"]["size"],
            "etag": described["object"]["eTag"],
            "sequencer": described["object"].get("sequencer", "0"),
        }
        if "versionId" in described["object"]:
            thing["version-id"] = described["object"]["versionId"]
        found.append(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Object Created",
                "source": "aws.s3",
                "account": "123456789012",
                "time": record["eventTime"],
                "region": record["awsRegion"],
                "resources": [f"arn:aws:s3:::{described['bucket']['name']}"],
                "detail": {
                    "version": "0",
                    "bucket": {"name": described["bucket"]["name"]},
                    "object": thing,
                    "reason": _REASONS[kind],
                },
            }
        )
    return found


def _keys(notification: Json) -> list[str]:
    return [
        unquote_plus(record["s3"]["object"]["key"]) for record in notification.get("Records", ())
    ]
