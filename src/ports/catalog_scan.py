"""The whole catalog, read once, for snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from domain.catalog import CatalogRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSize:
    """Items and bytes of the catalog; both may be hours old."""

    item_count: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPage:
    """Some records of a segment.

    Attributes:
        records: Those of the page, in any order, without locks.
        seen: Items that were read for them.
        cursor: Where the next page begins, None at the end. A page may have no records, and more
            may follow.
    """

    records: tuple[CatalogRecord, ...]
    seen: int
    cursor: str | None


class CatalogScan(Protocol):
    """Reads all records of a catalog, in segments that can be read at once.

    A record that exists, unchanged, while all segments are read is in exactly one page. Reads may
    lag behind the last write.

    Both methods raise, besides Retryable errors:
        AccessDenied: The catalog cannot be scanned; the message names the permission.
        Misconfigured: The table does not exist, or the attribute names do not match.
        CorruptData: The response does not have its documented form.
    """

    async def size(self) -> CatalogSize:
        """Return the size of the catalog."""
        ...

    async def page(self, *, segment: int, segment_count: int, cursor: str | None) -> ScanPage:
        """Return the page of a segment (from 0 on) at the cursor, None for its first."""
        ...
