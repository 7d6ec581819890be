"""Customers' buckets as S3 keeps them: objects, versions, delete markers, notifications.

Owns S3's side of the rules: what an object has, and what a write does to it. It must not know the
service: `adapters.memory.object_store` talks to it as the AWS adapter talks to S3.
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

EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"

Grants = frozenset[tuple[str, str]]
"""What others than its owner may do with an object: permissions, each with an account or group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One version of an object.

    `content` may be a short stand-in for the bytes of a huge object; the size is the head's.
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

    Without `acls` nobody's grants count. Under `default_retention` a new version is locked.
    `other_region` is its Region if that is not the service's. With `role_arn`, only who comes in
    that role is let in.
    """

    name: str
    owner: str
    versioned: bool
    requester_pays: bool = False
    acls: bool = False
    default_retention: bool = False
    other_region: str | None = None
    role_arn: str | None = None
    versions: dict[str, list[StoredObject | None]] = field(default_factory=dict)

    def current(self, key: str) -> StoredObject | None:
        """Return the current version, None if there is none or it is a delete marker."""
        versions = self.versions.get(key)
        return versions[-1] if versions else None


@dataclass(slots=True, kw_only=True)
class MemoryUpload:
    """A multipart upload: what it was begun with, and the ETag and bytes (both included) of parts.

    `begun` has the attributes that the joined object will have.
    """

    bucket_name: str
    begun: StoredObject
    begun_at: datetime
    parts: dict[int, tuple[str, int, int]] = field(default_factory=dict)


class MemoryBuckets:
    """All buckets of a small world.

    Attributes:
        uploads: The multipart uploads that were neither completed nor aborted, by id.
        requests: How often each operation of S3 was asked for, by its name.
        denied: Buckets, or (bucket, key), that the service has no rights on.
        on_created: Called after each write of an object, as a notification is.
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
        """Make a bucket; one that is there is replaced."""
        self._buckets[name] = MemoryBucket(name=name, owner=owner, versioned=versioned)
        return self._buckets[name]

    def find(self, name: str) -> MemoryBucket | None:
        """Return the bucket, None if there is none."""
        return self._buckets.get(name)

    def get(self, name: str, key: str) -> StoredObject:
        """Return the current version of an object that is there."""
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
        """Write an object, as its owner would; returns what HeadObject shows of it.

        `size_bytes` and `e_tag` may be given for an object too large to be held, or one that was
        uploaded in parts; `last_modified` for an upload in parts, which has its beginning's time.
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
        """Make `stored` the current version: with an ETag if it has none, its time and version.

        `last_modified` is now if it is not given.
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

    def create_upload(self, name: str, begun: StoredObject) -> str:
        """Begin a multipart upload; returns its id."""
        self._upload_count += 1
        upload_id = f"upload-{self._upload_count}"
        self.uploads[upload_id] = MemoryUpload(
            bucket_name=name, begun=begun, begun_at=self.clock.now()
        )
        return upload_id

    def set_tags(self, name: str, head: ObjectHead, tags: Mapping[str, str]) -> None:
        """Replace the tags of a version that is there; nothing else of it changes."""
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
        """Return an ETag as S3 makes it.

        It is the content's MD5 only for a plain or SSE-S3 object in one part (S3 API Reference,
        "Object"); under KMS it differs from write to write.
        """
        encryption = stored.head.encryption
        plain = encryption is None or encryption.algorithm == "AES256"
        salt = b"" if plain else str(self._write_count).encode()
        digest = hashlib.md5(stored.content + salt, usedforsecurity=False).hexdigest()
        return digest if part_count is None else f"{digest}-{part_count}"
