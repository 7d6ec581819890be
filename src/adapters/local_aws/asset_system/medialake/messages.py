"""Which messages Media Lake recognises: `handler` and `normalize_event_contexts` of the ingest.

A key in an S3 record is form-encoded and decoded once; a key in an EventBridge event is used as it
is. Unrecognised messages are dropped, not retried.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

DELETE_MARKER_CREATED: Final = "Delete Marker Created"
PERMANENTLY_DELETED: Final = "Permanently Deleted"

_CREATED: Final = "ObjectCreated:"
_REMOVED: Final = "ObjectRemoved:"

# `_deletion_type_from_event_name`; in EventBridge events it is `deletion-type`.
_DELETION_TYPES: Final = {
    "ObjectRemoved:DeleteMarkerCreated": DELETE_MARKER_CREATED,
    "ObjectRemoved:Delete": PERMANENTLY_DELETED,
}

# Records in the body of an SQS message; the second is the source in messages of Media Lake's own
# sync.
_RECORD_SOURCES: Final = frozenset({"aws:s3", "medialake.AssetSyncProcessor"})

# `_EVENTBRIDGE_DETAIL_TYPE_MAP`; changed storage classes and restores change no asset.
_DETAIL_TYPES: Final = {
    "Object Created": _CREATED,
    "Object Deleted": _REMOVED,
    "PutObject": "ObjectCreated:Put",
    "CompleteMultipartUpload": "ObjectCreated:CompleteMultipartUpload",
    "CopyObject": "ObjectCreated:Copy",
    "DeleteObject": "ObjectRemoved:Delete",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvent:
    """One object event of a message.

    Attributes:
        event_name: As in an S3 notification, without `s3:`; the part after the colon may be empty.
        key: Decoded.
        deletion_type: For deletions, if known: one of the two constants.
    """

    event_name: str
    bucket: str
    key: str
    version_id: str | None = None
    deletion_type: str | None = None

    @property
    def is_creation(self) -> bool:
        """Whether the object was written."""
        return self.event_name.startswith(_CREATED)

    @property
    def is_deletion(self) -> bool:
        """Whether the object or a version of it was deleted."""
        return self.event_name.startswith(_REMOVED)


def events_of_body(body: object) -> tuple[ObjectEvent, ...]:
    """Return the events in the decoded body of an SQS message."""
    if not isinstance(body, Mapping):
        return ()
    if body.get("source") == "aws.s3" and "detail" in body:
        return _events_of_eventbridge(body)
    records = body.get("Records")
    return tuple(
        event
        for record in (records if isinstance(records, list) else ())
        if isinstance(record, Mapping) and record.get("eventSource") in _RECORD_SOURCES
        for event in _event_of_s3(record)
    )


def keys_to_try(key: str) -> tuple[str, ...]:
    """Return the keys that `process_s3_event` tries for an object, in order.

    The second is for a key that is percent-encoded once more than expected.
    """
    return tuple(dict.fromkeys((key, unquote(key))))


def _event_of_s3(record: Mapping[str, Any]) -> tuple[ObjectEvent, ...]:
    """Return the one event of an S3 record; none without a bucket or key."""
    match record.get("s3"):
        case {"bucket": {"name": str(bucket)}, "object": {"key": str(key)} as described}:
            # A record without a name counts as a creation.
            event_name = str(record.get("eventName", _CREATED))
            return (
                ObjectEvent(
                    event_name=event_name,
                    bucket=bucket,
                    key=unquote_plus(key),
                    version_id=described.get("versionId"),
                    deletion_type=_DELETION_TYPES.get(event_name),
                ),
            )
        case _:
            return ()


def _events_of_eventbridge(event: Mapping[str, Any]) -> tuple[ObjectEvent, ...]:
    """`_extract_eventbridge_context`: any source but `aws.s3` is ignored."""
    event_name = _DETAIL_TYPES.get(event.get("detail-type", ""))
    detail = event.get("detail", {})
    if event.get("source") != "aws.s3" or event_name is None or not isinstance(detail, Mapping):
        return ()
    bucket, described = detail.get("bucket"), detail.get("object")
    if isinstance(bucket, Mapping):
        bucket = bucket.get("name")
    version_id = None
    if isinstance(described, Mapping):
        key = described.get("key")
        version_id = described.get("version-id") or described.get("versionId")
    else:
        key = described if isinstance(described, str) else detail.get("key")
    if not bucket or not key:
        return ()
    return (
        ObjectEvent(
            event_name=event_name,
            bucket=bucket,
            key=key,
            version_id=version_id,
            deletion_type=detail.get("deletion-type"),
        ),
    )
