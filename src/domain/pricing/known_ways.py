"""How a job that relies on the catalog learns what the catalog has: the ways, and their prices.

Two ways give the same outcomes. With LOOKUPS, the catalog is asked for each object: by the id that
this service mints for it, a hundred in a request, and then by its storage path, or by its tags if
the catalog has no index over paths. With SNAPSHOT, the catalog is read once, and the job looks its
objects up in sorted files; what it does not find there it looks up as before.

Objects that the catalog does not have cost the same with both ways, so they are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Final

from domain.pricing.price_table import PriceTable
from domain.snapshot import Way

# DynamoDB Developer Guide, "DynamoDB read and write operations" (checked 2026-11): a read that is
# eventually consistent costs half a unit for each 4 KB. A Scan adds up what it reads and rounds
# once; other reads round each item up.
_UNIT_BYTES: Final = 4_096
_HALF: Final = Decimal("0.5")

_ROW_BYTES: Final = 250
_FILE_BYTES: Final = 32 * 1024**2
_OBJECTS_PER_READ: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogSample:
    """The size of a catalog, and a part of its records, which are in random order.

    Attributes:
        item_count, size_bytes: Of the whole table. DynamoDB updates them every six hours.
        seen: Records of the sample, of any bucket.
        minted: Those of the job's objects under the inventory id that this service mints.
        others: Those of the job's objects under other ids.
    """

    item_count: int
    size_bytes: int
    seen: int
    minted: int
    others: int

    def of_all(self, count: int) -> int:
        """Return how many records there are in the table if the sample has `count`."""
        return round(self.item_count * count / self.seen) if self.seen else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WayChoice:
    """The way that costs less, the prices of both in US dollars, and the counts behind them."""

    way: Way
    lookups_dollars: Decimal
    snapshot_dollars: Decimal
    minted: int
    others: int


def choose_way(sample: CatalogSample, prices: PriceTable, *, path_index: bool) -> WayChoice:
    """Return the cheaper way; LOOKUPS if both cost the same.

    Args:
        sample: What is known of the catalog.
        prices: Dollars per unit.
        path_index: Whether the catalog answers by storage path. If not, the tags of objects under
            other ids are read.
    """
    minted, others = sample.of_all(sample.minted), sample.of_all(sample.others)
    read = prices.of("dynamodb-read")
    item_bytes = sample.size_bytes / sample.item_count if sample.item_count else 0
    of_item = max(ceil(item_bytes / _UNIT_BYTES), 1) * _HALF * read
    of_other = of_item if path_index else of_item + prices.of("s3-read")
    # An id without a record costs half a unit too.
    lookups = minted * of_item + others * (_HALF * read + of_other)
    known = minted + others
    file_count = 1 + known * _ROW_BYTES // _FILE_BYTES
    snapshot = (
        Decimal(ceil(sample.size_bytes / _UNIT_BYTES)) * _HALF * read
        # Runs, partitions, and the index of each, written once; each partition is read from each
        # run.
        + (3 * file_count + 2) * prices.of("s3-write")
        + (file_count**2 + 2 * ceil(known / _OBJECTS_PER_READ)) * prices.of("s3-read")
    )
    return WayChoice(
        way=Way.SNAPSHOT if snapshot < lookups else Way.LOOKUPS,
        lookups_dollars=lookups,
        snapshot_dollars=snapshot,
        minted=minted,
        others=others,
    )
