"""An object of a customer: what a read shows of it, and whether and how it can be rewritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """Server-side encryption with S3's or KMS's keys; `algorithm` is S3's own word."""

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
    """Everything that one HeadObject tells of an object and that a copy has to keep.

    `system_metadata` maps CopyObject's parameter names (ContentType, CacheControl, ...) to values.
    `tag_count` is None where the store does not say it: of an object without tags S3 does not.
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
    """An object's tags as one read showed them, and what tells later whose they were.

    `version_id` is the version's, None where the store names none; `read_at` is the store's own
    time at the read.
    """

    def __init__(
        self, tags: Mapping[str, str], *, version_id: str | None, read_at: datetime
    ) -> None:
        super().__init__(tags)
        self.version_id = version_id
        self.read_at = read_at


NULL_VERSION: Final = "null"
"""The version of an object that was written while its bucket had none; it can be overwritten.

S3 User Guide, "Retaining multiple versions of objects with S3 Versioning" (read in 2026-11).
"""


def possibly_replaced(tags: ObjectTags, head: ObjectHead) -> bool:
    """Tell whether the object or its tags may have changed between the two reads.

    No answer to a read of tags has the ETag. Versions tell it exactly. Without them, an object
    that was modified in the second of the read or later may be another one: S3 tells times in
    whole seconds. Both are by S3's clock, so an object that was left alone for a second before
    is never in doubt. Tags leave no trace in either, but their number shows in the head: so a
    system is noticed that took the object just now, and tagged it.
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
    """Tell whether `possibly_replaced` notices a replacement of this object, by version or time.

    Of an object that was uploaded in parts S3 tells the time at which its upload was begun (S3 User
    Guide, "Working with object metadata", read in 2026-11), which may be long before it took the
    place of another.
    """
    return head.version_id not in (None, NULL_VERSION) or "-" not in head.e_tag


_ARCHIVE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def is_archived(head: ObjectHead) -> bool:
    """Tell whether the object is in an archive, so that it is not copied onto itself.

    In GLACIER and DEEP_ARCHIVE it is one while it is restored, too. S3 would copy it then, but the
    copy is archived at once: the restore that its owner paid for would end, and an early deletion
    be charged. Out of an archive tier of INTELLIGENT_TIERING a restore brings it for good; no
    status is shown any more, and it is like any other. GLACIER_IR is no archive (S3 User Guide,
    "Working with archived objects", read in 2026-11).
    """
    return head.storage_class in _ARCHIVE_CLASSES or head.archive_status is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenObject:
    """What S3 answered to a rewrite: the object's ETag and version now."""

    e_tag: str
    version_id: str | None = None
