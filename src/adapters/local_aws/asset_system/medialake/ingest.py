"""The rules over S3 and DynamoDB: what Media Lake's ingest function does with one event.

Order and requests are those of `process_s3_event`, `process_asset` and `delete_asset` of the
ingest, except for one GetObject where the ingest sends two more HEAD requests. Events are counted,
not published.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from adapters.local_aws.asset_system.medialake.deletions import (
    VERSIONING_ENABLED,
    CurrentVersion,
    react_to_deletion,
)
from adapters.local_aws.asset_system.medialake.file_types import FileFilter
from adapters.local_aws.asset_system.medialake.items import (
    is_lock,
    lock_id,
    lock_item,
    record_item,
    record_of,
)
from adapters.local_aws.asset_system.medialake.messages import ObjectEvent, keys_to_try
from adapters.local_aws.asset_system.medialake.rules import inventory_id_to_read, react, refusal
from adapters.local_aws.asset_system.medialake.values import (
    AssetEventType,
    IngestObject,
    IngestOutcome,
    IngestSettings,
    NewIds,
    Reaction,
    Record,
    storage_path,
)

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_s3 import S3Client

_GONE: Final = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLakeCounts:
    """What the ingest has done so far.

    Attributes:
        outcomes: Events by outcome.
        locked: Events that were dropped because the object was locked.
        gone: Events of objects that no longer exist.
        published: Events that Media Lake would have published to its own bus.
    """

    outcomes: Mapping[IngestOutcome, int]
    locked: int
    gone: int
    published: Mapping[AssetEventType, int]


class MediaLakeIngest:
    """Handles object events; its locks make it safe for concurrent use."""

    def __init__(
        self,
        *,
        table_name: str,
        settings: IngestSettings,
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table_name = table_name
        self._settings = settings
        self._settings_by_bucket: dict[str, IngestSettings] = {}
        self._s3 = s3
        self._dynamodb = dynamodb
        self._now = now
        self._outcomes: Counter[IngestOutcome] = Counter()
        self._published: Counter[AssetEventType] = Counter()
        self._locked_count = 0
        self._gone_count = 0

    @property
    def counts(self) -> MediaLakeCounts:
        """A copy of the counts."""
        return MediaLakeCounts(
            outcomes=dict(self._outcomes),
            locked=self._locked_count,
            gone=self._gone_count,
            published=dict(self._published),
        )

    def use_filter(self, bucket: str, file_filter: FileFilter | None) -> None:
        """Set the file filter of a bucket's connector.

        The filter of the settings overrides it, as the one in the environment of the ingest
        function does in `_resolve_file_filter`.
        """
        if self._settings.file_filter is None:
            self._settings_by_bucket[bucket] = replace(self._settings, file_filter=file_filter)

    async def handle(self, event: ObjectEvent) -> None:
        """Do what Media Lake does with an event.

        Raises:
            ClientError: S3 or DynamoDB returned an error; the lock is released.
        """
        if event.is_creation:
            await self._handle_creation(event)
        elif event.is_deletion:
            await self._handle_deletion(event)

    async def _handle_creation(self, event: ObjectEvent) -> None:
        found = await self._find(event)
        if found is None:
            self._gone_count += 1
            return
        key, head = found
        if not await self._lock(event.bucket, key, event.version_id):
            self._locked_count += 1
            return
        keeps_lock = False
        try:
            keeps_lock = await self._ingest(event, key, head)
        finally:
            if not keeps_lock:
                await self._release(event.bucket, key, event.version_id)

    async def _ingest(self, event: ObjectEvent, key: str, head: Mapping[str, Any]) -> bool:
        """Ingest the object under its lock; returns whether the lock is kept."""
        content_type = head.get("ContentType", "")
        settings = self._settings_by_bucket.get(event.bucket, self._settings)
        rejected = refusal(key, content_type, settings.file_filter)
        if rejected is not None:
            self._outcomes[rejected] += 1
            return False
        seen = await self._read(event, key, head)
        if seen is None:
            self._gone_count += 1
            return False
        inventory_id = inventory_id_to_read(seen.tags)
        new_ids = NewIds(inventory_uuid=str(uuid.uuid4()), asset_uuid=str(uuid.uuid4()))
        reaction = react(
            seen,
            tagged=None if inventory_id is None else await self._record(inventory_id),
            at_path=await self._indexed("S3PathIndex", "StoragePath", seen.storage_path),
            same_hash=[]
            if seen.md5 is None
            else await self._indexed("FileHashIndex", "FileHash", seen.md5),
            settings=settings,
            new_ids=new_ids,
            now=self._now(),
        )
        await self._apply(reaction, seen)
        return reaction.keeps_lock

    async def _handle_deletion(self, event: ObjectEvent) -> None:
        bucket, key = event.bucket, event.key
        try:
            answer = await self._s3.get_bucket_versioning(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            # `_should_process_deletion` treats a bucket whose versioning it cannot read as one
            # without versioning.
            versioning = None
        else:
            versioning = answer.get("Status")
        is_versioned = versioning == VERSIONING_ENABLED
        reaction = react_to_deletion(
            deletion_type=event.deletion_type,
            version_id=event.version_id,
            versioning=versioning,
            current=await self._current(bucket, key) if is_versioned else CurrentVersion.NONE,
            at_path=await self._indexed("S3PathIndex", "StoragePath", storage_path(bucket, key)),
        )
        if reaction.deletes_object:
            await self._delete_object(bucket, key)
        for inventory_id in reaction.delete_ids:
            await self._delete(inventory_id)
        self._count(reaction)

    async def _find(self, event: ObjectEvent) -> tuple[str, Mapping[str, Any]] | None:
        """Return the key of the object, and its HEAD."""
        for key in keys_to_try(event.key):
            try:
                return key, await self._s3.head_object(Bucket=event.bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _GONE:
                    raise
        return None

    async def _read(
        self, event: ObjectEvent, key: str, head: Mapping[str, Any]
    ) -> IngestObject | None:
        """Read tags and content; None if the object no longer exists."""
        try:
            tagging = await self._s3.get_object_tagging(Bucket=event.bucket, Key=key)
            try:
                answer: Mapping[str, Any] = await self._s3.get_object(Bucket=event.bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] != "InvalidObjectState":
                    raise
                answer, md5 = head, None
            else:
                md5 = await _md5(answer["Body"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return None
        return IngestObject(
            bucket=event.bucket,
            key=key,
            size=answer["ContentLength"],
            etag=answer["ETag"],
            md5=md5,
            last_modified=answer["LastModified"],
            content_type=head.get("ContentType", ""),
            tags={tag["Key"]: tag["Value"] for tag in tagging["TagSet"]},
            version_id=event.version_id,
            storage_class=answer.get("StorageClass"),
            user_metadata=answer.get("Metadata", {}),
        )

    async def _current(self, bucket: str, key: str) -> CurrentVersion:
        """`_get_latest_version_entry`; the key's own entries are the first under it as prefix."""
        listed = await self._s3.list_object_versions(Bucket=bucket, Prefix=key, MaxKeys=100)
        if any(each["IsLatest"] for each in listed.get("Versions", ()) if each["Key"] == key):
            return CurrentVersion.OBJECT
        if any(each["Key"] == key for each in listed.get("DeleteMarkers", ())):
            return CurrentVersion.DELETE_MARKER
        return CurrentVersion.NONE

    async def _lock(self, bucket: str, key: str, version_id: str | None) -> bool:
        now_s = int(self._now().timestamp())
        try:
            await self._dynamodb.put_item(
                TableName=self._table_name,
                Item=lock_item(bucket, key, version_id, now_s=now_s),
                ConditionExpression="attribute_not_exists(InventoryID) OR LockExpiry < :now",
                ExpressionAttributeValues={":now": {"N": str(now_s)}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    async def _release(self, bucket: str, key: str, version_id: str | None) -> None:
        await self._delete(lock_id(bucket, key, version_id))

    async def _record(self, inventory_id: str) -> Record | None:
        answer = await self._dynamodb.get_item(
            TableName=self._table_name, Key={"InventoryID": {"S": inventory_id}}
        )
        return record_of(answer["Item"]) if "Item" in answer else None

    async def _indexed(self, index: str, attribute: str, value: str) -> list[Record]:
        """Return the records with a value in an index, in index order, without locks."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            IndexName=index,
            KeyConditionExpression="#attribute = :value",
            ExpressionAttributeNames={"#attribute": attribute},
            ExpressionAttributeValues={":value": {"S": value}},
        )
        return [
            record_of(item)
            async for page in pages
            for item in page["Items"]
            if not is_lock(item["InventoryID"]["S"])
        ]

    async def _apply(self, reaction: Reaction, seen: IngestObject) -> None:
        for inventory_id in reaction.delete_ids:
            await self._delete(inventory_id)
        if reaction.put is not None:
            await self._dynamodb.put_item(
                TableName=self._table_name, Item=record_item(reaction.put, seen)
            )
        if reaction.tags is not None:
            await self._s3.put_object_tagging(
                Bucket=seen.bucket,
                Key=seen.key,
                Tagging={
                    "TagSet": [{"Key": key, "Value": value} for key, value in reaction.tags.items()]
                },
            )
        if reaction.touch is not None:
            await self._dynamodb.update_item(
                TableName=self._table_name,
                Key={"InventoryID": {"S": reaction.touch.inventory_id}},
                UpdateExpression="SET DigitalSourceAsset.lastModifiedDate = :modified",
                ExpressionAttributeValues={":modified": {"S": reaction.touch.last_modified}},
            )
        self._count(reaction)

    def _count(self, reaction: Reaction) -> None:
        self._outcomes[reaction.outcome] += 1
        self._published.update(event.event_type for event in reaction.events)

    async def _delete_object(self, bucket: str, key: str) -> None:
        try:
            await self._s3.delete_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    async def _delete(self, inventory_id: str) -> None:
        await self._dynamodb.delete_item(
            TableName=self._table_name, Key={"InventoryID": {"S": inventory_id}}
        )


async def _md5(body: Any) -> str:
    """Return the MD5 of a body, read in blocks."""
    digest = hashlib.md5(usedforsecurity=False)
    async with body:
        async for chunk in body.iter_chunks(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
