"""An Asset Management System that accepts objects of every type, and writes no tags.

Either of two messages suffices: a bucket notification of a created object with the service's tags
(trigger `copy`), or the service's event on the ingest bus (trigger `event`). It records the asset
in the catalog by InventoryID, so a repeated message changes nothing. It only reads the bucket, and
never starts a sync: a sync with trigger `copy` creates objects, so that would be a loop.
"""

import mimetypes
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_s3 import S3Client

_KINDS: Final = {"image": "Image", "video": "Video", "audio": "Audio", "text": "Document"}


class IngestSource(StrEnum):
    """Which message reported an object."""

    NOTIFICATION = "notification"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingCounts:
    """What it has done so far.

    Attributes:
        ingested: New catalog entries, by the source that came first.
        duplicates: Messages about objects that the catalog already has, by source.
        ignored: Messages without effect, such as test events and those about untagged objects.
    """

    ingested: Mapping[IngestSource, int]
    duplicates: Mapping[IngestSource, int]
    ignored: int


class TakesEverything:
    """Records every tagged or published object."""

    def __init__(self, *, table_name: str, s3: "S3Client", dynamodb: "DynamoDBClient") -> None:
        self._table_name = table_name
        self._s3 = s3
        self._dynamodb = dynamodb
        self._ingested: Counter[IngestSource] = Counter()
        self._duplicates: Counter[IngestSource] = Counter()
        self._ignored_count = 0

    @property
    def counts(self) -> EverythingCounts:
        """A copy of the counts."""
        return EverythingCounts(
            ingested=dict(self._ingested),
            duplicates=dict(self._duplicates),
            ignored=self._ignored_count,
        )

    async def accept(self, message: Mapping[str, Any]) -> None:
        """Handle one message of the queue; idempotent."""
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
            response = await self._s3.get_object_tagging(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "NoSuchBucket"):
                raise
            self._ignored_count += 1
            return
        tags = {tag["Key"]: tag["Value"] for tag in response["TagSet"]}
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
                TableName=self._table_name,
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
