"""How Media Lake reacts to a deleted object or version: `delete_asset` of the ingest."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from adapters.local_aws.asset_system.medialake.messages import DELETE_MARKER_CREATED
from adapters.local_aws.asset_system.medialake.values import (
    AssetEvent,
    AssetEventType,
    IngestOutcome,
    Reaction,
    Record,
)

VERSIONING_ENABLED: Final = "Enabled"


class CurrentVersion(StrEnum):
    """What a key's latest entry in ListObjectVersions is."""

    OBJECT = "object"
    DELETE_MARKER = "delete marker"
    NONE = "none"


def react_to_deletion(
    *,
    deletion_type: str | None,
    version_id: str | None,
    versioning: str | None,
    current: CurrentVersion,
    at_path: Sequence[Record],
) -> Reaction:
    """Return what the ingest does when an object or version was deleted; it acquires no lock.

    `lambdas/common_libraries/asset_deletion_service.py`, `_delete_s3_objects`: the object at the
    record's key is also deleted, without a version. So the deletion of a noncurrent version under
    suspended versioning deletes the live object.

    Args:
        deletion_type: The message's; see `messages`.
        version_id: The message's.
        versioning: Status of GetBucketVersioning; None if it was never set.
        current: Read only if versioning is enabled.
        at_path: Records of the StoragePath in the index's order, without locks; the first is used.
    """
    if not _is_processed(deletion_type, version_id, versioning, current):
        return Reaction(outcome=IngestOutcome.VERSION_IGNORED)
    if not at_path:
        return Reaction(outcome=IngestOutcome.NO_ASSET)
    record = at_path[0]
    if record.object_key is None:
        # `_delete_s3_objects` finds no main representation: KeyError, and nothing is deleted.
        return Reaction(outcome=IngestOutcome.FAILED)
    return Reaction(
        outcome=IngestOutcome.ASSET_DELETED,
        delete_ids=(record.inventory_id,),
        events=(AssetEvent(event_type=AssetEventType.DELETED, inventory_id=record.inventory_id),),
        deletes_object=True,
    )


def _is_processed(
    deletion_type: str | None,
    version_id: str | None,
    versioning: str | None,
    current: CurrentVersion,
) -> bool:
    """`_should_process_deletion`: false only for a live current version in a versioned bucket."""
    if deletion_type == DELETE_MARKER_CREATED or versioning != VERSIONING_ENABLED:
        return True
    if not version_id or version_id == "null":
        return True
    return current is not CurrentVersion.OBJECT
