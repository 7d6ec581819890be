"""A share of a listing as an item of the job table.

Its key is one that no job has, and it lacks the attributes that the indexes need, so no list shows
it.
"""

from __future__ import annotations

from adapters.aws.attempts_item import attempts_values, to_attempts
from adapters.aws.attributes import Item, reading, to_item, to_timestamp, to_values
from adapters.aws.lease_item import lease_values, to_lease
from adapters.aws.listing_item import SHARE_PREFIX, range_values, to_ranges
from domain.listing import Listing
from domain.listing_share import ListingShare


def share_key(job_id: str, number: int) -> Item:
    """Return the key of the share's item."""
    return to_item({"jobId": f"{SHARE_PREFIX}{job_id}#{number}"})


def share_item(share: ListingShare) -> Item:
    """Return the whole item of a share."""
    at = share.listing
    return share_key(share.job_id, share.number) | to_item(
        {
            "ofJob": share.job_id,
            "number": share.number,
            "version": share.version,
            "objectsListed": at.objects_listed,
            "objectsFiltered": at.objects_filtered,
            "objectsNotMedia": at.objects_not_media,
            "bytesListed": at.bytes_listed,
            "prefixIndex": at.prefix_index,
            "prefixEnd": share.prefix_end,
            "left": range_values(at.ranges),
            "chunkCount": share.chunk_count,
            "lease": lease_values(share.lease),
            **attempts_values(share.attempts),
            "updatedAt": share.updated_at,
        }
    )


def to_share(item: Item) -> ListingShare:
    """Return the share of an item.

    Raises:
        CorruptData: The item is not valid.
    """
    with reading("a share of a listing"):
        values = to_values(item)
        return ListingShare(
            job_id=values["ofJob"],
            number=values["number"],
            version=values["version"],
            listing=Listing(
                objects_listed=values["objectsListed"],
                objects_filtered=values["objectsFiltered"],
                objects_not_media=values["objectsNotMedia"],
                bytes_listed=values["bytesListed"],
                prefix_index=values["prefixIndex"],
                ranges=to_ranges(values["left"]),
            ),
            prefix_end=values["prefixEnd"],
            chunk_count=values["chunkCount"],
            lease=to_lease(values.get("lease")),
            attempts=to_attempts(values),
            updated_at=to_timestamp(values["updatedAt"]),
        )
