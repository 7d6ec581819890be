"""The progress of a listing, as its checkpoints record it."""

from __future__ import annotations

from dataclasses import dataclass

from domain.key_ranges import WHOLE, KeyRange
from domain.key_source import NOTHING_LEFT_OUT, SourceCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class RowUpload:
    """The progress of a file of rows: the parts of a multipart upload, and what follows them.

    The rows are in the parts of the upload `upload_id`, whose ETags are `part_e_tags`, in order,
    and then in the file `rest_key`, if there is one.
    """

    upload_id: str | None = None
    part_e_tags: tuple[str, ...] = ()
    rest_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """That the rest of the listing is in `share_count` shares (`domain.listing_share`).

    `first_chunk` is the index of the first chunk that is theirs.
    """

    share_count: int
    first_chunk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The progress of the listing.

    Everything before prefix number `prefix_index`, and of this prefix everything outside of
    `ranges`, is in `manifest`, or, if it is known without its tags and needs no task of a batch
    job, in `known`. The ranges are in the order of their keys. `key_sum` covers the objects listed
    (`domain.key_sum`), the known ones included. It is None if a version without it has listed some
    of them. While there are shares (`sharing`), what is left is in them, and the prefix and the
    ranges here are those at which they were created.

    Keys that come from a source instead (`domain.key_source`) have one range, whose token is the
    position in it; `source` counts its rows that are no objects of the job.

    `e_tags` says whether the rows of the manifest have ETags; an earlier version began one without.
    """

    objects_listed: int = 0
    objects_known: int = 0
    objects_filtered: int = 0
    objects_not_media: int = 0
    bytes_listed: int = 0
    prefix_index: int = 0
    ranges: tuple[KeyRange, ...] = (WHOLE,)
    manifest: RowUpload = RowUpload()
    known: RowUpload = RowUpload()
    key_sum: int | None = 0
    source: SourceCounts = NOTHING_LEFT_OUT
    sharing: Sharing | None = None
    e_tags: bool = False

    @property
    def objects_seen(self) -> int:
        """The number of objects that the listing has returned, selected or not."""
        return self.objects_listed + self.objects_filtered + self.objects_not_media
