"""The port to customers' buckets, over `MemoryBuckets`.

Responds like S3: with its order of checks, its errors, and the losses of a copy. Attributes that an
in-place copy does not set are lost here too, so tests prove that they are kept.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from adapters.memory.buckets import (
    EVERYBODY,
    OWN_REGION,
    Grants,
    MemoryBucket,
    MemoryBuckets,
    MemoryUpload,
    StoredObject,
)
from domain.bucket_report import DEFAULT_RETENTION, EVENT_BRIDGE, NO_RECEIVER, OFF, Setting
from domain.connector import Bucket, BucketInfo
from domain.customer_object import (
    ObjectHead,
    ObjectTags,
    WrittenObject,
    is_archived,
)
from domain.limits import (
    NOT_IN_XML,
    OBJECT_TAG_COUNT_MAX,
    OBJECT_TAG_KEY_CHARS_MAX,
    OBJECT_TAG_VALUE_CHARS_MAX,
)
from domain.manifest import ManifestEntry
from domain.part_copy import CopiedPart, Part
from ports.errors import AccessDenied, Archived, Conflict, Misconfigured, NotFound, Refused
from ports.object_store import ListedPage, ObjectStore

# S3 User Guide, "Categorizing your objects using tags": letters, spaces, numbers, + - = . _ : / @
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")

# S3 User Guide, "Access control list (ACL) overview": a copy has a header for each of these, and a
# canned ACL for the one use of WRITE below.
_COPYABLE_GRANTS = frozenset({"FULL_CONTROL", "READ", "READ_ACP", "WRITE_ACP"})
_PUBLIC_READ_WRITE = frozenset({("READ", EVERYBODY), ("WRITE", EVERYBODY)})

_PLACE = "after "


class MemoryObjectStore:
    """Lists, reads and writes the objects of `MemoryBuckets`.

    Args:
        buckets: The buckets.
        page_object_count: Objects in a page of the listing.
    """

    def __init__(
        self,
        buckets: MemoryBuckets,
        *,
        page_object_count: int = 1000,
    ) -> None:
        self._buckets = buckets
        self._page_object_count = page_object_count

    async def inspect(self, bucket: Bucket) -> BucketInfo:
        found = self._open(bucket, "GetBucketVersioning")
        return BucketInfo(
            versioned=found.versioned,
            requester_pays=found.requester_pays,
            other_region=found.other_region,
        )

    async def setting(self, bucket: Bucket, setting: Setting) -> str:
        found = self._open(bucket, f"setting {setting}")
        match setting:
            case Setting.REGION:
                return found.other_region or OWN_REGION
            case Setting.VERSIONING:
                return "Enabled" if found.versioned else OFF
            case Setting.OBJECT_LOCK:
                return DEFAULT_RETENTION if found.default_retention else OFF
            case Setting.ENCRYPTION:
                return found.encryption
            case Setting.NOTIFICATIONS:
                return EVENT_BRIDGE if found.event_bridge else NO_RECEIVER

    async def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        """See the port; keys whose current version is a delete marker make pages short."""
        after = _position(token) if token is not None else (start_after or "")
        while True:
            stored = self._open(bucket, "ListObjectsV2")
            keys = [
                key
                for key in sorted(stored.versions, key=str.encode)
                if key.startswith(prefix) and key.encode() > after.encode()
            ]
            here = keys[: self._page_object_count]
            entries = [_entry(stored, key) for key in here if stored.current(key)]
            last = len(here) == len(keys)
            yield ListedPage(entries, None if last else f"{_PLACE}{here[-1]}")
            if last:
                return
            after = here[-1]

    async def read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        found = self.stored(bucket, key, "GetObjectTagging")
        return ObjectTags(
            found.tags, version_id=found.head.version_id, read_at=self._buckets.clock.now()
        )

    async def head(self, bucket: Bucket, key: str) -> ObjectHead:
        stored = self.stored(bucket, key, "HeadObject")
        if stored.customer_key:
            raise Refused(
                f"{key} is encrypted with a key that only its owner has (SSE-C)",
                operation="HeadObject",
                resource=f"{bucket.name}/{key}",
                vendor_code="CustomerKey",
            )
        return replace(stored.head, tag_count=len(stored.tags) or None)

    async def write_tags(self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]) -> None:
        opened = self._open(bucket, "PutObjectTagging", head.key)
        _check_tags(tags)
        versions = opened.versions.get(head.key, [])
        if not any(v is not None and v.head.version_id == head.version_id for v in versions):
            raise _not_found(bucket, head.key, "PutObjectTagging")
        self._buckets.set_tags(bucket.name, head, tags)

    async def copy_in_place(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        grants = self._grants(bucket, head, multipart=False)
        _check_tags(tags)
        stored = self._unchanged(bucket, head, "CopyObject")
        copy = replace(_copied(stored, head, tags, multipart=False), grants=grants)
        written = self._buckets.write(bucket.name, copy, kind="Copy")
        return WrittenObject(e_tag=written.head.e_tag, version_id=written.head.version_id)

    async def access(self, bucket: Bucket, head: ObjectHead) -> Mapping[str, object]:
        self._open(bucket, "GetBucketOwnershipControls", head.key)
        return {"grants": sorted(self._grants(bucket, head, multipart=False))}

    async def create_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> str:
        grants = self._grants(bucket, head, multipart=True)
        _check_tags(tags)
        stored = self.stored(bucket, head.key, "HeadObject")
        self._open(bucket, "CreateMultipartUpload", head.key)
        copy = replace(_copied(stored, head, tags, multipart=True), grants=grants)
        return self._buckets.create_upload(bucket.name, copy)

    async def copy_part(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, part: Part
    ) -> CopiedPart:
        upload = self._upload(bucket, head, copy_id, "UploadPartCopy")
        self._unchanged(bucket, head, "UploadPartCopy")
        e_tag = f"{copy_id}:{part.number}:{part.first}-{part.last}"
        upload.parts[part.number] = (e_tag, part.first, part.last)
        return CopiedPart(number=part.number, e_tag=e_tag)

    async def complete_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, parts: Sequence[CopiedPart]
    ) -> WrittenObject:
        operation = "CompleteMultipartUpload"
        upload = self._upload(bucket, head, copy_id, operation)
        stored = self._unchanged(bucket, head, operation, archived=False)
        size_bytes = 0
        for part in parts:
            e_tag, first, last = upload.parts.get(part.number, ("", 0, -1))
            if e_tag != part.e_tag:
                raise Conflict(f"part {part.number} is not {part.e_tag}", vendor_code="InvalidPart")
            # Misplaced bytes are not the object's content.
            whole = first == size_bytes
            size_bytes = last + 1 if whole else 0
        intact = size_bytes == head.size_bytes
        joined = replace(
            upload.initial,
            head=replace(upload.initial.head, size_bytes=size_bytes),
            content=stored.content if intact else b"not what it was",
        )
        del self._buckets.uploads[copy_id]
        # S3 User Guide, "Working with object metadata" (read in 2026-11): a multipart upload has
        # the time of its creation.
        written = self._buckets.write(
            bucket.name,
            joined,
            kind=operation,
            part_count=len(parts),
            last_modified=upload.created_at,
        )
        return WrittenObject(e_tag=written.head.e_tag, version_id=written.head.version_id)

    async def abort_multipart_copy(self, bucket: Bucket, key: str, copy_id: str) -> None:
        self._open(bucket, "AbortMultipartUpload", key)
        self._buckets.uploads.pop(copy_id, None)

    def _unchanged(
        self, bucket: Bucket, head: ObjectHead, operation: str, *, archived: bool = True
    ) -> StoredObject:
        """Return the current object, if it is unchanged and (`archived`) can be read."""
        stored = self.stored(bucket, head.key, operation)
        where = f"{bucket.name}/{head.key}"
        if stored.head.e_tag != head.e_tag:
            raise Conflict(
                f"{where} is no longer {head.e_tag}", operation=operation, resource=where
            )
        if archived and is_archived(stored.head):
            raise Archived(f"{where} is archived", operation=operation, resource=where)
        return stored

    def _upload(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, operation: str
    ) -> MemoryUpload:
        upload = self._buckets.uploads.get(copy_id)
        if upload is None or (upload.bucket_name, upload.initial.head.key) != (
            bucket.name,
            head.key,
        ):
            raise Conflict(
                f"there is no copy {copy_id}",
                operation=operation,
                resource=f"{bucket.name}/{head.key}",
                vendor_code="NoSuchUpload",
            )
        return upload

    def _grants(self, bucket: Bucket, head: ObjectHead, *, multipart: bool) -> Grants:
        """Return the grants that a copy must set.

        Raises:
            Archived: It must not be copied.
            Refused: A copy could not keep the object unchanged.
        """
        where = f"{bucket.name}/{head.key}"
        if is_archived(head):
            raise Archived(f"{where} is archived", operation="CopyObject", resource=where)
        opened = self._buckets.find(bucket.name)
        acls = opened is not None and opened.acls
        grants = self.stored(bucket, head.key, "GetObjectAcl").grants if acls else frozenset()
        code = None
        if opened is not None and opened.default_retention and not self._retained(head):
            code = "DefaultRetention"
        elif not (
            _COPYABLE_GRANTS.issuperset(may for may, _ in grants) or grants == _PUBLIC_READ_WRITE
        ):
            code = "WriteGrant"
        elif multipart:
            code = _not_copyable(head)
        if code is not None:
            raise Refused(
                f"{where}: a copy could not keep it unchanged ({code}); use the connector trigger"
                " 'event', which does not copy",
                operation="CopyObject",
                resource=where,
                vendor_code=code,
            )
        return grants

    def _retained(self, head: ObjectHead) -> bool:
        until = head.lock.retain_until if head.lock else None
        return until is not None and until > self._buckets.clock.now()

    def _open(self, bucket: Bucket, operation: str, key: str = "") -> MemoryBucket:
        """Count the request, and return its bucket if access is granted."""
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
        # S3 does not distinguish a foreign owner from missing permissions.
        foreign = bucket.expected_owner not in (None, found.owner)
        if denied or foreign or found.role_arn not in (None, bucket.role_arn):
            raise AccessDenied(
                f"no permission to {operation} on {where}, or another owner than"
                f" {bucket.expected_owner}",
                operation=operation,
                resource=where,
                vendor_code="AccessDenied",
            )
        return found

    def stored(self, bucket: Bucket, key: str, operation: str) -> StoredObject:
        """Return the current version of an object for an operation, with S3's errors."""
        stored = self._open(bucket, operation, key).current(key)
        if stored is None:
            raise _not_found(bucket, key, operation)
        return stored


def _copied(
    stored: StoredObject, head: ObjectHead, tags: Mapping[str, str], *, multipart: bool
) -> StoredObject:
    """Return the result of a copy that sets the attributes in `head`.

    A copy in one request keeps metadata and checksum algorithm; a multipart copy must set them. All
    others must always be set (S3 API Reference, "CopyObject"). Unless grants are set too, the copy
    is private.
    """
    described = head if multipart else stored.head
    return StoredObject(
        head=replace(
            stored.head,
            e_tag="",
            storage_class=head.storage_class,
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


def _not_copyable(head: ObjectHead) -> str | None:
    """Return which attribute of the head a multipart copy cannot set; None if there is none."""
    if NOT_IN_XML.search(head.key):
        return "Key"
    return "Expires" if isinstance(head.system_metadata.get("Expires"), str) else None


def _check_tags(tags: Mapping[str, str]) -> None:
    """Reject what S3 rejects."""
    valid = len(tags) <= OBJECT_TAG_COUNT_MAX and all(
        0 < len(name) <= OBJECT_TAG_KEY_CHARS_MAX
        and len(value) <= OBJECT_TAG_VALUE_CHARS_MAX
        and not name.startswith("aws:")
        and _TAG_TEXT.fullmatch(name + value)
        for name, value in tags.items()
    )
    if not valid:
        raise Refused("S3 does not accept these tags", vendor_code="InvalidTag")


def _position(token: str) -> str:
    """Return the last key of the page of a token."""
    if not token.startswith(_PLACE):
        raise Refused(
            f"{token!r} is not a token of a listing",
            operation="ListObjectsV2",
            vendor_code="InvalidArgument",
        )
    return token.removeprefix(_PLACE)


def _entry(bucket: MemoryBucket, key: str) -> ManifestEntry:
    stored = bucket.current(key)
    assert stored is not None  # noqa: S101  # `keys` has current objects only
    head = stored.head
    return ManifestEntry(
        key=key,
        size_bytes=head.size_bytes,
        last_modified=head.last_modified,
        e_tag=head.e_tag,
        storage_class=head.storage_class,
    )


def _not_found(bucket: Bucket, key: str, operation: str) -> NotFound:
    where = f"{bucket.name}/{key}"
    return NotFound(
        f"there is no object {where}", operation=operation, resource=where, vendor_code="NoSuchKey"
    )


_: type[ObjectStore] = MemoryObjectStore
