"""Customers' buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from domain.connector import Bucket, BucketFacts
from domain.customer_object import ObjectHead, ObjectTags, WrittenObject
from domain.manifest import ManifestEntry


class ObjectStore(Protocol):
    """Lists, reads and rewrites the objects of customers' buckets.

    Every call carries the bucket's expected owner, if one is set. Every method may raise the
    Retryable errors of `ports.errors`, AccessDenied, and Misconfigured for a bucket that does not
    exist or is another owner's.
    """

    async def inspect(self, bucket: Bucket) -> BucketFacts:
        """Return what of the bucket's set-up matters for a sync.

        A store that only resembles S3 and does not know a setting has it switched off.
        """
        ...

    def list_objects(
        self, bucket: Bucket, *, prefix: str, start_after: str | None
    ) -> AsyncIterator[Sequence[ManifestEntry]]:
        """Yield pages of the current objects under `prefix` in UTF-8 byte order of keys.

        Starts after the key `start_after` (exclusive). Pages are in order and without repetition;
        each has at most 1,000 objects and may be short or empty.
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
        """Return what a copy has to keep. One request.

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

        One request for objects up to 5 GB, else a multipart copy that is aborted on failure. Doing
        it twice leaves the same object.

        Raises:
            Conflict: the object's ETag is not the one in `head` any more; nothing was written.
            NotFound: the object is gone.
            Archived: its bytes are archived.
            Refused: S3 does not accept the request for this object.
        """
        ...
