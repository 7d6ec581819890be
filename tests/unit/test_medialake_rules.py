"""What Media Lake does with a created or deleted object, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from medialake_records import (
    react_within,
    records_after,
    tags_after,
)

from adapters.local_aws.asset_system.medialake.deletions import CurrentVersion, react_to_deletion
from adapters.local_aws.asset_system.medialake.file_types import AssetType, file_filter
from adapters.local_aws.asset_system.medialake.messages import (
    DELETE_MARKER_CREATED,
    PERMANENTLY_DELETED,
)
from adapters.local_aws.asset_system.medialake.rules import inventory_id_to_read, react
from adapters.local_aws.asset_system.medialake.values import (
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

MODIFIED = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 8, 0, 0, 250, tzinfo=UTC)
NEW_IDS = NewIds(inventory_uuid="new-i", asset_uuid="new-a")
ALLOW_PDF = IngestSettings(file_filter=file_filter(extensions=["pdf"]))
BOTH = {"InventoryID": "asset:uuid:1", "AssetID": "asset:vid:1"}
OWNERS = {"project": "x", "cost": "7"}

SEEN = IngestObject(
    bucket="media",
    key="in/a.jpg",
    size=3,
    etag='"e-tag"',
    md5="hash",
    last_modified=MODIFIED,
    content_type="image/jpeg",
)
KNOWN = Record(
    inventory_id="asset:uuid:1",
    asset_id="asset:img:theirs",
    asset_type="Image",
    file_hash="hash",
    storage_path="media:in/a.jpg",
    object_key="in/a.jpg",
    last_modified="2026-01-01T00:00:00Z",
    etag="older",
    size=2,
)
ELSEWHERE = replace(
    KNOWN,
    inventory_id="asset:uuid:else",
    asset_id="asset:img:else",
    storage_path="media:b.jpg",
    object_key="b.jpg",
)
TOUCH = Touch(inventory_id="asset:uuid:1", last_modified="2026-03-01T12:00:05Z")
TOUCHED = Reaction(outcome=IngestOutcome.TOUCHED, touch=TOUCH)
THREE_TAGS = {
    "InventoryID": "asset:uuid:new-i",
    "AssetID": "asset:img:new-a",
    "FileHash": "hash",
}


def run(
    seen: IngestObject = SEEN,
    *,
    tags: Mapping[str, str] | None = None,
    tagged: Record | None = None,
    at_path: Sequence[Record] = (),
    same_hash: Sequence[Record] = (),
    settings: IngestSettings | None = None,
) -> Reaction:
    return react(
        replace(seen, tags={} if tags is None else tags),
        tagged=tagged,
        at_path=at_path,
        same_hash=same_hash,
        settings=settings or IngestSettings(),
        new_ids=NEW_IDS,
        now=NOW,
    )


def deleted(inventory_id: str) -> AssetEvent:
    return AssetEvent(event_type=AssetEventType.DELETED, inventory_id=inventory_id)


# --- both tags


def test_a_known_object_with_its_bytes_is_only_touched_and_its_record_keeps_its_asset_id() -> None:
    assert run(tags=BOTH | OWNERS, tagged=KNOWN) == TOUCHED


def test_both_tags_lead_to_their_record_even_if_it_is_another_objects() -> None:
    assert run(tags=BOTH, tagged=replace(KNOWN, storage_path="other:z")) == TOUCHED


def test_a_record_without_a_hash_counts_as_unchanged() -> None:
    assert run(tags=BOTH, tagged=replace(KNOWN, file_hash=None)) == TOUCHED
    assert run(tags=BOTH, tagged=replace(KNOWN, file_hash="")) == TOUCHED


def test_other_bytes_under_both_tags_delete_the_asset_make_none_and_keep_the_lock() -> None:
    assert run(tags=BOTH | OWNERS, tagged=replace(KNOWN, file_hash="old")) == Reaction(
        outcome=IngestOutcome.DELETED_ONLY,
        delete_ids=("asset:uuid:1",),
        events=(deleted("asset:uuid:1"),),
        keeps_lock=True,
    )


def test_both_tags_and_no_record_make_one_under_exactly_these_ids() -> None:
    reaction = run(tags={"InventoryID": "mine", "AssetID": "asset:img:1"} | OWNERS)

    record = Record(
        inventory_id="mine",
        asset_id="asset:img:1",
        asset_type="Image",
        file_hash="hash",
        storage_path="media:in/a.jpg",
        object_key="in/a.jpg",
        last_modified="2026-03-01T12:00:05Z",
        etag="e-tag",
        size=3,
        ingested_at="2026-03-02T08:00:00.000250Z",
    )
    created = AssetEvent(
        event_type=AssetEventType.CREATED,
        inventory_id="mine",
        asset_id="asset:img:1",
        asset_type=AssetType.IMAGE,
    )
    assert reaction == Reaction(outcome=IngestOutcome.RECREATED, put=record, events=(created,))


@pytest.mark.parametrize(
    ("asset_id", "content_type", "key", "asset_type"),
    [
        ("asset:img:1", "video/mp4", "a.mp4", "Image"),
        ("asset:vid:1", "image/jpeg", "a.jpg", "Video"),
        ("asset:aud:1", "image/jpeg", "a.jpg", "Audio"),
        ("asset:doc:1", "video/mp4", "a.mp4", "Image"),
        ("asset:oth:1", "audio/ac3", "a.ac3", "Image"),
        ("x:aud", "image/jpeg", "a.jpg", "Audio"),
        ("x:", "audio/wav", "a.wav", "Image"),
        ("a-1", "audio/ac3", "a", "Audio"),
        ("a-1", "", "a.MP4", "Video"),
        ("", "video/mp4", "a", "Video"),
    ],
)
def test_the_type_comes_from_an_asset_id_with_a_colon_else_from_type_and_extension(
    asset_id: str, content_type: str, key: str, asset_type: str
) -> None:
    seen = replace(SEEN, key=key, content_type=content_type)
    put = run(seen, tags={"InventoryID": "asset:uuid:1", "AssetID": asset_id}).put
    assert put is not None
    assert (put.asset_id, put.asset_type) == (asset_id, asset_type)


def test_with_both_tags_neither_path_nor_hash_is_checked() -> None:
    """So one object can have two records, and duplicates are not detected."""
    theirs = replace(KNOWN, inventory_id="asset:uuid:theirs")
    reaction = run(tags=BOTH, at_path=[theirs], same_hash=[ELSEWHERE])
    assert reaction.outcome is IngestOutcome.RECREATED
    assert (reaction.delete_ids, reaction.tags) == ((), None)


def test_a_document_that_is_allowed_is_announced_when_recreated_but_not_when_created() -> None:
    document = replace(SEEN, key="a.pdf", content_type="application/pdf")
    recreated = run(document, tags=BOTH, settings=ALLOW_PDF)
    created = run(document, settings=ALLOW_PDF)

    assert (recreated.outcome, created.outcome) == (IngestOutcome.RECREATED, IngestOutcome.CREATED)
    assert [event.asset_type for event in recreated.events] == ["Other"]
    assert created.events == ()
    assert created.put is not None
    assert (created.put.asset_id, created.put.asset_type) == ("asset:img:new-a", "Other")


@pytest.mark.parametrize("asset_id", ["asset:img:1", ""])
def test_an_empty_inventory_id_under_both_tags_fails(asset_id: str) -> None:
    reaction = run(tags={"InventoryID": "", "AssetID": asset_id}, at_path=[KNOWN])
    assert reaction == Reaction(outcome=IngestOutcome.FAILED)


# --- at most one tag


@pytest.mark.parametrize("tags", [{}, {"AssetID": "asset:vid:1"}, {"InventoryID": "asset:uuid:1"}])
def test_the_path_is_checked_first_and_the_same_bytes_only_touch(tags: dict[str, str]) -> None:
    """The object stays without tags, and an InventoryID alone stays alone."""
    assert run(tags=tags | OWNERS, tagged=KNOWN, at_path=[KNOWN], same_hash=[ELSEWHERE]) == TOUCHED


def test_a_new_object_gets_a_record_and_three_tags_instead_of_all_others() -> None:
    reaction = run(tags=OWNERS)
    assert reaction.outcome is IngestOutcome.CREATED
    assert reaction.put is not None
    assert reaction.put.inventory_id == "asset:uuid:new-i"
    assert reaction.put.asset_id == "asset:img:new-a"
    assert reaction.tags == THREE_TAGS
    assert [event.event_type for event in reaction.events] == [AssetEventType.CREATED]
    assert not reaction.keeps_lock


@pytest.mark.parametrize(
    ("key", "content_type", "asset_id", "asset_type"),
    [
        ("a.mov", "image/jpeg", "asset:vid:new-a", "Video"),
        ("a.WAV", "binary/octet-stream", "asset:aud:new-a", "Audio"),
        ("no-extension", "video/mp4", "asset:img:new-a", "Other"),
        ("a.vob", "video/mpeg", "asset:img:new-a", "Other"),
    ],
)
def test_a_new_assets_type_is_by_extension_alone(
    key: str, content_type: str, asset_id: str, asset_type: str
) -> None:
    reaction = run(replace(SEEN, key=key, content_type=content_type))
    assert reaction.put is not None
    assert (reaction.put.asset_id, reaction.put.asset_type) == (asset_id, asset_type)
    assert [event.asset_type for event in reaction.events] == [asset_type]


def test_other_bytes_at_the_path_replace_the_asset() -> None:
    old = replace(KNOWN, inventory_id="asset:uuid:old", file_hash="old")
    reaction = run(tags={"AssetID": "asset:vid:1"} | OWNERS, at_path=[old])

    assert reaction.outcome is IngestOutcome.REPLACED
    assert reaction.delete_ids == ("asset:uuid:old",)
    assert reaction.put is not None
    assert reaction.put.inventory_id == "asset:uuid:new-i"
    assert reaction.tags == THREE_TAGS
    assert reaction.events[0] == deleted("asset:uuid:old")
    assert [event.event_type for event in reaction.events] == ["AssetDeleted", "AssetCreated"]
    assert not reaction.keeps_lock


def test_a_record_at_the_path_without_a_hash_counts_as_other_bytes_there() -> None:
    assert run(at_path=[replace(KNOWN, file_hash=None)]).outcome is IngestOutcome.REPLACED


def test_only_the_first_record_at_a_path_counts() -> None:
    second = replace(KNOWN, inventory_id="asset:uuid:2", file_hash="old")
    assert run(at_path=[KNOWN, second]) == TOUCHED


def test_the_same_bytes_at_another_path_are_tagged_as_a_duplicate_without_a_record() -> None:
    assert run(tags=OWNERS, same_hash=[ELSEWHERE]) == Reaction(
        outcome=IngestOutcome.DUPLICATE_TAGGED,
        tags={
            "InventoryID": "asset:uuid:else",
            "AssetID": "asset:img:else",
            "FileHash": "hash",
            "DuplicateHash": "true",
        },
    )


def test_duplicates_become_assets_where_the_deployment_wants_them() -> None:
    settings = IngestSettings(do_not_ingest_duplicates=False)
    reaction = run(same_hash=[ELSEWHERE], settings=settings)
    assert reaction.outcome is IngestOutcome.CREATED
    assert reaction.tags == THREE_TAGS


def test_a_replacement_by_bytes_that_are_known_elsewhere_ends_as_a_duplicate() -> None:
    reaction = run(at_path=[replace(KNOWN, file_hash="old")], same_hash=[ELSEWHERE])
    assert reaction.outcome is IngestOutcome.DUPLICATE_TAGGED
    assert reaction.delete_ids == ("asset:uuid:1",)
    assert reaction.put is None
    assert reaction.events == (deleted("asset:uuid:1"),)


@pytest.mark.parametrize("do_not_ingest", [True, False])
def test_an_exact_match_behind_the_path_index_takes_the_first_records_ids(
    do_not_ingest: bool,
) -> None:
    """Two records at the path, the first with other bytes, and an equal object elsewhere."""
    reaction = run(
        at_path=[replace(KNOWN, inventory_id="asset:uuid:old", file_hash="old"), KNOWN],
        same_hash=[ELSEWHERE, KNOWN],
        settings=IngestSettings(do_not_ingest_duplicates=do_not_ingest),
    )
    assert reaction == Reaction(
        outcome=IngestOutcome.RETAGGED,
        delete_ids=("asset:uuid:old",),
        tags={
            "InventoryID": "asset:uuid:else",
            "AssetID": "asset:img:else",
            "FileHash": "hash",
        },
        touch=replace(TOUCH, inventory_id="asset:uuid:else"),
        events=(deleted("asset:uuid:old"),),
    )


def test_an_exact_match_needs_the_records_own_key() -> None:
    half = replace(KNOWN, object_key=None)
    assert run(same_hash=[half]).outcome is IngestOutcome.DUPLICATE_TAGGED


# --- the tag InventoryID alone


@pytest.mark.parametrize(
    ("tag", "read"),
    [
        ("asset:uuid:1", "asset:uuid:1"),
        ("1", "asset:uuid:1"),
        ("ASSET:uuid:1", "asset:uuid:ASSET:uuid:1"),
    ],
)
def test_an_inventory_id_alone_is_used_with_its_prefix(tag: str, read: str) -> None:
    assert inventory_id_to_read({"InventoryID": tag}) == read
    put = run(tags={"InventoryID": tag}).put
    assert put is not None
    assert (put.inventory_id, put.asset_id) == (read, "asset:img:new-a")


def test_an_inventory_id_alone_that_is_taken_is_not_used() -> None:
    reaction = run(tags={"InventoryID": "asset:uuid:1"}, tagged=KNOWN)
    assert reaction.put is not None
    assert reaction.put.inventory_id == "asset:uuid:new-i"
    assert reaction.tags == THREE_TAGS


def test_an_inventory_id_alone_outlives_the_replacement_of_its_own_record() -> None:
    old = replace(KNOWN, file_hash="old")
    reaction = run(tags={"InventoryID": "asset:uuid:1"}, tagged=old, at_path=[old])
    assert reaction.outcome is IngestOutcome.REPLACED
    assert reaction.delete_ids == ("asset:uuid:1",)
    assert reaction.put is not None
    assert (reaction.put.inventory_id, reaction.put.asset_id) == (
        "asset:uuid:1",
        "asset:img:new-a",
    )


@pytest.mark.parametrize(
    ("tags", "read"),
    [
        ({}, None),
        ({"AssetID": "a"}, None),
        ({"InventoryID": ""}, None),
        ({"InventoryID": "", "AssetID": "a"}, None),
        ({"InventoryID": "1", "AssetID": ""}, "1"),
        ({"InventoryID": "1", "AssetID": "a"}, "1"),
    ],
)
def test_the_record_to_read_for_other_tags(tags: dict[str, str], read: str | None) -> None:
    assert inventory_id_to_read(tags) == read


def test_an_empty_inventory_id_alone_is_no_id() -> None:
    put = run(tags={"InventoryID": ""}).put
    assert put is not None
    assert put.inventory_id == "asset:uuid:new-i"


# --- files that are not ingested


@pytest.mark.parametrize("tags", [{}, BOTH])
def test_a_file_that_is_not_taken_is_left_alone_whatever_is_known(tags: dict[str, str]) -> None:
    sidecar = replace(SEEN, key="a.xml", content_type="application/xml")
    reaction = run(sidecar, tags=tags, tagged=replace(KNOWN, file_hash="old"))
    assert reaction == Reaction(outcome=IngestOutcome.IGNORED_TYPE)

    denied = IngestSettings(file_filter=file_filter(mode="deny", extensions=["jpg"]))
    assert run(tags=tags, settings=denied) == Reaction(outcome=IngestOutcome.FILTERED)


@pytest.mark.parametrize("tags", [{}, BOTH])
def test_an_object_that_cannot_be_read_is_not_taken(tags: dict[str, str]) -> None:
    archived = replace(SEEN, md5=None)
    assert run(archived, tags=tags, at_path=[KNOWN]) == Reaction(outcome=IngestOutcome.UNREADABLE)


@pytest.mark.parametrize("tags", [{}, BOTH])
def test_a_record_without_its_asset_cannot_be_touched(tags: dict[str, str]) -> None:
    bare = Record(inventory_id="asset:uuid:1", storage_path="media:in/a.jpg", file_hash="hash")
    assert run(tags=tags, tagged=bare, at_path=[bare]) == Reaction(outcome=IngestOutcome.FAILED)


def test_a_record_without_its_asset_gives_no_ids_but_what_was_deleted_stays_deleted() -> None:
    bare = Record(inventory_id="asset:uuid:bare", file_hash="hash")
    reaction = run(at_path=[replace(KNOWN, file_hash="old")], same_hash=[bare])
    assert reaction == Reaction(
        outcome=IngestOutcome.FAILED,
        delete_ids=("asset:uuid:1",),
        events=(deleted("asset:uuid:1"),),
    )


def test_times_are_utc_with_microseconds_only_where_there_are_any() -> None:
    assert timestamp_text(MODIFIED) == "2026-03-01T12:00:05Z"
    assert timestamp_text(NOW) == "2026-03-02T08:00:00.000250Z"
    east = MODIFIED.astimezone(timezone(timedelta(hours=2)))
    assert timestamp_text(east) == "2026-03-01T12:00:05Z"


# --- deletions


@pytest.mark.parametrize(
    ("deletion_type", "version_id", "versioning", "current", "outcome"),
    [
        (PERMANENTLY_DELETED, None, None, CurrentVersion.NONE, IngestOutcome.ASSET_DELETED),
        # A noncurrent version: kept if enabled, taken with the live object if suspended.
        (
            PERMANENTLY_DELETED,
            "v1",
            "Enabled",
            CurrentVersion.OBJECT,
            IngestOutcome.VERSION_IGNORED,
        ),
        (
            PERMANENTLY_DELETED,
            "v1",
            "Suspended",
            CurrentVersion.OBJECT,
            IngestOutcome.ASSET_DELETED,
        ),
        (None, "v1", "Enabled", CurrentVersion.OBJECT, IngestOutcome.VERSION_IGNORED),
        (PERMANENTLY_DELETED, "v1", "Enabled", CurrentVersion.NONE, IngestOutcome.ASSET_DELETED),
        (
            PERMANENTLY_DELETED,
            "v1",
            "Enabled",
            CurrentVersion.DELETE_MARKER,
            IngestOutcome.ASSET_DELETED,
        ),
        (PERMANENTLY_DELETED, None, "Enabled", CurrentVersion.OBJECT, IngestOutcome.ASSET_DELETED),
        (
            PERMANENTLY_DELETED,
            "null",
            "Enabled",
            CurrentVersion.OBJECT,
            IngestOutcome.ASSET_DELETED,
        ),
        (
            DELETE_MARKER_CREATED,
            "v2",
            "Enabled",
            CurrentVersion.OBJECT,
            IngestOutcome.ASSET_DELETED,
        ),
    ],
)
def test_a_deletion_takes_the_asset_unless_a_live_version_is_current_in_an_enabled_bucket(
    deletion_type: str | None,
    version_id: str | None,
    versioning: str | None,
    current: CurrentVersion,
    outcome: IngestOutcome,
) -> None:
    reaction = react_to_deletion(
        deletion_type=deletion_type,
        version_id=version_id,
        versioning=versioning,
        current=current,
        at_path=[KNOWN, ELSEWHERE],
    )
    assert reaction.outcome is outcome
    is_deleted = outcome is IngestOutcome.ASSET_DELETED
    assert reaction.delete_ids == (("asset:uuid:1",) if is_deleted else ())
    assert reaction.events == ((deleted("asset:uuid:1"),) if is_deleted else ())
    assert reaction.deletes_object is is_deleted


@pytest.mark.parametrize(
    ("at_path", "outcome"),
    [([], IngestOutcome.NO_ASSET), ([replace(KNOWN, object_key=None)], IngestOutcome.FAILED)],
)
def test_a_deletion_without_an_asset_deletes_nothing(
    at_path: list[Record], outcome: IngestOutcome
) -> None:
    assert react_to_deletion(
        deletion_type=None,
        version_id=None,
        versioning=None,
        current=CurrentVersion.NONE,
        at_path=at_path,
    ) == Reaction(outcome=outcome)


# --- the table in memory


def test_a_table_in_memory_settles() -> None:
    """Created, then touched; replaced; a duplicate; two records once foreign ids are tagged."""
    records: dict[str, Record] = {}
    outcomes = []

    def ingest(seen: IngestObject, tags: Mapping[str, str]) -> dict[str, str]:
        nonlocal records
        ids = NewIds(inventory_uuid=f"i{len(outcomes)}", asset_uuid=f"a{len(outcomes)}")
        reaction = react_within(
            records,
            replace(seen, tags=tags),
            settings=IngestSettings(),
            new_ids=ids,
            now=NOW,
        )
        records = records_after(records, reaction)
        outcomes.append(reaction.outcome)
        return tags_after(tags, reaction)

    tags = ingest(SEEN, OWNERS)
    later = replace(SEEN, last_modified=MODIFIED + timedelta(days=1))
    assert ingest(later, tags) == tags
    assert records["asset:uuid:i0"].last_modified == "2026-03-02T12:00:05Z"
    changed = replace(SEEN, md5="other")
    tags = ingest(changed, {})
    duplicate = ingest(replace(changed, key="c.jpg"), OWNERS)
    assert duplicate["InventoryID"] == tags["InventoryID"] == "asset:uuid:i2"
    assert ingest(changed, BOTH) == BOTH
    assert [each.storage_path for each in records.values()] == ["media:in/a.jpg"] * 2
    ingest(SEEN, tags)

    assert outcomes == [
        IngestOutcome.CREATED,
        IngestOutcome.TOUCHED,
        IngestOutcome.REPLACED,
        IngestOutcome.DUPLICATE_TAGGED,
        IngestOutcome.RECREATED,
        IngestOutcome.DELETED_ONLY,
    ]
    assert set(records) == {"asset:uuid:1"}
