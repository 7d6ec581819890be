"""What is left of a listing, as a part of the item of a job or of a share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.aws.attributes import Value
from domain.key_ranges import KeyRange
from domain.listing import Listing, Sharing

SHARE_PREFIX: Final = "share#"
"""The keys of shares begin with it, in the job table."""


def is_share(job_id: str) -> bool:
    """Return whether this key of the job table is a share's and not a job's."""
    return job_id.startswith(SHARE_PREFIX)


def range_values(ranges: Sequence[KeyRange]) -> list[Value]:
    """Return ranges of keys as a list of maps."""
    return [{"after": each.after, "upTo": each.up_to, "token": each.token} for each in ranges]


def progress_values(listing: Listing) -> dict[str, Value | None]:
    """Return what is left of the prefix.

    A version without ranges knows only the rest of a prefix after a key. Of other ranges it must
    not find the manifest's upload, so that it starts the listing again.
    """
    [keys, *others] = listing.ranges
    if not others and keys.up_to is None:
        return {"lastKey": keys.after, "token": keys.token}
    ranges: Value = {
        "uploadId": listing.manifest.upload_id,
        "left": range_values(listing.ranges),
    }
    return {"uploadId": None, "ranges": ranges}


def to_ranges(left: Sequence[Mapping[str, Any]]) -> tuple[KeyRange, ...]:
    """Return the ranges of a list of maps."""
    return tuple(
        KeyRange(after=each.get("after"), up_to=each.get("upTo"), token=each.get("token"))
        for each in left
    )


def to_progress(progress: Mapping[str, Any]) -> tuple[KeyRange, ...]:
    """Return the ranges that the record of a job's listing has left."""
    if (ranges := progress.get("ranges")) is None:
        return (KeyRange(after=progress.get("lastKey"), token=progress.get("token")),)
    return to_ranges(ranges["left"])


def sharing_values(sharing: Sharing | None) -> dict[str, Value | None] | None:
    """Return the map; None for a listing that is not shared out."""
    if sharing is None:
        return None
    return {"shareCount": sharing.share_count, "firstChunk": sharing.first_chunk}


def to_sharing(values: Mapping[str, Any] | None) -> Sharing | None:
    """Return the sharing of a map."""
    if values is None:
        return None
    return Sharing(share_count=values["shareCount"], first_chunk=values["firstChunk"])
