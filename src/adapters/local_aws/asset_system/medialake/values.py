"""Parameters and results of the rules."""

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
    """An object as the ingest reads it: the current version, whichever version the message names.

    Attributes:
        version_id: From the message; used only in the id of the lock.
        content_type: Of HEAD; empty if there is none.
        etag: With or without quotes.
        md5: Hex digest of the bytes; None if they cannot be read, as of an archived object.
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
    """A record of the asset table: the attributes that the rules read and write.

    Attributes:
        asset_id: `DigitalSourceAsset.ID`; None if the record has no map `DigitalSourceAsset`.
        asset_type: `DigitalSourceAsset.Type`.
        file_hash: `FileHash`, the MD5 as hex.
        storage_path: `StoragePath`, `bucket:key`.
        object_key: `…PrimaryLocation.ObjectKey.FullPath`.
        last_modified: `DigitalSourceAsset.lastModifiedDate`; see `timestamp_text`.
        etag: `…PrimaryLocation.FileInfo.Hash.Value`, without quotes, when the record was created.
        size: `…PrimaryLocation.FileInfo.Size`, when the record was created.
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
    """Settings of a Media Lake deployment.

    Attributes:
        file_filter: The connector's; None accepts every supported media file.
        do_not_ingest_duplicates: `DO_NOT_INGEST_DUPLICATES`, on by default.
    """

    file_filter: FileFilter | None = None
    do_not_ingest_duplicates: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIds:
    """Random UUIDs for ids that a reaction generates; not every reaction uses them."""

    inventory_uuid: str
    asset_uuid: str


class IngestOutcome(StrEnum):
    """What happened to the object.

    Attributes:
        IGNORED_TYPE: Not media, and no allow list matches it. Nothing is written.
        FILTERED: Media that the connector's file filter excludes. Nothing is written.
        UNREADABLE: Its bytes cannot be read. Nothing is written.
        FAILED: DynamoDB rejects a write, or an attribute is missing. The message is lost.
        TOUCHED: Known with this content: the record's lastModifiedDate is set, the object is
            unchanged.
        RETAGGED: As TOUCHED, and the tags are replaced with the ids of the first record with this
            content.
        CREATED: A new record, and three tags instead of all others.
        RECREATED: A new record with the ids in the tags; the tags are unchanged.
        REPLACED: The record at this path had other content: it is deleted, a new one is created.
        DUPLICATE_TAGGED: Tagged with the ids of another record with this content; no new record.
        DELETED_ONLY: The record with the tagged ids had other content: deleted, none is created.
        ASSET_DELETED: The object was deleted; so are its record and the object at the record's key.
        VERSION_IGNORED: A noncurrent version was deleted; the asset is kept.
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

    `asset_type` is always by extension: `publish_event` of the ingest reads the content type from
    `Metadata.Embedded.S3`, which nothing writes.
    """

    event_type: AssetEventType
    inventory_id: str
    asset_id: str | None = None
    asset_type: AssetType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """An update of `DigitalSourceAsset.lastModifiedDate` of a record."""

    inventory_id: str
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """The outcome, and the writes that belong to it, in this order.

    Attributes:
        delete_ids: Inventory ids of records to delete.
        put: A record to write.
        tags: The complete new tag set; other tags are lost. None: unchanged.
        touch: A record to update.
        events: Published, in order.
        deletes_object: The object at the deleted record's path is also deleted.
        keeps_lock: The lock is not released: events of this object, and of this version if the
            message names one, are dropped for `items.LOCK_S`.
    """

    outcome: IngestOutcome
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


def timestamp_text(time: datetime) -> str:
    """Return the form of lastModifiedDate and other times: ISO 8601 in UTC, ending in `Z`.

    Microseconds are omitted if they are 0: HEAD has a resolution of one second, so
    lastModifiedDate has none (the ingest, `process_asset`).
    """
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
