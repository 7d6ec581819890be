"""A reference Asset Management System: what a DAM does with our tags and events, in small.

It learns of objects in two ways, and each alone suffices: a bucket notification of a created object
that carries our tags (trigger `copy`), and our event on the ingest bus (trigger `event`). Either
way it records the asset in the catalog, by InventoryID, so that a repetition changes nothing. It
only ever reads the bucket, and it never starts a sync: an asset system that did so on created
objects would loop, because a sync with trigger `copy` creates objects.
"""

import asyncio
import json
import logging
import mimetypes
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageTypeDef

logger: Final = logging.getLogger(__name__)

_KINDS: Final = {"image": "Image", "video": "Video", "audio": "Audio", "text": "Document"}


class IngestSource(StrEnum):
    """How the asset system learnt of an object."""

    NOTIFICATION = "notification"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetManagementSettings:
    """The asset system's queue, which notifications and events both go to, and its catalog."""

    queue_url: str
    queue_arn: str
    table_name: str
    worker_count: int = 4
    wait_s: int = 5
    retry_visibility_s: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestCounts:
    """What the asset system did so far.

    Attributes:
        ingested: New catalog entries by the source that came first.
        duplicates: Repetitions by source: the catalog said the same already.
        ignored: Messages that announce nothing for it, such as test events and untagged objects.
    """

    ingested: Mapping[IngestSource, int]
    duplicates: Mapping[IngestSource, int]
    ignored: int


class AssetManagement:
    """Consumes the queue until it is stopped."""

    def __init__(
        self,
        settings: AssetManagementSettings,
        *,
        sqs: "SQSClient",
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
    ) -> None:
        self._settings = settings
        self._sqs = sqs
        self._s3 = s3
        self._dynamodb = dynamodb
        self._workers: list[asyncio.Task[None]] = []
        self._busy_count = 0
        self._ingested: Counter[IngestSource] = Counter()
        self._duplicates: Counter[IngestSource] = Counter()
        self._ignored_count = 0

    @property
    def is_idle(self) -> bool:
        """Whether no message is being handled; the queue may still hold some."""
        return not self._busy_count

    @property
    def counts(self) -> IngestCounts:
        """A copy of the counts."""
        return IngestCounts(
            ingested=dict(self._ingested),
            duplicates=dict(self._duplicates),
            ignored=self._ignored_count,
        )

    async def watch(self, bucket: str) -> None:
        """Have S3 notify the queue of every object created in `bucket`, instead of anyone else."""
        await self._s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {"QueueArn": self._settings.queue_arn, "Events": ["s3:ObjectCreated:*"]}
                ]
            },
        )

    def start(self) -> None:
        """Begin to consume."""
        for _ in range(self._settings.worker_count):
            self._workers.append(asyncio.create_task(self._work()))

    async def stop(self) -> None:
        """Stop; a message being handled comes back."""
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)

    async def _work(self) -> None:
        while True:
            try:
                answer = await self._sqs.receive_message(
                    QueueUrl=self._settings.queue_url,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=self._settings.wait_s,
                )
            except (BotoCoreError, ClientError) as error:
                logger.warning("the asset system cannot receive: %s", error)
                await asyncio.sleep(1)
                continue
            messages = answer.get("Messages", ())
            if messages:
                self._busy_count += 1
                try:
                    await self._handle(messages)
                finally:
                    self._busy_count -= 1

    async def _handle(self, messages: "Sequence[MessageTypeDef]") -> None:
        """Handle what one request received, at once; those that fail come again by themselves."""
        done: list[str] = []

        async def handle(message: "MessageTypeDef") -> None:
            handle = message["ReceiptHandle"]
            try:
                await self.accept(json.loads(message["Body"]))
                done.append(handle)
            except (BotoCoreError, ClientError) as error:
                logger.warning("the asset system will try again: %s", error)
                await self._sqs.change_message_visibility(
                    QueueUrl=self._settings.queue_url,
                    ReceiptHandle=handle,
                    VisibilityTimeout=self._settings.retry_visibility_s,
                )

        async with asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(handle(message))
        if done:
            await self._sqs.delete_message_batch(
                QueueUrl=self._settings.queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(done)
                ],
            )

    async def accept(self, message: Mapping[str, Any]) -> None:
        """Handle one message of the queue, however often it comes."""
        if message.get("source") == "asset-sync":
            detail = message["detail"]
            await self._record(
                IngestSource.EVENT,
                bucket=detail["bucketName"],
                key=detail["objectKey"],
                asset_id=detail["assetId"],
                inventory_id=detail["inventoryId"],
            )
            return
        records = message.get("Records", ())
        if not records:
            self._ignored_count += 1
        for record in records:
            described = record["s3"]
            await self._ingest_tagged(
                described["bucket"]["name"], unquote_plus(described["object"]["key"])
            )

    async def _ingest_tagged(self, bucket: str, key: str) -> None:
        try:
            answer = await self._s3.get_object_tagging(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
                raise
            self._ignored_count += 1
            return
        tags = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
        if "AssetID" not in tags or "InventoryID" not in tags:
            self._ignored_count += 1
            return
        await self._record(
            IngestSource.NOTIFICATION,
            bucket=bucket,
            key=key,
            asset_id=tags["AssetID"],
            inventory_id=tags["InventoryID"],
        )

    async def _record(
        self, source: IngestSource, *, bucket: str, key: str, asset_id: str, inventory_id: str
    ) -> None:
        asset = {"ID": {"S": asset_id}, "Type": {"S": _kind(key)}}
        path = {"S": f"{bucket}:{key}"}
        try:
            await self._dynamodb.put_item(
                TableName=self._settings.table_name,
                Item={
                    "InventoryID": {"S": inventory_id},
                    "DigitalSourceAsset": {"M": asset},
                    "StoragePath": path,
                },
                ConditionExpression="attribute_not_exists(InventoryID)"
                " OR DigitalSourceAsset.#id <> :asset OR StoragePath <> :path",
                ExpressionAttributeNames={"#id": "ID"},
                ExpressionAttributeValues={":asset": {"S": asset_id}, ":path": path},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            self._duplicates[source] += 1
        else:
            self._ingested[source] += 1


def _kind(key: str) -> str:
    media_type = mimetypes.guess_type(key)[0] or ""
    return _KINDS.get(media_type.partition("/")[0], "Other")
