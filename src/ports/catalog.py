"""The Asset Management System's catalog of assets: read, never written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.catalog import CatalogAnswer, CatalogQuestion


class Catalog(Protocol):
    """Answers what is known of objects.

    An asset is known by the record under the object's own InventoryID, or by an index over asset
    ids where the catalog has one that is worth asking. What was asked of other objects in the same
    call changes no answer.
    """

    async def look_up(self, questions: Sequence[CatalogQuestion]) -> list[CatalogAnswer]:
        """Return one answer for each question, in order; any number, repetitions are fine.

        `record` is the record under the InventoryID in the tags. `asset_known`: the AssetID in the
        tags is that record's, or an index has it. An id that is None is not known.

        `others` are records of the object under other ids. They are looked up only for an object
        whose asset is not known, and which has no record under its own InventoryID or one of
        another storage path: under the inventory id that this service mints for it, and at its
        storage path where the catalog has an index over paths. What is no asset (a lock, say) is
        left out. Each record comes once.

        A record's fields are None where the catalog does not keep them, or keeps what cannot be
        read as such. Reads may lag behind the last write.

        Raises:
            Retryable: some answer could not be had; there are no partial answers.
            Misconfigured: the table or an index does not exist.
            AccessDenied: the catalog cannot be read.
            CorruptData: the catalog's answer is not of the form that it documents.
        """
        ...
