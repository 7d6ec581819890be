"""Shares of a listing: every key that is left is in exactly one, whatever is handed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.engine_work import NO_ATTEMPTS
from domain.errors import ManifestTooLarge, ShareNotOpen
from domain.key_ranges import RANGE_COUNT_MAX, WHOLE, KeyRange, take_page
from domain.limits import CHUNK_INDEX_MAX
from domain.listing import Listing, Sharing
from domain.listing_share import (
    SHARE_COUNT_MAX,
    ListingShare,
    advance_share,
    chunk_index,
    divisible,
    hand_on,
    lease_share,
    share_out,
    total_of,
)
from domain.manifest import ManifestEntry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [f"{number:02}" for number in range(30)]
# Each prefix has the same keys below it; a key of the bucket is the pair.
Key = tuple[int, str]


def within(ranges: Iterable[KeyRange], prefix_index: int) -> list[Key]:
    """Return the keys of a prefix that are in these ranges, with repetitions."""
    return [
        (prefix_index, key)
        for each in ranges
        for key in KEYS
        if (each.after is None or key > each.after) and (each.up_to is None or key <= each.up_to)
    ]


def left_of(at: Listing, prefix_end: int) -> list[Key]:
    """Return the keys that are left to list, as the docstring of `ListingShare` says."""
    if at.prefix_index >= prefix_end:
        return []
    later = range(at.prefix_index + 1, prefix_end)
    return [
        *within(at.ranges, at.prefix_index),
        *(key for prefix_index in later for key in within((WHOLE,), prefix_index)),
    ]


def left(shares: Iterable[ListingShare]) -> Counter[Key]:
    return Counter(key for share in shares for key in left_of(share.listing, share.prefix_end))


@st.composite
def listings(draw: st.DrawFn) -> tuple[Listing, int]:
    """Return the progress of a listing that is not done, and the number of its prefixes."""
    prefix_count = draw(st.integers(1, 6))
    cuts = draw(
        st.lists(st.sampled_from(KEYS), unique=True, max_size=2 * RANGE_COUNT_MAX).map(sorted)
    )
    bounds: list[str | None] = [None, *cuts, None]
    pairs = list(pairwise(bounds))
    kept = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=RANGE_COUNT_MAX, unique=True))
    ranges = tuple(
        KeyRange(after=after, up_to=up_to) for after, up_to in pairs if (after, up_to) in kept
    )
    at = Listing(
        prefix_index=draw(st.integers(0, prefix_count - 1)),
        ranges=ranges,
        objects_listed=draw(st.integers(0, 99)),
        objects_filtered=draw(st.integers(0, 99)),
        bytes_listed=draw(st.integers(0, 99)),
    )
    return at, prefix_count


@given(listings(), st.integers(2, SHARE_COUNT_MAX))
def test_what_is_left_is_shared_out(listing: tuple[Listing, int], share_count: int) -> None:
    at, prefix_count = listing
    shares = share_out("j", at, prefix_count=prefix_count, share_count=share_count, now=NOW)

    assert [share.number for share in shares] == list(range(share_count))
    assert left(shares) == Counter(left_of(at, prefix_count))
    assert all(count == 1 for count in left(shares).values())
    counted = total_of(shares, Listing())
    assert (counted.objects_listed, counted.bytes_listed) == (at.objects_listed, at.bytes_listed)
    assert counted.objects_filtered == at.objects_filtered


def list_some(share: ListingShare, range_number: int, size: int) -> tuple[ListingShare, list[Key]]:
    """List a page of one of a share's ranges; return the share and the page's keys."""
    at = share.listing
    chosen = at.ranges[range_number % len(at.ranges)]
    rest = [key for _, key in within((replace(chosen, up_to=None),), at.prefix_index)]
    entries = [ManifestEntry(key=key, size_bytes=1, last_modified=NOW) for key in rest[:size]]
    found, remaining = take_page(chosen, entries, "more" if len(rest) > size else None)
    ranges = tuple(
        each if each is not chosen else remaining
        for each in at.ranges
        if each is not chosen or remaining
    )
    following = (
        replace(at, ranges=ranges)
        if ranges
        else replace(at, prefix_index=at.prefix_index + 1, ranges=(WHOLE,))
    )
    moved = advance_share(
        share,
        replace(following, objects_listed=at.objects_listed + len(found)),
        added_chunk_count=1,
        release=False,
        now=NOW,
    )
    return moved, [(at.prefix_index, entry.key) for entry in found]


@given(listings(), st.integers(2, 5), st.data())
def test_each_key_is_listed_once_whatever_is_handed_on(
    listing: tuple[Listing, int], share_count: int, data: st.DataObject
) -> None:
    at, prefix_count = listing
    wanted = Counter(left_of(at, prefix_count))
    shares = list(share_out("j", at, prefix_count=prefix_count, share_count=share_count, now=NOW))
    listed: Counter[Key] = Counter()
    while open_shares := [share for share in shares if not share.done]:
        idle = [share for share in shares if share.done]
        giver = data.draw(st.sampled_from(open_shares))
        if idle and divisible(giver.listing, giver.prefix_end) and data.draw(st.booleans()):
            taker = data.draw(st.sampled_from(idle))
            before = left([giver])
            for each in hand_on(giver, taker, NOW):
                shares[each.number] = each
            assert not shares[giver.number].done
            assert not shares[taker.number].done
            assert left([shares[giver.number], shares[taker.number]]) == before
        else:
            number, size = data.draw(st.integers(0, 9)), data.draw(st.integers(1, 40))
            shares[giver.number], page = list_some(giver, number, size)
            listed.update(page)
        assert left(shares) + listed == wanted
    assert total_of(shares, at).objects_listed == at.objects_listed + sum(wanted.values())


@given(st.integers(2, 8), st.integers(0, 50), st.lists(st.integers(0, 30), min_size=8, max_size=8))
def test_no_two_shares_have_a_chunk_in_common(
    share_count: int, first_chunk: int, chunk_counts: Sequence[int]
) -> None:
    sharing = Sharing(share_count=share_count, first_chunk=first_chunk)
    indexes = [
        chunk_index(sharing, number, chunk_number)
        for number in range(share_count)
        for chunk_number in range(chunk_counts[number])
    ]
    assert len(indexes) == len(set(indexes))
    assert all(index >= first_chunk for index in indexes)


def test_a_share_needs_no_more_chunks_than_a_job_can_have() -> None:
    sharing = Sharing(share_count=2, first_chunk=CHUNK_INDEX_MAX)
    assert chunk_index(sharing, 0, 0) == CHUNK_INDEX_MAX
    with pytest.raises(ManifestTooLarge, match="share 1 of the listing"):
        chunk_index(sharing, 1, 0)


class TestLeases:
    share = ListingShare(job_id="j", number=0, listing=Listing(), prefix_end=1, updated_at=NOW)

    def test_a_live_lease_keeps_others_away(self) -> None:
        leased = lease_share(self.share, token="a", now=NOW, lease_s=60)
        with pytest.raises(ShareNotOpen, match="leased"):
            lease_share(leased, token="b", now=NOW + timedelta(seconds=59), lease_s=60)
        again = lease_share(leased, token="b", now=NOW + timedelta(seconds=60), lease_s=60)
        assert (again.lease_token, again.attempts.count) == ("b", 2)

    def test_a_share_that_is_done_is_not_leased(self) -> None:
        done = replace(self.share, listing=Listing(prefix_index=1))
        with pytest.raises(ShareNotOpen, match="done"):
            lease_share(done, token="a", now=NOW, lease_s=60)

    def test_progress_resets_the_attempts_and_the_end_needs_no_lease(self) -> None:
        leased = lease_share(self.share, token="a", now=NOW, lease_s=60)
        moved = advance_share(leased, Listing(), added_chunk_count=2, release=False, now=NOW)
        assert (moved.attempts, moved.chunk_count, moved.lease_token) == (NO_ATTEMPTS, 2, "a")
        released = advance_share(moved, Listing(), added_chunk_count=0, release=True, now=NOW)
        done = advance_share(
            moved, Listing(prefix_index=1), added_chunk_count=0, release=False, now=NOW
        )
        assert (released.lease, done.lease) == (None, None)

    def test_a_share_with_work_takes_nothing(self) -> None:
        with pytest.raises(ValueError, match="cannot hand on"):
            hand_on(self.share, replace(self.share, number=1), NOW)
