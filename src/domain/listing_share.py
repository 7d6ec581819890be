"""Shares of a long listing: each is listed by an invocation of its own.

A listing that is not done after a million keys is shared out. Every key that is left to list is in
exactly one share. A share has some ranges of the keys of one prefix, and whole prefixes that follow
it. The number of shares is fixed when they are created. A share that is done is idle: it waits for
another one to hand some of its keys on to it. So neither the number nor the size of shares grows.

The chunks of share `number` have the indexes `first_chunk + number`, and from there every
`share_count`-th. No two shares have one in common, and no share needs to ask for one.

Fencing is by `version`, as for chunks: a worker whose lease was taken over has an old version and
can write nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.engine_work import NO_ATTEMPTS, Attempts
from domain.errors import ManifestTooLarge, ShareNotOpen
from domain.key_ranges import WHOLE
from domain.lease import Lease
from domain.limits import CHUNK_INDEX_MAX
from domain.listing import Listing, Sharing

SHARE_COUNT_MAX: Final = 64
"""A transaction that creates or removes all shares of a job has room for so many, and the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingShare:
    """One share's record.

    What is left to list are `listing.ranges` of prefix number `listing.prefix_index`, and all keys
    of the prefixes after it, up to but not including number `prefix_end`. The counts of `listing`
    are of all keys that were listed by this share, also before it was idle. `chunk_count` counts
    its chunks.
    """

    job_id: str
    number: int
    version: int = 0
    listing: Listing
    prefix_end: int
    chunk_count: int = 0
    lease: Lease | None = None
    attempts: Attempts = NO_ATTEMPTS
    updated_at: datetime

    @property
    def done(self) -> bool:
        """Whether nothing is left to list; the share is idle."""
        return self.listing.prefix_index >= self.prefix_end

    @property
    def lease_token(self) -> str:
        """The token of the share's lease, empty without one."""
        return self.lease.token if self.lease else ""


def divisible(at: Listing, prefix_end: int) -> bool:
    """Return whether there are keys that another share could list."""
    return at.prefix_index < prefix_end and len(at.ranges) + prefix_end - at.prefix_index > 2


def share_out(
    job_id: str, at: Listing, *, prefix_count: int, share_count: int, now: datetime
) -> tuple[ListingShare, ...]:
    """Return `share_count` shares, at least two, of what is left to list.

    The counts of the listing so far are those of the first share.
    """
    ways = min(share_count, len(at.ranges))
    later = at.prefix_index + 1
    work = [(replace(at, ranges=at.ranges[way::ways]), later) for way in range(ways)]
    if later < prefix_count and ways < share_count:
        work.append((replace(at, prefix_index=later, ranges=(WHOLE,)), prefix_count))
    elif later < prefix_count:
        work[-1] = (work[-1][0], prefix_count)
    idle = (Listing(prefix_index=prefix_count), prefix_count)
    work += [idle] * (share_count - len(work))
    return tuple(
        ListingShare(
            job_id=job_id,
            number=number,
            listing=replace(
                at if number == 0 else Listing(),
                prefix_index=part.prefix_index,
                ranges=part.ranges,
                sharing=None,
            ),
            prefix_end=prefix_end,
            updated_at=now,
        )
        for number, (part, prefix_end) in enumerate(work)
    )


def lease_share(share: ListingShare, *, token: str, now: datetime, lease_s: float) -> ListingShare:
    """Return the share with its lease given to `token`, counted as an attempt.

    Raises:
        ShareNotOpen: Nothing is left to list, or another worker's lease is live.
    """
    if share.done:
        raise ShareNotOpen(f"share {share.number} of {share.job_id} is done")
    if share.lease is not None and share.lease.live(now):
        raise ShareNotOpen(f"share {share.number} of {share.job_id} is leased")
    lease = Lease(token=token, expires_at=now + timedelta(seconds=lease_s))
    return replace(share, lease=lease, attempts=share.attempts.started(), updated_at=now)


def advance_share(
    share: ListingShare, at: Listing, *, added_chunk_count: int, release: bool, now: datetime
) -> ListingShare:
    """Return the leased share after progress; a share that is done needs no lease."""
    moved = replace(
        share,
        listing=at,
        chunk_count=share.chunk_count + added_chunk_count,
        attempts=NO_ATTEMPTS,
        updated_at=now,
    )
    return replace(moved, lease=None) if release or moved.done else moved


def hand_on(
    giver: ListingShare, taker: ListingShare, now: datetime
) -> tuple[ListingShare, ListingShare]:
    """Return both shares after an idle one took about half of what is left of the other.

    Raises:
        ValueError: The taker is not idle, or the giver cannot be divided.
    """
    at = giver.listing
    if not taker.done or not divisible(at, giver.prefix_end):
        raise ValueError(f"share {giver.number} cannot hand on to share {taker.number}")
    later = at.prefix_index + 1
    if later < giver.prefix_end:
        middle = later + (giver.prefix_end - later) // 2
        kept, given = replace(giver, prefix_end=middle), replace(at, ranges=(WHOLE,))
    else:
        middle = at.prefix_index
        kept = replace(giver, listing=replace(at, ranges=at.ranges[::2]))
        given = replace(at, ranges=at.ranges[1::2])
    return (
        replace(kept, updated_at=now),
        replace(
            taker,
            listing=replace(taker.listing, prefix_index=middle, ranges=given.ranges),
            prefix_end=giver.prefix_end,
            lease=None,
            attempts=NO_ATTEMPTS,
            updated_at=now,
        ),
    )


def total_of(shares: Sequence[ListingShare], at: Listing) -> Listing:
    """Return the progress `at` of a listing with the counts of all of its shares."""
    parts = [share.listing for share in shares]
    return replace(
        at,
        objects_listed=sum(part.objects_listed for part in parts),
        objects_filtered=sum(part.objects_filtered for part in parts),
        objects_not_media=sum(part.objects_not_media for part in parts),
        bytes_listed=sum(part.bytes_listed for part in parts),
    )


def chunk_index(sharing: Sharing, number: int, chunk_number: int) -> int:
    """Return the index of a share's chunk.

    Raises:
        ManifestTooLarge: There is no index left.
    """
    index = sharing.first_chunk + chunk_number * sharing.share_count + number
    if index > CHUNK_INDEX_MAX:
        raise ManifestTooLarge(
            f"share {number} of the listing needs more chunks than a job can have; sync fewer"
            " objects at once, by prefixes"
        )
    return index
