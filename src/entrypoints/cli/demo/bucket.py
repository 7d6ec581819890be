"""The bucket and catalog of the demo: filling them, and reading them after a sync."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from application.execution.fanout import fan_out
from domain.catalog import LOCK_PREFIX
from domain.decision import Decision
from domain.identity import ASSET_ID_TAG, INVENTORY_ID_TAG, SYNC_JOB_ID_TAG, mint_inventory_id
from domain.profile import Profile
from domain.trigger_mark import mark_value
from entrypoints.cli.demo.media_files import DemoObject
from entrypoints.cli.demo.object_kinds import IN_SYSTEM, ObjectKind
from entrypoints.wiring.sessions import new_session

Message = Mapping[str, Any]
Notify = Callable[[Message], Awaitable[None]]
"""Sends the asset system one S3 notification, and returns when it has been handled."""

_CALLS_IN_FLIGHT = 16

# S3 timestamps have a resolution of one second: a replacement must have a later one.
_NEXT_SECOND_S = 1.1

# How often and how long ago an earlier job triggered objects that the system has not ingested.
_TRIGGERS = {
    ObjectKind.INGESTING: (1, timedelta(hours=1)),
    ObjectKind.NOT_TAKEN: (3, timedelta(days=4)),
}
_EARLIER_JOB = "job-earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in a listing, with its tags; `e_tag` has quotes, as in S3."""

    e_tag: str
    last_modified: datetime
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRecord:
    """One inventory record of the catalog."""

    inventory_id: str
    asset_id: str | None
    storage_path: str | None


@dataclass(slots=True)
class BucketContents:
    """What the demo put into the bucket: the kind and the owner's tags of each object."""

    kinds: dict[str, ObjectKind] = field(default_factory=dict)
    owner_tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def keys(self, kinds: Iterable[ObjectKind]) -> list[str]:
        """Return the keys of objects of these kinds."""
        wanted = set(kinds)
        return [key for key, kind in self.kinds.items() if kind in wanted]


class DemoBucket:
    """One bucket and the catalog table, with their own clients."""

    def __init__(self, bucket: str, table: str, profile: Profile, s3: Any, dynamodb: Any) -> None:
        self.bucket = bucket
        self._table = table
        self._profile = profile
        self._s3 = s3
        self._dynamodb = dynamodb

    async def fill(
        self, objects: Iterable[DemoObject], notify: Notify, *, with_marker: bool
    ) -> BucketContents:
        """Create the bucket, put the objects, and bring each into the state of its kind.

        The bucket sends no notifications yet: the asset system receives those of `notify`.
        """
        await self._s3.create_bucket(Bucket=self.bucket, ObjectOwnership="BucketOwnerEnforced")
        contents = BucketContents()
        to_replace: list[DemoObject] = []

        async def put(item: DemoObject) -> None:
            contents.kinds[item.key] = item.kind
            contents.owner_tags[item.key] = item.tags
            if item.kind in IN_SYSTEM:
                await self._put_known(item, notify)
            elif item.kind in _TRIGGERS:
                await self._put_triggered(item)
            else:
                await self._put(item, item.content, item.tags)
            if item.next_content is not None:
                to_replace.append(item)

        async def replace(item: DemoObject) -> None:
            await self._put(item, item.next_content or b"", item.tags)

        await fan_out(objects, put, limit=_CALLS_IN_FLIGHT)
        if with_marker:
            await self._s3.put_object(Bucket=self.bucket, Key="2026/", Body=b"")
        if to_replace:
            await asyncio.sleep(_NEXT_SECOND_S)
            await fan_out(to_replace, replace, limit=_CALLS_IN_FLIGHT)
        return contents

    async def stored(self) -> dict[str, StoredObject]:
        """Return every object by key, except folder markers."""
        found: dict[str, StoredObject] = {}

        async def read(listed: Any) -> None:
            found[listed["Key"]] = StoredObject(
                e_tag=listed["ETag"],
                last_modified=listed["LastModified"],
                tags=await self._tags(listed["Key"]),
            )

        await fan_out(self._listed(), read, limit=_CALLS_IN_FLIGHT)
        return found

    async def records(self) -> list[CatalogRecord]:
        """Return every inventory record; locks of a Media Lake in the same table are skipped."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            ProjectionExpression="InventoryID, StoragePath, DigitalSourceAsset",
        )
        return [
            CatalogRecord(
                inventory_id=item["InventoryID"]["S"],
                asset_id=item.get("DigitalSourceAsset", {}).get("M", {}).get("ID", {}).get("S"),
                storage_path=item.get("StoragePath", {}).get("S"),
            )
            async for page in pages
            for item in page["Items"]
            if not item["InventoryID"]["S"].startswith(LOCK_PREFIX)
        ]

    async def _put_known(self, item: DemoObject, notify: Notify) -> None:
        """Put an object, have the system ingest it, and remove the tags that its kind has lost."""
        ids = {} if self._profile.file_types is not None else self._minted(item)
        await self._put(item, item.content, {**item.tags, **ids})
        await notify(_notification(self.bucket, item.key))
        tags = await self._tags(item.key)
        if item.kind is ObjectKind.ASSET_TAG_LOST:
            del tags[ASSET_ID_TAG]
        elif item.kind is ObjectKind.TAGS_LOST:
            tags = {}
        await self._retag(item.key, {**tags, **item.tags})

    async def _put_triggered(self, item: DemoObject) -> None:
        """Put an object with the tags that an earlier job wrote when it triggered it."""
        e_tag = await self._put(item, item.content, item.tags)
        attempts, age = _TRIGGERS[item.kind]
        mark = mark_value(
            job_id=_EARLIER_JOB,
            action=Decision.PUT,
            attempts=attempts,
            triggered_at=datetime.now(UTC) - age,
            e_tag=e_tag.strip('"'),
            bucket_name=self.bucket,
            key=item.key,
        )
        await self._retag(item.key, {**item.tags, **self._minted(item), SYNC_JOB_ID_TAG: mark})

    def _minted(self, item: DemoObject) -> dict[str, str]:
        asset_id = self._profile.mint_asset_id(self.bucket, item.key, item.content_type)
        return {
            ASSET_ID_TAG: asset_id,
            INVENTORY_ID_TAG: mint_inventory_id(self.bucket, item.key),
        }

    async def _put(self, item: DemoObject, content: bytes, tags: Mapping[str, str]) -> str:
        response = await self._s3.put_object(
            Bucket=self.bucket,
            Key=item.key,
            Body=content,
            ContentType=item.content_type,
            Metadata={"origin": "demo"},
            **({"Tagging": urlencode(tags)} if tags else {}),
        )
        return str(response["ETag"])

    async def _tags(self, key: str) -> dict[str, str]:
        response = await self._s3.get_object_tagging(Bucket=self.bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in response["TagSet"]}

    async def _retag(self, key: str, tags: Mapping[str, str]) -> None:
        tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
        await self._s3.put_object_tagging(Bucket=self.bucket, Key=key, Tagging={"TagSet": tag_set})

    async def _listed(self) -> AsyncIterator[Any]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        async for page in pages:
            for item in page.get("Contents", []):
                if not item["Key"].endswith("/"):
                    yield item


@asynccontextmanager
async def open_demo_bucket(bucket: str, table: str, profile: Profile) -> AsyncIterator[DemoBucket]:
    """Open clients with the process's environment."""
    create_client = new_session()
    async with create_client("s3") as s3, create_client("dynamodb") as dynamodb:
        yield DemoBucket(bucket, table, profile, s3, dynamodb)


def _notification(bucket: str, key: str) -> Message:
    """S3 User Guide, "Event message structure": the key is form-encoded."""
    described = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": described}
    return {"Records": [record]}
