"""S3's responses about a customer's objects as domain values; invalid ones are Malformed."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from adapters.aws.responses import Malformed, header_of, optional, required
from domain.customer_object import ObjectTags
from domain.manifest import ManifestEntry
from ports.object_store import ListedPage


def read_page(
    response: Mapping[str, Any], *, prefix: str, after: str | None, shown: Container[str | None]
) -> ListedPage:
    """Return a page of ListObjectsV2, after the key `after` and the pages of the tokens `shown`.

    S3 API Reference, "ListObjectsV2": keys are in UTF-8 binary order, which is the order of
    Python's strings. A truncated page names the next one, and a short page need not be the last.
    """
    entries = [
        ManifestEntry(
            key=required(found, "Key"),
            size_bytes=required(found, "Size", of=int),
            last_modified=required(found, "LastModified", of=datetime),
            e_tag=(optional(found, "ETag") or "").strip('"') or None,
            storage_class=optional(found, "StorageClass"),
        )
        for found in optional(response, "Contents", of=list) or []
    ]
    before = after
    for entry in entries:
        if not entry.key.startswith(prefix):
            raise Malformed("the listing has a key outside of its prefix")
        if before is not None and entry.key <= before:
            raise Malformed(
                "the listing has a key twice or out of order; a bucket can only be synced if its"
                " store lists keys in the order of their UTF-8 bytes, as S3 does"
            )
        before = entry.key
    if not required(response, "IsTruncated", of=bool):
        return ListedPage(entries, None)
    following = required(response, "NextContinuationToken")
    if following in shown:
        raise Malformed("the listing names an earlier page as its next page")
    return ListedPage(entries, following)


def read_tags(response: Mapping[str, Any], *, now: datetime) -> ObjectTags:
    """Return the tags of GetObjectTagging; `now` is their time if the response has no date."""
    date = header_of(response, "date")
    tags = {
        required(tag, "Key"): required(tag, "Value", of=str, empty=True)
        for tag in required(response, "TagSet", of=list)
    }
    return ObjectTags(
        tags,
        version_id=optional(response, "VersionId"),
        read_at=_time_of(date) or now,
    )


def _time_of(date: str | None) -> datetime | None:
    """Return the time of the store's response, None if it has no valid one."""
    try:
        time = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    # RFC 9110, section 5.6.7: an HTTP date is in UTC, however its zone is written.
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
