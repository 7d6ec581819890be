"""The Asset Management System's asset table in memory, and the system's side of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.memory.database import MemoryDatabase
from domain.catalog import (
    LOCK_PREFIX,
    CatalogAnswer,
    CatalogQuestion,
    CatalogRecord,
    storage_path,
)
from domain.identity import mint_inventory_id
from ports.catalog import Catalog


class MemoryCatalog:
    """Looks objects up in the assets of a `MemoryDatabase`.

    A record whose inventory id starts with `LOCK#` is a lock, as in Media Lake, and not an asset.

    Args:
        database: Stores the records.
        asset_index: Whether there is an index over asset ids to query.
        path_index: Whether there is an index over storage paths.
    """

    def __init__(
        self, database: MemoryDatabase, *, asset_index: bool = False, path_index: bool = True
    ) -> None:
        self._database = database
        self._asset_index = asset_index
        self._path_index = path_index

    async def look_up(self, questions: Sequence[CatalogQuestion]) -> list[CatalogAnswer]:
        records = self._records()
        asset_ids: set[str | None] = set()
        if self._asset_index:
            asset_ids = {record.asset_id for record in records.values()}
        by_path = self._by_path(records)

        def answer(question: CatalogQuestion) -> CatalogAnswer:
            asset_id, path = question.identity.asset_id, question.storage_path
            own = question.own_record(records)
            if question.names_asset_of(own) or (asset_id and asset_id in asset_ids):
                return CatalogAnswer(asset_known=True, record=own)
            if own is not None and own.may_be_at(path):
                return CatalogAnswer(record=own)
            found = {each.inventory_id: each for each in by_path.get(path, ())}
            minted = records.get(question.minted_inventory_id)
            if minted is not None:
                found[minted.inventory_id] = minted
            if own is not None:
                found.pop(own.inventory_id, None)
            return CatalogAnswer(record=own, others=tuple(found[each] for each in sorted(found)))

        return [answer(each) for each in questions]

    async def records_at(
        self, bucket_name: str, keys: Sequence[str]
    ) -> list[tuple[CatalogRecord, ...]]:
        records = self._records()
        by_path = self._by_path(records)

        def found(key: str) -> tuple[CatalogRecord, ...]:
            path = storage_path(bucket_name, key)
            minted = records.get(mint_inventory_id(bucket_name, key))
            if minted is not None and minted.may_be_at(path):
                return (minted,)
            return tuple(by_path.get(path, ()))

        return [found(key) for key in keys]

    def _records(self) -> dict[str, CatalogRecord]:
        return {
            inventory_id: record
            for inventory_id, record in self._database.assets.items()
            if not inventory_id.startswith(LOCK_PREFIX)
        }

    def _by_path(
        self, records: Mapping[str, CatalogRecord]
    ) -> dict[str | None, list[CatalogRecord]]:
        by_path: dict[str | None, list[CatalogRecord]] = {}
        if self._path_index:
            for record in records.values():
                by_path.setdefault(record.storage_path, []).append(record)
        return by_path

    def ingest(
        self,
        *,
        inventory_id: str,
        asset_id: str | None,
        storage_path: str | None = None,
        e_tag: str | None = None,
        size_bytes: int | None = None,
        last_modified: datetime | None = None,
    ) -> None:
        """Write an inventory record, as the Asset Management System does; not part of the port.

        It replaces the record with that inventory id.
        """
        self._database.assets[inventory_id] = CatalogRecord(
            inventory_id=inventory_id,
            asset_id=asset_id,
            storage_path=storage_path,
            e_tag=e_tag,
            size_bytes=size_bytes,
            last_modified=last_modified,
        )

    def remove(self, inventory_id: str) -> None:
        """Delete an inventory record, if there is one; not part of the port."""
        self._database.assets.pop(inventory_id, None)


_: type[Catalog] = MemoryCatalog
