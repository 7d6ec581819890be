"""The scan of a catalog that has no table: it has nothing to read."""

from __future__ import annotations

from ports.catalog_scan import CatalogScan, CatalogSize, ScanPage


class EmptyCatalogScan:
    """A catalog without records."""

    async def size(self) -> CatalogSize:
        return CatalogSize(item_count=0, size_bytes=0)

    async def page(self, *, segment: int, segment_count: int, cursor: str | None) -> ScanPage:
        return ScanPage(records=(), seen=0, cursor=None)


_: type[CatalogScan] = EmptyCatalogScan
