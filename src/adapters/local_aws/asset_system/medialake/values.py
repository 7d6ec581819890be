"""What the rules take and return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from adapters.local_aws.asset_system.medialake.file_types import AssetType, FileFilter

ASSET_ID_TAG: Final = "AssetID"
INVENTORY_ID_TAG: Final = "InventoryID"
FILE_HASH_TAG: Final = "FileHash"
DUPLICATE_TAG: Final = "DuplicateHash"
INVENTORY_ID_PREFIX: Final = "asset:uuid:"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestObject:
    """An object as the ingest sees it: the current version, whichever its message names.

    Attributes:
        version_id: That of the message; it is part of the lock's id alone.
        content_type: Of HEAD; empty where there is none.
        etag: With or without quotes.
        md5: Hex digest of the bytes; None where they cannot be read, as of an archived object.
        tags: All of them.
        storage_class: Of HEAD; None is STANDARD.
        user_metadata: Without the prefix `x-amz-meta-`.
    """

    bucket: str
    key: str
    size: int
    etag: str
    md5: str | None
    last_modified: datetime
    content_type: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    version_id: str | None = None
    storage_class: str | None = None
    user_metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def storage_path(self) -> str:
        """The `StoragePath` of a record of this object."""
        return storage_path(self.bucket, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record of the asset table: what the rules read of it, and what they write.

    Attributes:
        asset_id: `DigitalSourceAsset.ID`; None where the record has no map `DigitalSourceAsset`.
        asset_type: `DigitalSourceAsset.Type`.
        file_hash: `FileHash`, the MD5 as hex.
        storage_path: `StoragePath`, `bucket:key`.
        object_key: `…PrimaryLocation.ObjectKey.FullPath`.
        last_modified: `DigitalSourceAsset.lastModifiedDate`; see `instant_text`.
        etag: `…PrimaryLocation.FileInfo.Hash.Value`, without quotes, when the record was made.
        size: `…PrimaryLocation.FileInfo.Size`, when the record was made.
        ingested_at: `DigitalSourceAsset.IngestedAt`.
    """

    inventory_id: str
    asset_id: str | None = None
    asset_type: str | None = None
    file_hash: str | None = None
    storage_path: str | None = None
    object_key: str | None = None
    last_modified: str | None = None
    etag: str | None = None
    size: int | None = None
    ingested_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """What a deployment of Media Lake sets.

    Attributes:
        file_filter: The connector's; None takes every supported media file.
        do_not_ingest_duplicates: `DO_NOT_INGEST_DUPLICATES`, on by default.
    """

    file_filter: FileFilter | None = None
    do_not_ingest_duplicates: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIds:
    """Random UUIDs for what a reaction may mint; not every reaction uses them."""

    inventory_uuid: str
    asset_uuid: str


class Outcome(StrEnum):
    """What happened to the object.

    Attributes:
        IGNORED_TYPE: Not media, and no allow list names it. Nothing is written.
        FILTERED: Media that the connector's file filter leaves out. Nothing is written.
        UNREADABLE: Its bytes cannot be read. Nothing is written.
        FAILED: DynamoDB refuses a write, or an attribute is missing. The message is lost.
        TOUCHED: Known with these bytes: the record's lastModifiedDate is set, the object stays as
            it is.
        RETAGGED: As TOUCHED, and the tags are replaced with the ids of the first record with these
            bytes.
        CREATED: A new record, and three tags instead of all others.
        RECREATED: A new record under the ids in the tags; the tags stay.
        REPLACED: The record at this path had other bytes: it is deleted and another one is made.
        DUPLICATE_TAGGED: Tagged with the ids of another record with these bytes; no record.
        DELETED_ONLY: The record that the tags name had other bytes: it is deleted, none is made.
        ASSET_DELETED: The object was deleted: its record too, and the object at the record's key.
        VERSION_IGNORED: A noncurrent version was deleted; the asset stays.
        NO_ASSET: The object was deleted, and no record is at its path.
    """

    IGNORED_TYPE = "ignored type"
    FILTERED = "filtered"
    UNREADABLE = "unreadable"
    FAILED = "failed"
    TOUCHED = "touched"
    RETAGGED = "retagged"
    CREATED = "created"
    RECREATED = "recreated"
    REPLACED = "replaced"
    DUPLICATE_TAGGED = "duplicate tagged"
    DELETED_ONLY = "deleted only"
    ASSET_DELETED = "asset deleted"
    VERSION_IGNORED = "version ignored"
    NO_ASSET = "no asset"


class AssetEventType(StrEnum):
    """Detail types on Media Lake's own bus, source `custom.asset.processor`."""

    CREATED = "AssetCreated"
    DELETED = "AssetDeleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetEvent:
    """An event that Media Lake publishes; a deletion names the inventory id alone.

    `asset_type` is always by extension: `publish_event` of the ingest looks for the content type
    under `Metadata.Embedded.S3`, which nothing writes.
    """

    event_type: AssetEventType
    inventory_id: str
    asset_id: str | None = None
    asset_type: AssetType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A record whose `DigitalSourceAsset.lastModifiedDate` is set, and nothing else of it."""

    inventory_id: str
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What happened, and what is written for it, in this order.

    Attributes:
        delete_ids: Inventory ids of records to delete.
        put: A record to write.
        tags: The whole new set of tags; whatever else the object had is lost. None: untouched.
        touch: A record to touch.
        events: Published, in order.
        deletes_object: The object at the deleted record's path is deleted as well.
        keeps_lock: The lock is not released: events of this object, and of this version where the
            message names one, are dropped for `items.LOCK_S`.
    """

    outcome: Outcome
    delete_ids: tuple[str, ...] = ()
    put: Record | None = None
    tags: Mapping[str, str] | None = None
    touch: Touch | None = None
    events: tuple[AssetEvent, ...] = ()
    deletes_object: bool = False
    keeps_lock: bool = False


def storage_path(bucket: str, key: str) -> str:
    """Return the `StoragePath` of a record."""
    return f"{bucket}:{key}"


def instant_text(instant: datetime) -> str:
    """Return the form of lastModifiedDate and other times: ISO 8601 in UTC, ending in `Z`.

    Microseconds are there only where they are not 0: HEAD gives whole seconds, so that
    lastModifiedDate has none (the ingest, `process_asset`).
    """
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
