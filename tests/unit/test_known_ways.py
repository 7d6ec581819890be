"""The choice between single questions and a snapshot, by price."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.known_ways import CatalogSample, choose_way
from domain.pricing.price_table import LIST_PRICES
from domain.snapshot import Way

MILLION = 1_000_000


def sample(**others: int) -> CatalogSample:
    values = {
        "item_count": MILLION,
        "size_bytes": MILLION * 2_000,
        "seen": 500,
        "minted": 0,
        "others": 500,
    }
    return CatalogSample(**{**values, **others})


def test_a_million_objects_under_other_ids_are_read_at_once() -> None:
    choice = choose_way(sample(), LIST_PRICES, path_index=True)
    assert choice.way is Way.SNAPSHOT
    assert (choice.minted, choice.others) == (0, MILLION)
    # 2 GB are 488,282 units of 4 KB, at half; then files. Singly, each object is two halves.
    assert choice.snapshot_dollars.quantize(Decimal("0.001")) == Decimal("0.031")
    assert choice.lookups_dollars == Decimal("0.125")


def test_without_an_index_over_paths_their_tags_cost_more() -> None:
    by_path = choose_way(sample(), LIST_PRICES, path_index=True)
    by_tags = choose_way(sample(), LIST_PRICES, path_index=False)
    assert by_tags.lookups_dollars - by_path.lookups_dollars == Decimal("0.4")


def test_a_small_bucket_of_a_large_table_is_asked_for_singly() -> None:
    choice = choose_way(sample(others=5), LIST_PRICES, path_index=True)
    assert (choice.way, choice.others) == (Way.LOOKUPS, 10_000)


def test_large_items_are_dear_in_a_scan() -> None:
    ours = sample(minted=100, others=0, size_bytes=MILLION * 10_000)
    assert choose_way(ours, LIST_PRICES, path_index=True).way is Way.LOOKUPS


def test_an_empty_catalog_is_not_read() -> None:
    empty = sample(item_count=0, size_bytes=0, seen=0, others=0)
    assert choose_way(empty, LIST_PRICES, path_index=True).way is Way.LOOKUPS


COUNTS = st.integers(0, 500)


@given(minted=COUNTS, others=COUNTS, size=st.integers(1, 10**12), path_index=st.booleans())
def test_the_cheaper_way_is_chosen_and_more_other_ids_never_speak_against_a_snapshot(
    minted: int, others: int, size: int, path_index: bool
) -> None:
    first = sample(seen=1_000, minted=minted, others=others, size_bytes=size)
    choice = choose_way(first, LIST_PRICES, path_index=path_index)
    cheaper = choice.snapshot_dollars < choice.lookups_dollars
    assert (choice.way is Way.SNAPSHOT) is cheaper
    # One more under another id instead of ours: asking gets dearer, the snapshot costs the same.
    if minted:
        more = sample(seen=1_000, minted=minted - 1, others=others + 1, size_bytes=size)
        other = choose_way(more, LIST_PRICES, path_index=path_index)
        assert other.lookups_dollars > choice.lookups_dollars
        assert other.snapshot_dollars == choice.snapshot_dollars
