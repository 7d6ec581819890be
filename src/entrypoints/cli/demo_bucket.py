"""The demonstration's bucket and catalog: filling them, and looking at what a sync made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aioboto3

from application.fanout import fan_out
from domain.identity import ASSET_ID_TAG, INVENTORY_ID_TAG
from entrypoints.cli.demo_media import DemoObject

_CALLS_IN_FLIGHT = 16

# Of the objects that the demonstration makes itself: every twelfth is known to the catalog as an
# asset, another twelfth only by its inventory record.
_KNOWN_EVERY = 12


@dataclass(slots=True)
class Expected:
    """What the demonstration put in, to compare with afterwards."""

    tags_by_key: dict[str, dict[str, str]] = field(default_factory=dict)
    skip_count: int = 0
    copy_count: int = 0
    size_bytes: int = 0

    @property
    def object_count(self) -> int:
        """Objects in the bucket."""
        return len(self.tags_by_key)


class DemoBucket:
    """One bucket and the catalog table, through clients of the demonstration's own."""

    def __init__(self, bucket: str, table: str, s3: Any, dynamodb: Any) -> None:
        self.bucket = bucket
        self._table = table
        self._s3 = s3
        self._dynamodb = dynamodb

    async def fill(self, objects: Iterable[DemoObject], *, with_known: bool) -> Expected:
        """Create the bucket and put the objects; some are made known to the catalog if asked."""
        await self._s3.create_bucket(Bucket=self.bucket, ObjectOwnership="BucketOwnerEnforced")
        expected = Expected()

        async def put(numbered: tuple[int, DemoObject]) -> None:
            index, item = numbered
            tags = dict(item.tags)
            if with_known and index % _KNOWN_EVERY == 1:
                tags |= _ids(index)
                await self._record(tags[INVENTORY_ID_TAG], tags[ASSET_ID_TAG])
                expected.skip_count += 1
            elif with_known and index % _KNOWN_EVERY == 2:
                tags[INVENTORY_ID_TAG] = _ids(index)[INVENTORY_ID_TAG]
                await self._record(tags[INVENTORY_ID_TAG], None)
                expected.copy_count += 1
            await self._s3.put_object(
                Bucket=self.bucket,
                Key=item.key,
                Body=item.content,
                ContentType=item.content_type,
                Metadata={"origin": "demo"},
                **({"Tagging": urlencode(tags)} if tags else {}),
            )
            expected.tags_by_key[item.key] = tags
            expected.size_bytes += len(item.content)

        await fan_out(enumerate(objects), put, limit=_CALLS_IN_FLIGHT)
        if with_known:
            await self._s3.put_object(Bucket=self.bucket, Key="2026/", Body=b"")
        return expected

    async def tags(self) -> dict[str, dict[str, str]]:
        """Return the tags of every object by key; folder markers are left out."""
        found: dict[str, dict[str, str]] = {}

        async def read(key: str) -> None:
            answer = await self._s3.get_object_tagging(Bucket=self.bucket, Key=key)
            found[key] = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

        await fan_out(self._keys(), read, limit=_CALLS_IN_FLIGHT)
        return found

    async def catalog(self) -> dict[str, str | None]:
        """Return the asset id of every inventory record."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, ProjectionExpression="InventoryID, DigitalSourceAsset"
        )
        return {
            item["InventoryID"]["S"]: item.get("DigitalSourceAsset", {})
            .get("M", {})
            .get("ID", {})
            .get("S")
            async for page in pages
            for item in page["Items"]
        }

    async def _keys(self) -> AsyncIterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        async for page in pages:
            for item in page.get("Contents", []):
                if not item["Key"].endswith("/"):
                    yield item["Key"]

    async def _record(self, inventory_id: str, asset_id: str | None) -> None:
        item: dict[str, Any] = {"InventoryID": {"S": inventory_id}}
        if asset_id is not None:
            item["DigitalSourceAsset"] = {"M": {"ID": {"S": asset_id}}}
        await self._dynamodb.put_item(TableName=self._table, Item=item)


@asynccontextmanager
async def open_demo_bucket(bucket: str, table: str) -> AsyncIterator[DemoBucket]:
    """Open clients by the process's environment."""
    session = aioboto3.Session()
    async with session.client("s3") as s3, session.client("dynamodb") as dynamodb:
        yield DemoBucket(bucket, table, s3, dynamodb)


def _ids(index: int) -> dict[str, str]:
    return {ASSET_ID_TAG: f"asset:oth:known-{index}", INVENTORY_ID_TAG: f"asset:uuid:known-{index}"}
