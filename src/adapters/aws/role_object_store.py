"""Customers' buckets, each accessed in the role that its connector names.

This module only selects the store for a call. Each store has one identity, and what it has cached
about a bucket was read with its own permissions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from domain.bucket_report import Setting
from domain.connector import Bucket, BucketInfo
from domain.customer_object import ObjectHead, ObjectTags, WrittenObject
from domain.part_copy import CopiedPart, Part
from ports.object_store import ListedPage, ObjectStore

OpenStore = Callable[[str | None], Awaitable[ObjectStore]]
"""Returns the store that acts in a role, or for None in the service's own."""


class RoleObjectStore:
    """Forwards every call to the store of the bucket's role; opens each on first use."""

    def __init__(self, open_store: OpenStore) -> None:
        self._open_store = open_store
        self._stores: dict[str | None, ObjectStore] = {}

    async def inspect(self, bucket: Bucket) -> BucketInfo:
        return await (await self._store(bucket)).inspect(bucket)

    async def setting(self, bucket: Bucket, setting: Setting) -> str:
        return await (await self._store(bucket)).setting(bucket, setting)

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        store = await self._store(bucket)
        async for page in store.list_objects(
            bucket, prefix=prefix, start_after=start_after, token=token
        ):
            yield page

    async def read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        return await (await self._store(bucket)).read_tags(bucket, key)

    async def head(self, bucket: Bucket, key: str) -> ObjectHead:
        return await (await self._store(bucket)).head(bucket, key)

    async def write_tags(self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]) -> None:
        await (await self._store(bucket)).write_tags(bucket, head, tags)

    async def copy_in_place(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        return await (await self._store(bucket)).copy_in_place(bucket, head, tags)

    async def access(self, bucket: Bucket, head: ObjectHead) -> Mapping[str, object]:
        return await (await self._store(bucket)).access(bucket, head)

    async def create_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> str:
        return await (await self._store(bucket)).create_multipart_copy(bucket, head, tags)

    async def copy_part(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, part: Part
    ) -> CopiedPart:
        return await (await self._store(bucket)).copy_part(bucket, head, copy_id, part)

    async def complete_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, parts: Sequence[CopiedPart]
    ) -> WrittenObject:
        return await (await self._store(bucket)).complete_multipart_copy(
            bucket, head, copy_id, parts
        )

    async def abort_multipart_copy(self, bucket: Bucket, key: str, copy_id: str) -> None:
        await (await self._store(bucket)).abort_multipart_copy(bucket, key, copy_id)

    async def _store(self, bucket: Bucket) -> ObjectStore:
        role_arn = bucket.role_arn
        if role_arn not in self._stores:
            opened = await self._open_store(role_arn)
            # Many tasks may have waited for it. They must share its cached settings of buckets.
            self._stores.setdefault(role_arn, opened)
        return self._stores[role_arn]


_: type[ObjectStore] = RoleObjectStore
