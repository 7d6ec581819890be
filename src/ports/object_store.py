"""Customers' buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.bucket_report import Setting
from domain.connector import Bucket, BucketInfo
from domain.customer_object import ObjectHead, ObjectTags, WrittenObject
from domain.manifest import ManifestEntry
from domain.part_copy import CopiedPart, Part


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One page of a listing: its objects, if any, and the token of the next page.

    `token` is the store's own value; None after the last page.
    """

    entries: Sequence[ManifestEntry]
    token: str | None


class ObjectStore(Protocol):
    """Lists, reads and writes the objects of customers' buckets.

    Every call has the bucket's expected owner, if one is set, and is made in the bucket's role, if
    it names one. Every method may raise the Retryable errors of `ports.errors`, AccessDenied (for
    the bucket, also one of another owner, or for the role), and Misconfigured for a bucket that
    does not exist.
    """

    async def inspect(self, bucket: Bucket) -> BucketInfo:
        """Return the parts of the bucket's configuration that matter for a sync.

        A setting that an S3-compatible store does not support counts as off. A bucket whose Region
        the store does not return counts as being in the service's Region.
        """
        ...

    async def setting(self, bucket: Bucket, setting: Setting) -> str:
        """Return one setting, as `Setting` describes it; the Region is empty if it is unknown.

        A setting that an S3-compatible store does not support counts as off. The Region of a bucket
        that exists may be returned even to a caller to whom all else is denied.
        """
        ...

    def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None, token: str | None = None
    ) -> AsyncIterator[ListedPage]:
        """Yield pages of the current objects under `prefix` in UTF-8 byte order of keys.

        Starts after the key `start_after` (exclusive); with the `token` of a page of an earlier
        listing under the same prefix, after that page. There is at least one page. Pages are in
        order and without repetition; each has at most 1,000 objects and may be short or empty.

        Raises:
            Refused: The store does not accept the token.
        """
        ...

    async def read_tags(self, bucket: Bucket, key: str) -> ObjectTags:
        """Return all tags of the current version; empty if it has none. One request.

        The result is the caller's own copy. `read_at` is on the same clock as
        `ObjectHead.last_modified`.

        Raises:
            NotFound: There is no such object, or its current version is a delete marker.
        """
        ...

    async def head(self, bucket: Bucket, key: str) -> ObjectHead:
        """Return what a copy must keep, and the number of its tags. One request.

        Raises:
            NotFound: There is no such object, or its current version is a delete marker.
            Refused: The object is encrypted with a key that only its owner has (SSE-C).
        """
        ...

    async def write_tags(self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]) -> None:
        """Replace the tags of the version in `head`. One request; idempotent.

        Raises:
            NotFound: The object was deleted.
            Refused: S3 does not accept the tags.
        """
        ...

    async def copy_in_place(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        """Copy the object onto itself with the tags `tags`, keeping everything in `head`.

        One request, for objects up to 5 GB. If the bucket uses ACLs or object lock, it is preceded
        by reads of what is not in `head`. Idempotent.

        Raises:
            Conflict: The object's ETag is no longer the one in `head`; nothing was written.
            NotFound: The object was deleted.
            Archived: According to `head` it is archived, restored or not (`is_archived`): nothing
                is requested then, because its copy would be archived at once. Or it was archived in
                the meantime.
            Refused: S3 does not accept the request for this object, such as its tags. Or, before
                anything is written, a copy could not keep it unchanged: it has no current
                retention, and the bucket's default retention would lock its copy; or its ACL grants
                WRITE other than `public-read-write` does.
        """
        ...

    async def access(self, bucket: Bucket, head: ObjectHead) -> Mapping[str, object]:
        """Return a copy's lock and ACL parameters, to detect changes; often there are none.

        Raises:
            NotFound, Refused: As in `copy_in_place`.
        """
        ...

    async def create_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> str:
        """Start `copy_in_place` as a multipart copy, for objects of any size; return the copy's id.

        The copy has `tags` and the attributes in `head`. The object does not change before
        `complete_multipart_copy`. A copy that is neither completed nor aborted is kept, and billed.

        Raises:
            NotFound: The object was deleted.
            Archived: As in `copy_in_place`.
            Refused: As in `copy_in_place`. Or the object has an Expires that is not a date,
                metadata that the store does not return, or a key with characters not allowed
                in XML 1.0.
        """
        ...

    async def copy_part(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, part: Part
    ) -> CopiedPart:
        """Copy a byte range of the object; the same part again replaces it. One request.

        Raises:
            Conflict: The object's ETag is no longer the one in `head`; or the copy was completed or
                aborted, maybe by a request of this service whose response was lost.
            NotFound: The object was deleted.
            Archived: It was archived since the copy started.
        """
        ...

    async def complete_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, copy_id: str, parts: Sequence[CopiedPart]
    ) -> WrittenObject:
        """Replace the object by its copy. `parts` are all of them in order. One request.

        Raises:
            Conflict: As in `copy_part`, or a part does not have this ETag; nothing was written.
            NotFound: The object was deleted.
        """
        ...

    async def abort_multipart_copy(self, bucket: Bucket, key: str, copy_id: str) -> None:
        """Abort a copy and delete its parts; a missing one is ignored."""
        ...
