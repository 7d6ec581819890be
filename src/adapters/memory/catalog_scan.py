"""A scan of the asset table in memory."""

from __future__ import annotations

from zlib import crc32

from adapters.memory.database import MemoryDatabase
from domain.catalog import LOCK_PREFIX
from ports.catalog_scan import CatalogScan, CatalogSize, ScanPage


class MemoryCatalogScan:
    """Reads the assets of a `MemoryDatabase`, in the order of the hashes of their ids.

    Args:
        database: Stores the records.
        page_item_count: Items of a page.
        item_bytes: The size of an item that `size` assumes.
    """

    def __init__(
        self, database: MemoryDatabase, *, page_item_count: int = 500, item_bytes: int = 2_000
    ) -> None:
        self._database = database
        self._page_item_count = page_item_count
        self._item_bytes = item_bytes

    async def size(self) -> CatalogSize:
        count = len(self._database.assets)
        return CatalogSize(item_count=count, size_bytes=count * self._item_bytes)

    async def page(self, *, segment: int, segment_count: int, cursor: str | None) -> ScanPage:
        places = sorted(
            (crc32(inventory_id.encode(errors="replace")), inventory_id)
            for inventory_id in self._database.assets
        )
        own = [place for place in places if place[0] % segment_count == segment]
        if cursor is not None:
            # The item may be gone; its place is not.
            after = (crc32(cursor.encode(errors="replace")), cursor)
            own = [place for place in own if place > after]
        page = [inventory_id for _, inventory_id in own[: self._page_item_count]]
        return ScanPage(
            records=tuple(
                self._database.assets[each] for each in page if not each.startswith(LOCK_PREFIX)
            ),
            seen=len(page),
            cursor=page[-1] if len(own) > len(page) else None,
        )


_: type[CatalogScan] = MemoryCatalogScan
