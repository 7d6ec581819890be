"""The Asset Management System's table of assets in memory, and the system's side of it."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.memory.database import MemoryDatabase
from domain.decision import CatalogAnswer
from domain.identity import Identity
from ports.catalog import Catalog


class MemoryCatalog:
    """Answers from the assets of a `MemoryDatabase`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def look_up(self, identities: Sequence[Identity]) -> list[CatalogAnswer]:
        """See `Catalog.look_up`."""
        assets = self._database.assets
        asset_ids = set(assets.values()) - {None}
        return [
            CatalogAnswer(
                asset_known=identity.asset_id in asset_ids,
                inventory_known=identity.inventory_id in assets,
            )
            for identity in identities
        ]

    def ingest(self, *, inventory_id: str, asset_id: str | None) -> None:
        """Write an inventory record, as the Asset Management System does; no part of the port."""
        self._database.assets[inventory_id] = asset_id


_: type[Catalog] = MemoryCatalog
