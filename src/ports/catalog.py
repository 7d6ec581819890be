"""The Asset Management System's catalog of assets: read, never written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.catalog import CatalogAnswer, CatalogQuestion, CatalogRecord


class Catalog(Protocol):
    """Looks up objects.

    An asset is known by the record under the object's own InventoryID, or by an index over asset
    ids if the catalog has one to query. The result for an object does not depend on the other
    objects of the call.
    """

    async def look_up(self, questions: Sequence[CatalogQuestion]) -> list[CatalogAnswer]:
        """Return one result for each question, in order; any number, repetitions allowed.

        `record` is the record under the InventoryID in the tags. `asset_known`: the AssetID in the
        tags is that record's, or an index has it. An id that is None is not known.

        `others` are records of the object under other ids. They are looked up only for an object
        whose asset is not known, and which has no record under its own InventoryID or one of
        another storage path: under the inventory id that this service generates for it, and at its
        storage path if the catalog has an index over paths. Items that are not assets (for example
        locks) are left out. There are no duplicates.

        A record's fields are None if the catalog does not have them, or has a value of another
        type. Reads may lag behind the last write.

        Raises:
            Retryable: A lookup failed; there are no partial results.
            Misconfigured: The table or an index does not exist.
            AccessDenied: The catalog cannot be read.
            CorruptData: The catalog's response does not have its documented form.
        """
        ...

    async def records_at(
        self, bucket_name: str, keys: Sequence[str]
    ) -> list[tuple[CatalogRecord, ...]]:
        """Return the records of each object of a bucket, whatever its tags are, in order of `keys`.

        The record under the inventory id that this service generates for the object, if it may be
        the object's (`CatalogRecord.may_be_at`). If there is none, those at its storage path, if
        the catalog has an index over paths. Locks are left out.

        Raises:
            Retryable, Misconfigured, AccessDenied, CorruptData: As in `look_up`.
        """
        ...
