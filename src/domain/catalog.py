"""What the Asset Management System's catalog is asked of an object, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.customer_object import ObjectHead
from domain.identity import Identity, mint_inventory_id

LOCK_PREFIX: Final = "LOCK#"
"""How the inventory ids of a Media Lake's locks begin, which are items of its table of assets.

v1.18.3, lambdas/ingest/s3/index.py, `acquire_processing_lock`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRecord:
    """One inventory record. What a catalog does not keep is None.

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
        """Return whether it may be the record of the object at this storage path.

        It is not if it names another one.
        """
        return self.storage_path in (None, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogQuestion:
    """One object: its place, and the ids in its tags.

    `triggered` tells whether its tags say that this service triggered it, under this very key;
    `copied`, that they say so of another object, from which its tags came along.
    """

    bucket_name: str
    key: str
    identity: Identity = field(default_factory=Identity)
    triggered: bool = False
    copied: bool = False

    @property
    def storage_path(self) -> str:
        """The object's place as catalogs write it: `bucket:key`."""
        return storage_path(self.bucket_name, self.key)

    @property
    def minted_inventory_id(self) -> str:
        """The inventory id that this service mints for the object."""
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
    """What the catalog knows of one object.

    Attributes:
        asset_known: The AssetID in its tags is that of the record under its InventoryID, or an
            index over asset ids has it. Such an object is known, and nothing more is looked up.
        record: The record under the InventoryID in its tags.
        others: Records of this object under other ids: at its storage path, or under the inventory
            id that this service mints for it.
    """

    asset_known: bool = False
    record: CatalogRecord | None = None
    others: tuple[CatalogRecord, ...] = ()


class Seen(StrEnum):
    """Which version of an object a record is about."""

    THIS_VERSION = "this version"
    ANOTHER_VERSION = "another version"
    UNTOLD = "not told"


def seen_version(record: CatalogRecord, head: ObjectHead, path: str) -> Seen:
    """Tell whether the system saw the object as it is now.

    It did if ETag and size are equal: then the content is. It did as well if the record names the
    object's modification time: a system that finds its content unchanged may update nothing else,
    and a copy may have changed the ETag (several parts, KMS). That time tells nothing in another
    object's record, nor if the sizes differ: S3 tells whole seconds, and an object may be replaced
    in the second in which the system saw it.
    """
    if record.size_bytes is not None and record.size_bytes != head.size_bytes:
        return Seen.ANOTHER_VERSION
    same_place = record.may_be_at(path)
    if same_place and record.last_modified is not None:
        # S3 shows whole seconds in a header, and a catalog may have cut them off.
        difference = abs(record.last_modified - head.last_modified)
        if difference < timedelta(seconds=1):
            return Seen.THIS_VERSION
    if record.e_tag is not None and record.size_bytes is not None:
        same = (record.e_tag, record.size_bytes) == (head.e_tag, head.size_bytes)
        return Seen.THIS_VERSION if same else Seen.ANOTHER_VERSION
    if same_place and record.last_modified is not None:
        return Seen.ANOTHER_VERSION
    return Seen.UNTOLD


def storage_path(bucket_name: str, key: str) -> str:
    """Return an object's place as catalogs write it."""
    return f"{bucket_name}:{key}"
