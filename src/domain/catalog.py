"""The lookup of an object in the Asset Management System's catalog, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.customer_object import ObjectHead
from domain.identity import Identity, mint_inventory_id

LOCK_PREFIX: Final = "LOCK#"
"""The start of the inventory ids of Media Lake's locks, which are items of its asset table.

v1.18.3, lambdas/ingest/s3/index.py, `acquire_processing_lock`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRecord:
    """One inventory record. Fields that a catalog does not keep are None.

    `e_tag` (without quotes), `size_bytes` and `last_modified` are those of the object version that
    the system saw last.
    """

    inventory_id: str
    asset_id: str | None = None
    storage_path: str | None = None
    e_tag: str | None = None
    size_bytes: int | None = None
    last_modified: datetime | None = None

    def may_be_at(self, path: str) -> bool:
        """Return whether this may be the record of the object at this storage path.

        It cannot be if it names another path.
        """
        return self.storage_path in (None, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogQuestion:
    """One object to look up: its place, and the ids in its tags.

    `triggered` is whether its tags say that this service triggered it under this key. `copied` is
    whether they say so of another object, from which the tags were copied.
    """

    bucket_name: str
    key: str
    identity: Identity = field(default_factory=Identity)
    triggered: bool = False
    copied: bool = False

    @property
    def storage_path(self) -> str:
        """The object's storage path in catalogs: `bucket:key`."""
        return storage_path(self.bucket_name, self.key)

    @property
    def minted_inventory_id(self) -> str:
        """The inventory id that this service generates for the object."""
        return mint_inventory_id(self.bucket_name, self.key)

    def own_record(self, records: Mapping[str, CatalogRecord]) -> CatalogRecord | None:
        """Return the record under the InventoryID in the tags; `records` are by inventory id."""
        inventory_id = self.identity.inventory_id
        return records.get(inventory_id) if inventory_id else None

    def names_asset_of(self, record: CatalogRecord | None) -> bool:
        """Return whether the AssetID in the tags is this record's."""
        asset_id = self.identity.asset_id
        return record is not None and bool(asset_id) and record.asset_id == asset_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogAnswer:
    """What the catalog has about one object.

    Attributes:
        asset_known: The AssetID in its tags is that of the record under its InventoryID, or an
        index over asset ids has it. Nothing more is looked up for such an object.
        record: The record under the InventoryID in its tags.
        others: Records of this object under other ids: at its storage path, or under the inventory
            id that this service generates for it.
    """

    asset_known: bool = False
    record: CatalogRecord | None = None
    others: tuple[CatalogRecord, ...] = ()


class Seen(StrEnum):
    """Which version of an object a record describes."""

    THIS_VERSION = "this version"
    ANOTHER_VERSION = "another version"
    UNKNOWN = "unknown"


def seen_version(record: CatalogRecord, head: ObjectHead, path: str) -> Seen:
    """Return whether the system saw the object's current version.

    It did if ETag and size are equal, because then the content is equal. It also did if the record
    has the object's modification time: a system that finds the content unchanged may update nothing
    else, and a copy may have changed the ETag (multipart, KMS). The time is not conclusive in the
    record of another object, nor if the sizes differ: S3 timestamps have a resolution of one
    second, and an object may be replaced within the second in which the system saw it.
    """
    if record.size_bytes is not None and record.size_bytes != head.size_bytes:
        return Seen.ANOTHER_VERSION
    same_place = record.may_be_at(path)
    if same_place and record.last_modified is not None:
        # S3 headers have whole seconds, and a catalog may have truncated them.
        difference = abs(record.last_modified - head.last_modified)
        if difference < timedelta(seconds=1):
            return Seen.THIS_VERSION
    if record.e_tag is not None and record.size_bytes is not None:
        same = (record.e_tag, record.size_bytes) == (head.e_tag, head.size_bytes)
        return Seen.THIS_VERSION if same else Seen.ANOTHER_VERSION
    if same_place and record.last_modified is not None:
        return Seen.ANOTHER_VERSION
    return Seen.UNKNOWN


def storage_path(bucket_name: str, key: str) -> str:
    """Return an object's storage path in catalogs."""
    return f"{bucket_name}:{key}"
