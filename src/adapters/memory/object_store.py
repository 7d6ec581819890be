"""The port to customers' buckets, over `MemoryBuckets`.

Answers what S3 answers: its order of checks, its errors, and the losses of a copy. What a rewrite
does not restate is lost here too, so the promise to keep it is really kept, not assumed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from math import ceil

from adapters.memory.buckets import MemoryBucket, MemoryBuckets, StoredObject
from domain.connector import Bucket, BucketFacts
from domain.customer_object import (
    CopyMethod,
    ObjectHead,
    ObjectTags,
    WrittenObject,
    is_archived,
    plan_rewrite,
)
from domain.limits import (
    COPY_OBJECT_BYTES_MAX,
    OBJECT_TAG_COUNT_MAX,
    OBJECT_TAG_KEY_CHARS_MAX,
    OBJECT_TAG_VALUE_CHARS_MAX,
    UPLOAD_PART_BYTES_MAX,
)
from domain.manifest import ManifestEntry
from ports.errors import AccessDenied, Archived, Conflict, Misconfigured, NotFound, Refused
from ports.object_store import ObjectStore

# S3 User Guide, "Categorizing your objects using tags": letters, spaces, numbers, + - = . _ : / @
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


class MemoryObjectStore:
    """Lists, reads and rewrites objects of a `MemoryBuckets` world.

    Args:
        buckets: The world.
        page_object_count: Objects in a page of the listing.
        single_copy_bytes_max: Above it an object is copied in parts.
    """

    def __init__(
        self,
        buckets: MemoryBuckets,
        *,
        page_object_count: int = 1000,
        single_copy_bytes_max: int = COPY_OBJECT_BYTES_MAX,
    ) -> None:
        self._buckets = buckets
        self._page_object_count = page_object_count
        self._single_copy_bytes_max = single_copy_bytes_max

    async def inspect(self, bucket: Bucket) -> BucketFacts:
        """See the port."""
        found = self._open(bucket, "GetBucketVersioning")
        return BucketFacts(versioned=found.versioned, requester_pays=found.requester_pays)

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None
    ) -> AsyncIterator[Sequence[ManifestEntry]]:
        """See the port."""
        after = (start_after or "").encode()
        while True:
            stored = self._open(bucket, "ListObjectsV2")
            keys = [
                key
                for key in self._buckets.keys(bucket.name)
                if key.startswith(prefix) and key.encode() > after
            ]
            yield [_entry(stored, key) for key in keys[: self._page_object_count]]
            if len(keys) <= self._page_object_count:
                return
            after = keys[self._page_object_count - 1].encode()

    async def read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        """See the port."""
        found = self._current(bucket, key, "GetObjectTagging")
        return ObjectTags(
            found.tags, version_id=found.head.version_id, read_at=self._buckets.clock.now()
        )

    async def head(self, bucket: Bucket, key: str) -> ObjectHead:
        """See the port."""
        stored = self._current(bucket, key, "HeadObject")
        if stored.customer_key:
            raise Refused(
                f"{key} is encrypted with a key that only its owner has (SSE-C)",
                operation="HeadObject",
                resource=f"{bucket.name}/{key}",
                vendor_code="CustomerKey",
            )
        return stored.head

    async def write_tags(self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]) -> None:
        """See the port."""
        opened = self._open(bucket, "PutObjectTagging", head.key)
        _check_tags(tags)
        versions = opened.versions.get(head.key, [])
        if not any(v is not None and v.head.version_id == head.version_id for v in versions):
            raise _not_found(bucket, head.key, "PutObjectTagging")
        self._buckets.set_tags(bucket.name, head, tags)

    async def rewrite(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        """See the port."""
        method = plan_rewrite(head, single_copy_bytes_max=self._single_copy_bytes_max)
        multipart = method is CopyMethod.MULTIPART
        operation = "CompleteMultipartUpload" if multipart else "CopyObject"
        _check_tags(tags)
        stored = self._current(bucket, head.key, operation)
        where = f"{bucket.name}/{head.key}"
        if stored.head.e_tag != head.e_tag:
            raise Conflict(
                f"{where} is not {head.e_tag} any more", operation=operation, resource=where
            )
        if is_archived(stored.head):
            raise Archived(f"{where} is archived", operation=operation, resource=where)
        copy = _copied(stored, head, tags, multipart=multipart)
        part_count = ceil(head.size_bytes / UPLOAD_PART_BYTES_MAX) if multipart else None
        kind = "CompleteMultipartUpload" if multipart else "Copy"
        written = self._buckets.write(bucket.name, copy, kind=kind, part_count=part_count)
        return WrittenObject(e_tag=written.head.e_tag, version_id=written.head.version_id)

    def _open(self, bucket: Bucket, operation: str, key: str = "") -> MemoryBucket:
        """Count the request and find its bucket, if we may."""
        self._buckets.requests[operation] += 1
        found = self._buckets.find(bucket.name)
        where = f"{bucket.name}/{key}"
        if found is None:
            raise Misconfigured(
                f"there is no bucket {bucket.name}",
                operation=operation,
                resource=where,
                vendor_code="NoSuchBucket",
            )
        denied = {bucket.name, (bucket.name, key)} & self._buckets.denied
        # S3 does not tell a foreign owner from a lack of rights.
        if denied or bucket.expected_owner not in (None, found.owner):
            raise AccessDenied(
                f"no right to {operation} on {where}, or the owner is not {bucket.expected_owner}",
                operation=operation,
                resource=where,
                vendor_code="AccessDenied",
            )
        return found

    def _current(self, bucket: Bucket, key: str, operation: str) -> StoredObject:
        stored = self._open(bucket, operation, key).current(key)
        if stored is None:
            raise _not_found(bucket, key, operation)
        return stored


def _copied(
    stored: StoredObject, head: ObjectHead, tags: Mapping[str, str], *, multipart: bool
) -> StoredObject:
    """Return what S3 makes of a copy that restates what `head` shows.

    Metadata and checksum algorithm come along with a copy in one request and must be restated in
    one of several parts; the rest must always be (S3 API Reference, "CopyObject"). The copy of a
    restored object is archived again.
    """
    described = head if multipart else stored.head
    return StoredObject(
        head=replace(
            stored.head,
            e_tag="",
            storage_class=head.storage_class,
            archive_status=None,
            restored=False,
            encryption=head.encryption,
            website_redirect=head.website_redirect,
            lock=head.lock,
            system_metadata=dict(described.system_metadata),
            user_metadata=dict(described.user_metadata),
            checksum_algorithm=described.checksum_algorithm,
        ),
        content=stored.content,
        tags=dict(tags),
    )


def _check_tags(tags: Mapping[str, str]) -> None:
    """Refuse what S3 refuses."""
    valid = len(tags) <= OBJECT_TAG_COUNT_MAX and all(
        0 < len(name) <= OBJECT_TAG_KEY_CHARS_MAX
        and len(value) <= OBJECT_TAG_VALUE_CHARS_MAX
        and not name.startswith("aws:")
        and _TAG_TEXT.fullmatch(name + value)
        for name, value in tags.items()
    )
    if not valid:
        raise Refused("S3 does not accept these tags", vendor_code="InvalidTag")


def _entry(bucket: MemoryBucket, key: str) -> ManifestEntry:
    stored = bucket.current(key)
    assert stored is not None  # noqa: S101  # `keys` lists current objects only
    return ManifestEntry(
        key=key, size_bytes=stored.head.size_bytes, last_modified=stored.head.last_modified
    )


def _not_found(bucket: Bucket, key: str, operation: str) -> NotFound:
    where = f"{bucket.name}/{key}"
    return NotFound(
        f"there is no object {where}", operation=operation, resource=where, vendor_code="NoSuchKey"
    )


_: type[ObjectStore] = MemoryObjectStore
