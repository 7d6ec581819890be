"""An object of a customer: what a read returns, and whether and how it can be copied in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """Server-side encryption with S3's or KMS's keys; `algorithm` is S3's own value."""

    algorithm: str
    kms_key_id: str | None = None
    bucket_key_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLock:
    """Retention and legal hold of an object version."""

    mode: str | None = None
    retain_until: datetime | None = None
    legal_hold: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectHead:
    """Everything that one HeadObject returns about an object and that a copy must keep.

    `system_metadata` maps CopyObject's parameter names (ContentType, CacheControl, ...) to values.
    `tag_count` is None if the store does not return it: S3 omits it for objects without tags.
    """

    key: str
    size_bytes: int
    e_tag: str
    last_modified: datetime
    version_id: str | None = None
    storage_class: str = "STANDARD"
    archive_status: str | None = None
    restored: bool = False
    encryption: Encryption | None = None
    website_redirect: str | None = None
    lock: ObjectLock | None = None
    system_metadata: Mapping[str, str | datetime] = field(default_factory=dict)
    user_metadata: Mapping[str, str] = field(default_factory=dict)
    checksum_algorithm: str | None = None
    tag_count: int | None = None

    @property
    def content_type(self) -> str:
        """The object's content type, empty if it has none."""
        return str(self.system_metadata.get("ContentType", ""))


class ObjectTags(dict[str, str]):
    """An object's tags from one read, and what later identifies the version they belong to.

    `version_id` is that of the version, None if the store returns none. `read_at` is the store's
    time of the read.
    """

    def __init__(
        self, tags: Mapping[str, str], *, version_id: str | None, read_at: datetime
    ) -> None:
        super().__init__(tags)
        self.version_id = version_id
        self.read_at = read_at


NULL_VERSION: Final = "null"
"""The version id of an object written without versioning; it can be overwritten.

S3 User Guide, "Retaining multiple versions of objects with S3 Versioning" (read in 2026-11).
"""


def possibly_replaced(tags: ObjectTags, head: ObjectHead) -> bool:
    """Return whether the object or its tags may have changed between the two reads.

    The response to a read of tags does not have the ETag. Version ids are exact. Without them, an
    object that was modified in the second of the read or later may be another one: S3 timestamps
    have a resolution of one second. Both times are from S3's clock, so an object that did not
    change in the second before is never ambiguous. Tags change neither, but the head shows their
    number. This detects a system that has just ingested and tagged the object.
    """
    if head.tag_count is not None and head.tag_count != len(tags):
        return True
    if tags.version_id is not None and head.version_id is not None:
        if tags.version_id != head.version_id:
            return True
        if head.version_id != NULL_VERSION:
            return False
    return head.last_modified >= tags.read_at.replace(microsecond=0)


def time_is_conclusive(head: ObjectHead) -> bool:
    """Return whether `possibly_replaced` can detect a replacement, by version or time.

    The modification time of a multipart upload is the time at which the upload was created (S3 User
    Guide, "Working with object metadata", read in 2026-11). That may be long before it replaced
    another object.
    """
    return head.version_id not in (None, NULL_VERSION) or "-" not in head.e_tag


_ARCHIVE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def is_archived(head: ObjectHead) -> bool:
    """Return whether the object is archived, so that it is not copied onto itself.

    An object in GLACIER or DEEP_ARCHIVE counts as archived even while it is restored. S3 would copy
    it then, but archives the copy at once: the restore that its owner paid for would end, and an
    early deletion fee would be charged. A restore from an archive tier of INTELLIGENT_TIERING is
    permanent: no restore status is shown afterwards, and the object is like any other. GLACIER_IR
    is not an archive (S3 User Guide, "Working with archived objects", read in 2026-11).
    """
    return head.storage_class in _ARCHIVE_CLASSES or head.archive_status is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenObject:
    """The response to an in-place copy: the object's current ETag and version."""

    e_tag: str
    version_id: str | None = None
