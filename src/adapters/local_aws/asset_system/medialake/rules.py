"""How Media Lake reacts to a created object: `process_asset` of the ingest, without its I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters.local_aws.asset_system.medialake.file_types import (
    AssetType,
    FileFilter,
    FilterMode,
    asset_type_of,
    extension_of,
)
from adapters.local_aws.asset_system.medialake.values import (
    ASSET_ID_TAG,
    DUPLICATE_TAG,
    FILE_HASH_TAG,
    INVENTORY_ID_PREFIX,
    INVENTORY_ID_TAG,
    AssetEvent,
    AssetEventType,
    IngestObject,
    IngestOutcome,
    IngestSettings,
    NewIds,
    Reaction,
    Record,
    Touch,
    timestamp_text,
)

# `get_type_abbreviation` of the ingest: any other type is `img`.
_ABBREVIATIONS: Final = {AssetType.IMAGE: "img", AssetType.VIDEO: "vid", AssetType.AUDIO: "aud"}
_TYPES: Final = {abbreviation: asset_type for asset_type, abbreviation in _ABBREVIATIONS.items()}


def refusal(key: str, content_type: str, file_filter: FileFilter | None) -> IngestOutcome | None:
    """Return why an object is not ingested, None if it is.

    `process_asset` checks this before it reads content or tags (`should_ingest_file`,
    `is_explicitly_allowed`): a filter selects among media files, and other files are ingested only
    if an allow list matches them.
    """
    extension = extension_of(key)
    matched = file_filter is not None and file_filter.matches(extension, content_type)
    if asset_type_of(content_type, extension) is AssetType.OTHER:
        allowed = file_filter is not None and file_filter.mode is FilterMode.ALLOW and matched
        return None if allowed else IngestOutcome.IGNORED_TYPE
    if file_filter is None or matched is (file_filter.mode is FilterMode.ALLOW):
        return None
    return IngestOutcome.FILTERED


def inventory_id_to_read(tags: Mapping[str, str]) -> str | None:
    """Return the inventory id whose record `react` needs as `tagged`, None if it needs none.

    With both tags the ingest uses the tag's value as it is. With the tag InventoryID alone
    `create_dynamo_entry` prefixes a value that does not start with `asset:uuid:`. DynamoDB does not
    allow an empty key.
    """
    inventory_id = tags.get(INVENTORY_ID_TAG)
    if not inventory_id or ASSET_ID_TAG in tags or inventory_id.startswith(INVENTORY_ID_PREFIX):
        return inventory_id or None
    return INVENTORY_ID_PREFIX + inventory_id


def react(
    seen: IngestObject,
    *,
    tagged: Record | None,
    at_path: Sequence[Record],
    same_hash: Sequence[Record],
    settings: IngestSettings,
    new_ids: NewIds,
    now: datetime,
) -> Reaction:
    """Return what the ingest does with a created object once it holds the lock.

    Args:
        seen: The object.
        tagged: The record under `inventory_id_to_read(seen.tags)`.
        at_path: Records of its StoragePath in the index's order, without locks; the first is used.
        same_hash: Records of its MD5 in the index's order; the first gives the ids.
        settings: Those of the deployment.
        new_ids: Used for generated ids.
        now: The time of the ingest.
    """
    rejected = refusal(seen.key, seen.content_type, settings.file_filter)
    if rejected is not None:
        return Reaction(outcome=rejected)
    if seen.md5 is None:
        # `_calculate_md5` raises; the lock is released and `process_records_in_parallel` logs it.
        return Reaction(outcome=IngestOutcome.UNREADABLE)
    if ASSET_ID_TAG in seen.tags and INVENTORY_ID_TAG in seen.tags:
        return _react_to_both_tags(seen, seen.md5, tagged, now)
    return _react_to_path(
        seen,
        seen.md5,
        tagged=tagged,
        at_path=at_path,
        same_hash=same_hash,
        settings=settings,
        new_ids=new_ids,
        now=now,
    )


def _react_to_both_tags(
    seen: IngestObject, md5: str, tagged: Record | None, now: datetime
) -> Reaction:
    """Both ids are in the tags: path, hash and the record's object do not matter."""
    inventory_id = seen.tags[INVENTORY_ID_TAG]
    if not inventory_id:
        # GetItem rejects an empty key; `process_asset` logs that, releases the lock and returns.
        return Reaction(outcome=IngestOutcome.FAILED)
    if tagged is None:
        return _recreated(seen, md5, now)
    # A record without a hash counts as unchanged.
    if tagged.file_hash and tagged.file_hash != md5:
        # `process_asset` clears its copy of the tags, as if to continue with a new record, but the
        # block returns, and this path does not release the lock.
        return Reaction(
            outcome=IngestOutcome.DELETED_ONLY,
            delete_ids=(inventory_id,),
            events=(_deleted(inventory_id),),
            keeps_lock=True,
        )
    return _touched(seen, tagged)


def _recreated(seen: IngestObject, md5: str, now: datetime) -> Reaction:
    """No record has the tagged ids: one is created with exactly these, and always published.

    The type is the second part of an asset id with a colon, Image if that is unknown. The tags are
    unchanged; FileHash is not added.
    """
    asset_id = seen.tags[ASSET_ID_TAG]
    if ":" in asset_id:
        asset_type = _TYPES.get(asset_id.split(":")[1], AssetType.IMAGE)
    else:
        asset_type = asset_type_of(seen.content_type, extension_of(seen.key))
    record = _record(seen, md5, seen.tags[INVENTORY_ID_TAG], asset_id, asset_type, now)
    return Reaction(outcome=IngestOutcome.RECREATED, put=record, events=(_created(seen, record),))


def _react_to_path(
    seen: IngestObject,
    md5: str,
    *,
    tagged: Record | None,
    at_path: Sequence[Record],
    same_hash: Sequence[Record],
    settings: IngestSettings,
    new_ids: NewIds,
    now: datetime,
) -> Reaction:
    """At most one id in the tags: the path decides, then the hash; an AssetID alone is not read."""
    known = at_path[0] if at_path else None
    if known is not None and known.file_hash == md5:
        return _touched(seen, known)
    delete_ids = () if known is None else (known.inventory_id,)
    deletions = tuple(_deleted(each) for each in delete_ids)

    # `_check_existing_file`: an exact match is one of this path and key, but the ids are always
    # those of the first record, whichever matches.
    is_exact = any(
        each.storage_path == seen.storage_path and each.object_key == seen.key for each in same_hash
    )
    if same_hash and (is_exact or settings.do_not_ingest_duplicates):
        return _tagged_as(
            same_hash[0], seen, md5, is_exact=is_exact, delete_ids=delete_ids, deletions=deletions
        )

    inventory_id = _inventory_id(seen, tagged, delete_ids, new_ids)
    # `create_dynamo_entry` reads the content type from `Metadata.Embedded.S3`, which nothing
    # writes, so the type is by extension alone, even if the object was accepted by its content
    # type.
    asset_type = asset_type_of("", extension_of(seen.key))
    asset_id = f"asset:{_ABBREVIATIONS.get(asset_type, 'img')}:{new_ids.asset_uuid}"
    record = _record(seen, md5, inventory_id, asset_id, asset_type, now)
    # A file that only an allow list accepted gets a record but no event.
    is_media = asset_type_of(seen.content_type, extension_of(seen.key)) is not AssetType.OTHER
    return Reaction(
        outcome=IngestOutcome.REPLACED if delete_ids else IngestOutcome.CREATED,
        delete_ids=delete_ids,
        put=record,
        tags=_tags(record, md5),
        events=(*deletions, *((_created(seen, record),) if is_media else ())),
    )


def _tagged_as(
    first: Record,
    seen: IngestObject,
    md5: str,
    *,
    is_exact: bool,
    delete_ids: tuple[str, ...],
    deletions: tuple[AssetEvent, ...],
) -> Reaction:
    """This content already has a record: the object is tagged with its ids, none is created."""
    if first.asset_id is None:
        # KeyError at `DigitalSourceAsset`; earlier deletions are not undone.
        return Reaction(outcome=IngestOutcome.FAILED, delete_ids=delete_ids, events=deletions)
    tags = _tags(first, md5)
    if is_exact:
        return Reaction(
            outcome=IngestOutcome.RETAGGED,
            delete_ids=delete_ids,
            tags=tags,
            touch=_touch(seen, first),
            events=deletions,
        )
    return Reaction(
        outcome=IngestOutcome.DUPLICATE_TAGGED,
        delete_ids=delete_ids,
        tags=tags | {DUPLICATE_TAG: "true"},
        events=deletions,
    )


def _inventory_id(
    seen: IngestObject, tagged: Record | None, delete_ids: tuple[str, ...], new_ids: NewIds
) -> str:
    """`create_dynamo_entry`: the tagged inventory id if no record has it, else a new one."""
    wanted = inventory_id_to_read(seen.tags)
    taken = tagged is not None and tagged.inventory_id not in delete_ids
    if wanted is None or taken:
        return INVENTORY_ID_PREFIX + new_ids.inventory_uuid
    return wanted


def _touched(seen: IngestObject, record: Record) -> Reaction:
    if record.asset_id is None:
        # UpdateItem rejects a path into a missing map; the error ends the processing.
        return Reaction(outcome=IngestOutcome.FAILED)
    return Reaction(outcome=IngestOutcome.TOUCHED, touch=_touch(seen, record))


def _touch(seen: IngestObject, record: Record) -> Touch:
    return Touch(inventory_id=record.inventory_id, last_modified=timestamp_text(seen.last_modified))


def _record(
    seen: IngestObject,
    md5: str,
    inventory_id: str,
    asset_id: str,
    asset_type: AssetType,
    now: datetime,
) -> Record:
    return Record(
        inventory_id=inventory_id,
        asset_id=asset_id,
        asset_type=asset_type,
        file_hash=md5,
        storage_path=seen.storage_path,
        object_key=seen.key,
        last_modified=timestamp_text(seen.last_modified),
        etag=seen.etag.strip('"'),
        size=seen.size,
        ingested_at=timestamp_text(now),
    )


def _tags(record: Record, md5: str) -> dict[str, str]:
    """PutObjectTagging replaces the whole set: the owner's tags are not among these."""
    return {
        INVENTORY_ID_TAG: record.inventory_id,
        ASSET_ID_TAG: record.asset_id or "",
        FILE_HASH_TAG: md5,
    }


def _created(seen: IngestObject, record: Record) -> AssetEvent:
    return AssetEvent(
        event_type=AssetEventType.CREATED,
        inventory_id=record.inventory_id,
        asset_id=record.asset_id,
        asset_type=asset_type_of("", extension_of(seen.key)),
    )


def _deleted(inventory_id: str) -> AssetEvent:
    return AssetEvent(event_type=AssetEventType.DELETED, inventory_id=inventory_id)
