"""Customers' buckets as S3 stores them: objects, versions, delete markers, notifications.

This module owns S3's side of the rules: an object's attributes, and the effect of a write. It is
independent of the service: `adapters.memory.object_store` uses it as the AWS adapter uses S3.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.customer_object import Encryption, ObjectHead, ObjectLock
from ports.clock import Clock

OWNER = "111122223333"
OWN_REGION = "us-east-1"

EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"

Grants = frozenset[tuple[str, str]]
"""The grants of an object to others than its owner: each a permission and an account or group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One version of an object.

    `content` may be a short placeholder for the bytes of a huge object; the size is the head's.
    """

    head: ObjectHead
    content: bytes
    tags: Mapping[str, str]
    customer_key: bool = False
    grants: Grants = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectCreated:
    """S3's notification; `kind` is Put, Copy or CompleteMultipartUpload."""

    bucket_name: str
    key: str
    kind: str
    e_tag: str
    version_id: str | None
    size_bytes: int


@dataclass(slots=True, kw_only=True)
class MemoryBucket:
    """One bucket; each key has its versions, the current one last, None for a delete marker.

    Without `acls` no grants apply. Under `default_retention` a new version is locked.
    `other_region` is its Region if that is not the service's. With `role_arn`, only requests in
    that role are granted access.
    """

    name: str
    owner: str
    versioned: bool
    requester_pays: bool = False
    acls: bool = False
    default_retention: bool = False
    other_region: str | None = None
    role_arn: str | None = None
    encryption: str = "AES256"
    event_bridge: bool = False
    versions: dict[str, list[StoredObject | None]] = field(default_factory=dict)

    def current(self, key: str) -> StoredObject | None:
        """Return the current version, None if there is none or it is a delete marker."""
        versions = self.versions.get(key)
        return versions[-1] if versions else None


@dataclass(slots=True, kw_only=True)
class MemoryUpload:
    """A multipart upload: its attributes, and the ETags and byte ranges (inclusive) of its parts.

    `initial` has the attributes of the object after completion.
    """

    bucket_name: str
    initial: StoredObject
    created_at: datetime
    parts: dict[int, tuple[str, int, int]] = field(default_factory=dict)


class MemoryBuckets:
    """All buckets of an in-memory environment.

    Attributes:
        uploads: The multipart uploads that were neither completed nor aborted, by id.
        requests: The number of requests of each S3 operation, by its name.
        denied: Buckets, or (bucket, key), that the service has no permissions for.
        on_created: Called after each write of an object, like an S3 notification.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._buckets: dict[str, MemoryBucket] = {}
        self._write_count = 0
        self._upload_count = 0
        self.uploads: dict[str, MemoryUpload] = {}
        self.requests: Counter[str] = Counter()
        self.denied: set[str | tuple[str, str]] = set()
        self.on_created: list[Callable[[ObjectCreated], None]] = []

    def create(self, name: str, *, owner: str = OWNER, versioned: bool = False) -> MemoryBucket:
        """Create a bucket; an existing one is replaced."""
        self._buckets[name] = MemoryBucket(name=name, owner=owner, versioned=versioned)
        return self._buckets[name]

    def find(self, name: str) -> MemoryBucket | None:
        """Return the bucket, None if there is none."""
        return self._buckets.get(name)

    def get(self, name: str, key: str) -> StoredObject:
        """Return the current version of an existing object."""
        stored = self._buckets[name].current(key)
        if stored is None:
            raise KeyError(key)
        return stored

    def keys(self, name: str) -> list[str]:
        """Return the keys of the current objects in UTF-8 byte order."""
        bucket = self._buckets[name]
        return sorted((key for key in bucket.versions if bucket.current(key)), key=str.encode)

    def put(
        self,
        name: str,
        key: str,
        content: bytes = b"",
        *,
        tags: Mapping[str, str] | None = None,
        size_bytes: int | None = None,
        e_tag: str | None = None,
        storage_class: str = "STANDARD",
        archive_status: str | None = None,
        restored: bool = False,
        encryption: Encryption | None = None,
        customer_key: bool = False,
        grants: Grants = frozenset(),
        website_redirect: str | None = None,
        lock: ObjectLock | None = None,
        system_metadata: Mapping[str, str | datetime] | None = None,
        user_metadata: Mapping[str, str] | None = None,
        checksum_algorithm: str | None = None,
        last_modified: datetime | None = None,
    ) -> ObjectHead:
        """Write an object as its owner would, and return what HeadObject returns for it.

        `size_bytes` and `e_tag` may be given for an object too large for memory, or for a multipart
        upload; `last_modified` for a multipart upload, which has the time of its creation.
        """
        head = ObjectHead(
            key=key,
            size_bytes=len(content) if size_bytes is None else size_bytes,
            e_tag=e_tag or "",
            last_modified=self.clock.now(),
            storage_class=storage_class,
            archive_status=archive_status,
            restored=restored,
            encryption=encryption or Encryption(algorithm="AES256"),
            website_redirect=website_redirect,
            lock=lock,
            system_metadata=dict(system_metadata or {"ContentType": "binary/octet-stream"}),
            user_metadata=dict(user_metadata or {}),
            checksum_algorithm=checksum_algorithm,
        )
        stored = StoredObject(
            head=head,
            content=content,
            tags=dict(tags or {}),
            customer_key=customer_key,
            grants=grants,
        )
        return self.write(name, stored, kind="Put", last_modified=last_modified).head

    def write(
        self,
        name: str,
        stored: StoredObject,
        *,
        kind: str,
        part_count: int | None = None,
        last_modified: datetime | None = None,
    ) -> StoredObject:
        """Make `stored` the current version, with an ETag if it has none, its time and version.

        `last_modified` is the current time by default.
        """
        self._write_count += 1
        bucket = self._buckets[name]
        head = replace(
            stored.head,
            e_tag=stored.head.e_tag or self._e_tag_of(stored, part_count),
            last_modified=last_modified or self.clock.now(),
            version_id=f"version-{self._write_count}" if bucket.versioned else None,
        )
        written = replace(stored, head=head)
        if bucket.versioned:
            bucket.versions.setdefault(head.key, []).append(written)
        else:
            bucket.versions[head.key] = [written]
        created = ObjectCreated(
            bucket_name=name,
            key=head.key,
            kind=kind,
            e_tag=head.e_tag,
            version_id=head.version_id,
            size_bytes=head.size_bytes,
        )
        for notify in self.on_created:
            notify(created)
        return written

    def create_upload(self, name: str, initial: StoredObject) -> str:
        """Create a multipart upload, and return its id."""
        self._upload_count += 1
        upload_id = f"upload-{self._upload_count}"
        self.uploads[upload_id] = MemoryUpload(
            bucket_name=name, initial=initial, created_at=self.clock.now()
        )
        return upload_id

    def set_tags(self, name: str, head: ObjectHead, tags: Mapping[str, str]) -> None:
        """Replace the tags of an existing version; nothing else of it changes."""
        versions = self._buckets[name].versions[head.key]
        for index, stored in enumerate(versions):
            if stored is not None and stored.head.version_id == head.version_id:
                versions[index] = replace(stored, tags=dict(tags))

    def delete(self, name: str, key: str) -> None:
        """Delete an object; a versioned bucket keeps it behind a delete marker."""
        bucket = self._buckets[name]
        if bucket.versioned:
            bucket.versions.setdefault(key, []).append(None)
        else:
            bucket.versions.pop(key, None)

    def _e_tag_of(self, stored: StoredObject, part_count: int | None) -> str:
        """Return an ETag as S3 computes it.

        It is the content's MD5 only for a plain or SSE-S3 object in one part (S3 API Reference,
        "Object"); under KMS it differs for each write.
        """
        encryption = stored.head.encryption
        plain = encryption is None or encryption.algorithm == "AES256"
        salt = b"" if plain else str(self._write_count).encode()
        digest = hashlib.md5(stored.content + salt, usedforsecurity=False).hexdigest()
        return digest if part_count is None else f"{digest}-{part_count}"
