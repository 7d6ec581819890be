"""Customers' buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.connector import Bucket, BucketInfo
from domain.customer_object import ObjectHead, ObjectTags, WrittenObject
from domain.manifest import ManifestEntry
from domain.part_copy import CopiedPart, Part


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One page of a listing: its objects, maybe none, and what names the place of the next page.

    `token` is the store's own word; None after the last page.
    """

    entries: Sequence[ManifestEntry]
    token: str | None


class ObjectStore(Protocol):
    """Lists, reads and rewrites the objects of customers' buckets.

    Every call carries the bucket's expected owner, if one is set, and is made in the bucket's role,
    if it names one. Every method may raise the Retryable errors of `ports.errors`, AccessDenied
    (of the bucket, of another owner's too, or of the role), and Misconfigured for a bucket that
    does not exist.
    """

    async def inspect(self, bucket: Bucket) -> BucketInfo:
        """Return what of the bucket's set-up matters for a sync.

        A store that only resembles S3 and does not know a setting has it switched off; a bucket
        whose Region the store does not tell is not known to be elsewhere.
        """
        ...

    def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        """Yield pages of the current objects under `prefix` in UTF-8 byte order of keys.

        Starts after the key `start_after` (exclusive); with the `token` of a page of an earlier
        listing under the same prefix, after that page. There is one page at least; pages are in
        order and without repetition, each has at most 1,000 objects and may be short or empty.

        Raises:
            Refused: the store does not take the token.
        """
        ...

    async def read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        """Return all tags of the current version; empty if it has none. One request.

        They are the caller's own. `read_at` is on the clock that `ObjectHead.last_modified` is on.

        Raises:
            NotFound: there is no such object, or its current version is a delete marker.
        """
        ...

    async def head(self, bucket: Bucket, key: str) -> ObjectHead:
        """Return what a copy has to keep, and the number of its tags. One request.

        Raises:
            NotFound: there is no such object, or its current version is a delete marker.
            Refused: the object is encrypted with a key that only its owner has (SSE-C).
        """
        ...

    async def write_tags(self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]) -> None:
        """Replace the tags of the version that `head` shows. One request; same tags, same effect.

        Raises:
            NotFound: the object is gone.
            Refused: S3 does not accept the tags.
        """
        ...

    async def rewrite(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        """Copy the object onto itself with `tags` for its tags, keeping all that `head` shows.

        One request, for objects up to 5 GB; where the bucket uses ACLs or object lock, reads of
        what `head` does not show come before it. Doing it twice leaves the same object.

        Raises:
            Conflict: the object's ETag is not the one in `head` any more; nothing was written.
            NotFound: the object is gone.
            Archived: by `head` it is in an archive, restored or not (`is_archived`): nothing is
                requested then, since its copy would be archived at once. Or it is by now.
            Refused: S3 does not accept the request for this object, such as its tags; or, before
                anything is written, a copy could not keep it as it is: it has no retention that
                lasts, and the bucket's default retention would lock its copy; or its ACL grants
                WRITE otherwise than `public-read-write` does.
        """
        ...

    async def access(self, bucket: Bucket, head: ObjectHead) -> Mapping[str, object]:
        """Return what a copy is told of lock and ACL, to tell whether they changed; often nothing.

        Raises:
            NotFound, Refused: as `rewrite`.
        """
        ...

    async def create_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> str:
        """Begin what `rewrite` does in parts, for objects of any size; returns the copy's id.

        The copy has `tags` and what `head` shows from here on; the object is not touched before
        `complete_multipart_copy`. One that is neither finished nor abandoned is kept, and billed.

        Raises:
            NotFound: the object is gone.
            Archived: as `rewrite`.
            Refused: as `rewrite`; or the object has an Expires that is no date, metadata that the
                store does not show, or a key with signs that XML 1.0 lacks.
        """
        ...

    async def copy_part(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, part: Part
    ) -> CopiedPart:
        """Copy some bytes of the object; the same part again replaces it. One request.

        Raises:
            Conflict: the object's ETag is not the one in `head` any more; or the copy was finished
                or abandoned, maybe by a call of ours whose answer got lost.
            NotFound: the object is gone.
            Archived: it was archived since the copy began.
        """
        ...

    async def complete_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, parts: Sequence[CopiedPart]
    ) -> WrittenObject:
        """Replace the object by its copy. `parts` are all of them in order. One request.

        Raises:
            Conflict: as `copy_part`, or a part is not the one of this ETag; nothing was written.
            NotFound: the object is gone.
        """
        ...

    async def abort_multipart_copy(self, bucket: Bucket, key: str, copy_id: str) -> None:
        """Drop a copy and its parts; one that is not there any more is fine."""
        ...
