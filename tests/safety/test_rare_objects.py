"""Unusual objects, and objects that change while they are processed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from safety_objects import IN_FUTURE, Setting, Thing
from safety_worlds import (
    IN_PARTS,
    MIB,
    OUR_TAGS,
    WHOLE,
    CloudWorld,
    Facts,
    Intercepted,
    MemoryWorld,
    Syncer,
    refusal,
)

from domain.connector import Bucket, Trigger
from domain.outcome import Outcome, OutcomeKind
from domain.selection import Selection
from ports.errors import AccessDenied, Misconfigured

Run = Callable[[Any], Any]
Deed = Callable[[], Awaitable[Any]]

WRITES = ("copy_object", "create_multipart_upload", "put_object_tagging", "put_object")


async def synced(
    cloud: CloudWorld,
    thing: Thing,
    *,
    trigger: Trigger = Trigger.COPY,
    client: Any = None,
    parts: bool = False,
    ambiguous: bool = False,
) -> Outcome:
    syncer = Syncer(
        store=cloud.store_with(client or cloud.client),
        clock=cloud.clock,
        ambiguous=ambiguous,
        whole_bytes_max=IN_PARTS if parts else WHOLE,
    )
    [outcome] = await syncer.sync(cloud.bucket(thing.setting), thing.key, trigger=trigger)
    return outcome


async def visible(cloud: CloudWorld, thing: Thing) -> Facts:
    """Return what S3 shows of an object whose bytes cannot be read."""
    where = {"Bucket": cloud.bucket(thing.setting).name, "Key": thing.key}
    head = dict(await cloud.client.head_object(**where))
    head.pop("ResponseMetadata")
    head.pop("TagCount", None)
    tags = await cloud.client.get_object_tagging(**where)
    return {**head, "Tags": {tag["Key"]: tag["Value"] for tag in tags["TagSet"]}}


def writing_nothing(client: Any) -> Intercepted:
    async def fail(_send: Any, parameters: Any) -> Any:
        raise AssertionError(f"a write: {parameters}")

    return Intercepted(client, **dict.fromkeys(WRITES, fail))


# --- archived -----------------------------------------------------------------------------------


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
@pytest.mark.parametrize("trigger", Trigger)
def test_an_archived_object_is_tagged_or_unchanged(
    run: Run, cloud: CloudWorld, storage_class: str, trigger: Trigger
) -> None:
    thing = Thing(
        key=f"archived/{storage_class}/{trigger}",
        parameters={"StorageClass": storage_class},
        tags={"theirs": "1"},
    )

    async def scene() -> None:
        await cloud.put(thing)
        before = await visible(cloud, thing)
        # A subscriber of the event may not need the bytes; a copy and the ingest do.
        left_alone = trigger is not Trigger.EVENT
        client = writing_nothing(cloud.client) if left_alone else cloud.client
        outcome = await synced(cloud, thing, trigger=trigger, client=client)
        after = await visible(cloud, thing)
        tags = after.pop("Tags")
        before.pop("Tags")
        assert after == before
        assert tags["theirs"] == "1"
        if left_alone:
            assert (outcome.kind, outcome.reason) == (OutcomeKind.ARCHIVED, "ARCHIVED")
            copying = trigger is Trigger.COPY
            assert ("trigger 'event'" in str(outcome.message)) is copying
            assert ("another storage class permanently" in str(outcome.message)) is copying
            assert ("the system's ingest reads its bytes" in str(outcome.message)) is not copying
        else:
            assert outcome.kind is OutcomeKind.PUT
            assert tags.keys() == OUR_TAGS | {"theirs"}

    run(scene())


def test_an_object_in_an_archive_tier_is_unchanged(run: Run, memory: MemoryWorld) -> None:
    """INTELLIGENT_TIERING's archive tiers show in ArchiveStatus, not in the class."""
    bucket = memory.bucket(Setting.PLAIN)
    memory.buckets.put(
        bucket.name,
        "a",
        b"x",
        storage_class="INTELLIGENT_TIERING",
        archive_status="DEEP_ARCHIVE_ACCESS",
    )
    before = memory.buckets.get(bucket.name, "a")

    [outcome] = run(Syncer(store=memory.store(), clock=memory.clock).sync(bucket, "a"))

    assert (outcome.kind, outcome.reason) == (OutcomeKind.ARCHIVED, "ARCHIVED")
    assert "restore it, which moves it out" in str(outcome.message)
    assert memory.buckets.get(bucket.name, "a") == before


@pytest.mark.parametrize("trigger", Trigger)
def test_a_restored_object_is_not_copied_into_the_archive(
    run: Run, cloud: CloudWorld, trigger: Trigger
) -> None:
    """S3 would copy it, and archive the copy immediately."""
    thing = Thing(
        key=f"restored/{trigger}", parameters={"StorageClass": "GLACIER"}, tags={"theirs": "1"}
    )

    async def scene() -> None:
        await cloud.put(thing)
        where = {"Bucket": cloud.bucket(thing.setting).name, "Key": thing.key}
        await cloud.client.restore_object(**where, RestoreRequest={"Days": 1})
        while 'ongoing-request="false"' not in (await cloud.client.head_object(**where))["Restore"]:
            pass
        before = await cloud.observe(thing)
        copying = trigger is Trigger.COPY
        client = writing_nothing(cloud.client) if copying else cloud.client
        outcome = await synced(cloud, thing, trigger=trigger, client=client)
        after = await cloud.observe(thing)
        tags = after.pop("Tags")
        assert after == {name: value for name, value in before.items() if name != "Tags"}
        assert "Restore" in after
        if copying:
            assert (outcome.kind, outcome.reason) == (OutcomeKind.ARCHIVED, "RESTORED")
            assert "trigger 'event'" in str(outcome.message)
            assert tags == {"theirs": "1"}
        else:
            assert outcome.kind is OutcomeKind.PUT
            assert tags.keys() == OUR_TAGS | {"theirs"}

    run(scene())


def test_an_object_restored_from_an_archive_tier_is_synced(run: Run, memory: MemoryWorld) -> None:
    bucket = memory.bucket(Setting.PLAIN)
    memory.buckets.put(bucket.name, "a", b"x", storage_class="INTELLIGENT_TIERING", restored=True)

    [outcome] = run(Syncer(store=memory.store(), clock=memory.clock).sync(bucket, "a"))

    assert outcome.kind is OutcomeKind.PUT
    assert memory.buckets.get(bucket.name, "a").head.storage_class == "INTELLIGENT_TIERING"


def test_an_object_archived_during_a_sync_is_unchanged(run: Run, cloud: CloudWorld) -> None:
    thing = Thing(key="archived/during", tags={"theirs": "1"})

    async def refuse(_send: Any, _parameters: Any) -> Any:
        raise refusal("InvalidObjectState", 403)

    async def scene() -> None:
        await cloud.put(thing)
        outcome = await synced(cloud, thing, client=Intercepted(cloud.client, copy_object=refuse))
        assert (outcome.kind, outcome.reason) == (OutcomeKind.ARCHIVED, "ARCHIVED")
        assert "after it was read" in str(outcome.message)

    run(scene())


# --- versions and delete markers ----------------------------------------------------------------


@pytest.mark.parametrize("trigger", Trigger)
def test_a_key_with_a_delete_marker_has_no_object(
    run: Run, cloud: CloudWorld, trigger: Trigger
) -> None:
    thing = Thing(key=f"marker/{trigger}", setting=Setting.VERSIONED, tags={"theirs": "1"})

    async def scene() -> None:
        await cloud.put(thing)
        name = cloud.bucket(thing.setting).name
        await cloud.client.delete_object(Bucket=name, Key=thing.key)
        outcome = await synced(cloud, thing, trigger=trigger, client=writing_nothing(cloud.client))
        assert outcome.kind is OutcomeKind.GONE
        [version] = await cloud.versions(thing)
        old = await cloud.observe(thing, version_id=version)
        assert old["Tags"] == {"theirs": "1"}

    run(scene())


def test_only_the_current_version_is_copied(run: Run, cloud: CloudWorld) -> None:
    thing = Thing(key="current", content=b"new", setting=Setting.VERSIONED)

    async def scene() -> None:
        await cloud.put(Thing(key="current", content=b"old", setting=Setting.VERSIONED))
        await cloud.put(thing)
        outcome = await synced(cloud, thing)
        versions = await cloud.versions(thing)
        assert outcome.version_id == versions[0]
        bodies = [(await cloud.observe(thing, version_id=v))["Body"] for v in versions]
        assert bodies == [b"new", b"new", b"old"]

    run(scene())


# --- changed during a sync --------------------------------------------------------------------


def once(deed: Deed, *, after: bool = False) -> Callable[..., Any]:
    """A hook that acts before (or after) the first call of an operation."""
    waiting = [deed]

    async def hook(send: Any, parameters: Any) -> Any:
        due = waiting.pop() if waiting else None
        if due and not after:
            await due()
        answer = await send(**parameters)
        if due and after:
            await due()
        return answer

    return hook


REPLACED_AT = {
    "before the copy": ("copy_object", False),
    "before the parts": ("upload_part_copy", False),
    "before the end of the parts": ("complete_multipart_upload", False),
}


@pytest.mark.parametrize("when", REPLACED_AT)
@pytest.mark.parametrize("setting", [Setting.PLAIN, Setting.VERSIONED])
def test_a_new_object_is_never_overwritten(
    run: Run, cloud: CloudWorld, when: str, setting: Setting
) -> None:
    operation, after = REPLACED_AT[when]
    old = Thing(key=f"replaced/{when}", content=b"old", setting=setting, tags={"theirs": "old"})
    new = Thing(
        key=old.key,
        content=b"new content",
        setting=setting,
        parameters={"ContentType": "image/png", "Metadata": {"which": "new"}},
        tags={"theirs": "new", "more": "1"},
    )

    async def scene() -> None:
        await cloud.put(old)
        client = Intercepted(cloud.client, **{operation: once(lambda: cloud.put(new), after=after)})
        outcome = await synced(cloud, old, client=client, parts=operation != "copy_object")
        facts = await cloud.observe(new)
        assert outcome.kind is OutcomeKind.PUT
        assert outcome.e_tag == facts["ETag"].strip('"')
        assert facts["Body"] == new.content
        assert (facts["ContentType"], facts["Metadata"]) == ("image/png", {"which": "new"})
        assert facts["Tags"].items() >= new.tags.items()
        assert facts["Tags"].keys() == new.tags.keys() | OUR_TAGS
        uploads = await cloud.client.list_multipart_uploads(Bucket=cloud.bucket(setting).name)
        assert not [u for u in uploads.get("Uploads", []) if u["Key"] == old.key]

    run(scene())


@pytest.mark.parametrize("when", ["before the head", "before the write"])
@pytest.mark.parametrize("parts", [False, True], ids=["whole", "multipart"])
def test_a_deleted_object_is_not_created_again(
    run: Run, cloud: CloudWorld, when: str, parts: bool
) -> None:
    thing = Thing(key=f"gone/{when}/{parts}")
    write = "upload_part_copy" if parts else "copy_object"
    operation = "head_object" if when == "before the head" else write

    async def scene() -> None:
        await cloud.put(thing)
        client = Intercepted(cloud.client, **{operation: once(lambda: cloud.forget(thing))})
        outcome = await synced(cloud, thing, client=client, parts=parts)
        assert outcome.kind is OutcomeKind.GONE
        listing = await cloud.client.list_objects_v2(
            Bucket=cloud.bucket(thing.setting).name, Prefix=thing.key
        )
        assert not listing.get("Contents")  # the lean parser leaves KeyCount out

    run(scene())


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("setting", [Setting.PLAIN, Setting.VERSIONED])
def test_a_new_object_keeps_its_own_tags_whenever_it_was_uploaded(
    run: Run, cloud: CloudWorld, setting: Setting, trigger: Trigger
) -> None:
    """Replaced between the reads of its tags and its head: the old tags are not its own."""
    old = Thing(key=f"tags/{trigger}", content=b"old", setting=setting, tags={"theirs": "old"})
    new = Thing(key=old.key, content=b"new", setting=setting, tags={"theirs": "new", "more": "1"})

    async def scene() -> None:
        await cloud.put(old)
        client = Intercepted(cloud.client, head_object=once(lambda: cloud.put(new)))
        await synced(cloud, old, trigger=trigger, client=client, ambiguous=True)
        facts = await cloud.observe(new)
        assert facts["Body"] == b"new"
        assert facts["Tags"].items() >= new.tags.items()

    run(scene())


def test_a_tag_edit_between_the_last_read_and_the_write_is_lost(
    run: Run, cloud: CloudWorld
) -> None:
    """The race that S3 cannot exclude: no condition of a write covers tags."""
    thing = Thing(key="window", tags={"theirs": "old"})

    async def edit() -> None:
        await cloud.client.put_object_tagging(
            Bucket=cloud.bucket(thing.setting).name,
            Key=thing.key,
            Tagging={"TagSet": [{"Key": "theirs", "Value": "edited"}]},
        )

    async def scene() -> str:
        await cloud.put(thing)
        await synced(cloud, thing, client=Intercepted(cloud.client, copy_object=once(edit)))
        tags = (await cloud.observe(thing))["Tags"]
        return str(tags["theirs"])

    assert run(scene()) == "old"


# --- multipart copies ----------------------------------------------------------------------------


def test_a_copy_whose_completion_response_was_lost_is_announced(
    run: Run, cloud: CloudWorld
) -> None:
    """The SDK repeats the completion; S3 no longer has the upload, and the object is complete."""
    thing = Thing(key="lost response", tags={"theirs": "1"})

    async def complete(send: Any, parameters: Any) -> Any:
        await send(**parameters)
        raise refusal("NoSuchUpload", 404)

    async def scene() -> None:
        await cloud.put(thing)
        client = Intercepted(cloud.client, complete_multipart_upload=complete)
        store = cloud.store_with(client)
        syncer = Syncer(store=store, clock=cloud.clock, whole_bytes_max=IN_PARTS)
        [outcome] = await syncer.sync(cloud.bucket(thing.setting), thing.key)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.PUT, "ALREADY_TRIGGERED")
        assert [event.object_key for event in syncer.bus.events] == [thing.key]

    run(scene())


@pytest.mark.parametrize("operation", ["upload_part_copy", "complete_multipart_upload"])
def test_a_failed_multipart_copy_leaves_no_upload(
    run: Run, cloud: CloudWorld, operation: str
) -> None:
    thing = Thing(key=f"aborted/{operation}", tags={"theirs": "1"})

    async def fail(_send: Any, _parameters: Any) -> Any:
        raise refusal("AccessDenied", 403)

    async def scene() -> None:
        await cloud.put(thing)
        before = await cloud.observe(thing)
        client = Intercepted(cloud.client, **{operation: fail})
        outcome = await synced(cloud, thing, client=client, parts=True)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "AccessDenied")
        assert await cloud.observe(thing) == before
        assert await uploads_of(cloud, thing) == []

    run(scene())


@pytest.mark.parametrize("operation", ["upload_part_copy", "complete_multipart_upload"])
def test_a_multipart_copy_is_resumed_where_it_stopped(
    run: Run, cloud: CloudWorld, operation: str
) -> None:
    """By another attempt, from the record of the first one."""
    thing = Thing(key=f"stopped/{operation}", content=bytes(10 * MIB + 1), tags={"theirs": "1"})
    asked: list[str] = []
    refusals = [refusal("SlowDown", 503)]

    def refusing_once(name: str) -> Any:
        async def answer(send: Any, parameters: Any) -> Any:
            asked.append(name)
            last = name == "complete_multipart_upload" or parameters["PartNumber"] == 3
            if name == operation and last and refusals:
                raise refusals.pop()
            return await send(**parameters)

        return answer

    async def scene() -> None:
        await cloud.put(thing)
        names = ("upload_part_copy", "complete_multipart_upload")
        client = Intercepted(cloud.client, **{name: refusing_once(name) for name in names})
        store = cloud.store_with(client)
        syncer = Syncer(store=store, clock=cloud.clock, whole_bytes_max=IN_PARTS)
        bucket = cloud.bucket(thing.setting)
        [outcome] = await syncer.sync(bucket, thing.key)
        assert (outcome.kind, outcome.retryable) == (OutcomeKind.FAILED, True)
        assert len(await uploads_of(cloud, thing)) == 1
        [outcome] = await syncer.sync(bucket, thing.key)
        assert outcome.kind is OutcomeKind.PUT, outcome.message
        assert await uploads_of(cloud, thing) == []
        assert (await cloud.observe(thing))["Body"] == thing.content

    run(scene())
    tries = {"upload_part_copy": 3, "complete_multipart_upload": 1}
    tries[operation] += 1
    assert {name: asked.count(name) for name in tries} == tries


async def uploads_of(cloud: CloudWorld, thing: Thing) -> list[Any]:
    name = cloud.bucket(thing.setting).name
    uploads = (await cloud.client.list_multipart_uploads(Bucket=name)).get("Uploads", [])
    return [upload for upload in uploads if upload["Key"] == thing.key]


@pytest.mark.parametrize(
    ("algorithm", "kind", "asked"),
    [
        ("SHA256", "FULL_OBJECT", "COMPOSITE"),
        ("SHA1", "COMPOSITE", "COMPOSITE"),
        ("CRC32", "FULL_OBJECT", "FULL_OBJECT"),
        ("CRC64NVME", "FULL_OBJECT", "FULL_OBJECT"),
    ],
)
def test_a_checksum_is_requested_of_a_type_that_parts_can_have(
    run: Run, cloud: CloudWorld, algorithm: str, kind: str, asked: str
) -> None:
    """An object up to 5 GiB may have one PUT; SHA checksums of parts are never of the whole."""
    thing = Thing(key=f"checksum/{algorithm}/{kind}")
    requested: list[Any] = []

    async def head(send: Any, parameters: Any) -> Any:
        answer = await send(**parameters)
        return {**answer, f"Checksum{algorithm}": "x", "ChecksumType": kind}

    async def begin(send: Any, parameters: Any) -> Any:
        requested.append((parameters["ChecksumAlgorithm"], parameters["ChecksumType"]))
        return await send(**parameters)

    async def scene() -> None:
        await cloud.put(thing)
        client = Intercepted(cloud.client, head_object=head, create_multipart_upload=begin)
        outcome = await synced(cloud, thing, client=client, parts=True)
        assert outcome.kind is OutcomeKind.PUT, outcome.message

    run(scene())
    assert requested == [(algorithm, asked)]


# --- empty objects and folder markers -----------------------------------------------------------


@pytest.mark.parametrize("trigger", Trigger)
def test_an_empty_object_is_an_object(run: Run, cloud: CloudWorld, trigger: Trigger) -> None:
    thing = Thing(key=f"empty/{trigger}", content=b"")

    async def scene() -> None:
        await cloud.put(thing)
        outcome = await synced(cloud, thing, trigger=trigger)
        assert outcome.kind is OutcomeKind.PUT
        assert (await cloud.observe(thing))["Tags"].keys() == OUR_TAGS

    run(scene())


def test_a_folder_marker_is_filtered_and_a_file_of_that_name_is_not(
    run: Run, cloud: CloudWorld
) -> None:
    async def scene() -> list[str]:
        await cloud.put(Thing(key="folder/", content=b""))
        await cloud.put(Thing(key="folder/full/", content=b"x"))
        await cloud.put(Thing(key="folder/empty", content=b""))
        everything = Selection.of((), (), None)
        return [
            entry.key
            async for page in cloud.store().list_objects(
                cloud.bucket(Setting.PLAIN), prefix="folder/", start_after=None
            )
            for entry in page.entries
            if everything.selects(entry)
        ]

    assert run(scene()) == ["folder/empty", "folder/full/"]


# --- tags ---------------------------------------------------------------------------------------


def test_an_owners_id_that_no_catalog_has_is_kept(run: Run, cloud: CloudWorld) -> None:
    thing = Thing(key="own-id", tags={"AssetID": "mine:1", "InventoryID": "also mine"})

    async def scene() -> None:
        await cloud.put(thing)
        outcome = await synced(cloud, thing)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.PUT, "IDS_UNKNOWN")
        assert (outcome.asset_id, outcome.inventory_id) == ("mine:1", "also mine")
        tags = (await cloud.observe(thing))["Tags"]
        assert tags.items() >= thing.tags.items()

    run(scene())


@pytest.mark.parametrize(
    ("count", "ours", "kind"),
    [
        (7, {}, OutcomeKind.PUT),
        (8, {}, OutcomeKind.FAILED),
        (10, {}, OutcomeKind.FAILED),
        (7, {"AssetID": "a", "InventoryID": "b", "SyncJobID": "c"}, OutcomeKind.PUT),
        (9, {"AssetID": "a"}, OutcomeKind.FAILED),
        (8, {"AssetID": "a", "InventoryID": "b"}, OutcomeKind.FAILED),
    ],
)
@pytest.mark.parametrize("trigger", Trigger)
def test_an_object_without_room_for_more_tags_is_not_written(
    run: Run,
    cloud: CloudWorld,
    trigger: Trigger,
    count: int,
    ours: dict[str, str],
    kind: OutcomeKind,
) -> None:
    thing = Thing(
        key=f"limit/{trigger}/{count}/{len(ours)}",
        tags={**{f"theirs-{number}": "x" for number in range(count)}, **ours},
    )

    async def scene() -> None:
        await cloud.put(thing)
        before = await cloud.observe(thing)
        fails = kind is OutcomeKind.FAILED
        client = writing_nothing(cloud.client) if fails else cloud.client
        outcome = await synced(cloud, thing, trigger=trigger, client=client)
        after = await cloud.observe(thing)
        assert outcome.kind is kind
        if fails:
            assert outcome.reason == "TagLimitExceeded"
            assert after == before
        else:
            assert len(after["Tags"]) == 10

    run(scene())


@pytest.mark.parametrize("trigger", Trigger)
def test_tags_that_s3_rejects_fail_that_object(
    run: Run, cloud: CloudWorld, trigger: Trigger
) -> None:
    thing = Thing(key=f"refused-tags/{trigger}", tags={"theirs": "1"})

    async def refuse(_send: Any, _parameters: Any) -> Any:
        raise refusal("InvalidTag", 400)

    async def scene() -> None:
        await cloud.put(thing)
        before = await cloud.observe(thing)
        client = Intercepted(cloud.client, copy_object=refuse, put_object_tagging=refuse)
        outcome = await synced(cloud, thing, trigger=trigger, client=client)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "Refused")
        assert not outcome.retryable
        assert await cloud.observe(thing) == before

    run(scene())


# --- locks --------------------------------------------------------------------------------------


def with_default(mode: str) -> Callable[..., Any]:
    """A default retention that is newer than the bucket's objects, for one client only."""

    async def hook(send: Any, parameters: Any) -> Any:
        answer = await send(**parameters)
        answer["ObjectLockConfiguration"]["Rule"] = {
            "DefaultRetention": {"Mode": mode, "Days": 3650}
        }
        return answer

    return hook


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
@pytest.mark.parametrize("parts", [False, True], ids=["whole", "multipart"])
def test_an_unlocked_object_is_not_locked_by_a_copy(
    run: Run, cloud: CloudWorld, mode: str, parts: bool
) -> None:
    """The bucket's default retention is newer than the object; it would apply to a copy."""
    thing = Thing(key=f"default/{mode}/{parts}", setting=Setting.LOCKS, tags={"theirs": "1"})

    async def scene() -> None:
        await cloud.put(thing)
        before = await cloud.observe(thing)
        default = {"get_object_lock_configuration": with_default(mode)}
        client = Intercepted(writing_nothing(cloud.client), **default)
        outcome = await synced(cloud, thing, client=client, parts=parts)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "Refused")
        assert "default retention" in str(outcome.message)
        assert await cloud.observe(thing) == before

        client = Intercepted(cloud.client, **default)
        outcome = await synced(cloud, thing, client=client, trigger=Trigger.EVENT)
        assert outcome.kind is OutcomeKind.PUT

    run(scene())


def test_a_retention_of_its_own_is_kept_under_a_default(run: Run, cloud: CloudWorld) -> None:
    own = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": IN_FUTURE}
    thing = Thing(key="default/own", setting=Setting.LOCKS, parameters=own)

    async def scene() -> None:
        await cloud.put(thing)
        default = {"get_object_lock_configuration": with_default("COMPLIANCE")}
        outcome = await synced(cloud, thing, client=Intercepted(cloud.client, **default))
        assert outcome.kind is OutcomeKind.PUT
        assert (await cloud.observe(thing)).items() >= own.items()

    run(scene())


LOCKED = {
    "ObjectLockMode": "COMPLIANCE",
    "ObjectLockRetainUntilDate": IN_FUTURE,
    "ObjectLockLegalHoldStatus": "ON",
}


async def head_without_locks(send: Any, parameters: Any) -> Any:
    """HeadObject for a caller without s3:GetObjectRetention and s3:GetObjectLegalHold."""
    answer = await send(**parameters)
    return {name: value for name, value in answer.items() if not name.startswith("ObjectLock")}


def test_a_lock_that_the_head_omits_is_kept(run: Run, cloud: CloudWorld) -> None:
    thing = Thing(key="hidden-lock", setting=Setting.LOCKS, parameters=LOCKED)

    async def scene() -> None:
        await cloud.put(thing)
        before = await cloud.observe(thing)
        client = Intercepted(cloud.client, head_object=head_without_locks)
        outcome = await synced(cloud, thing, client=client)
        after = await cloud.observe(thing)
        assert outcome.kind is OutcomeKind.PUT
        assert {name: after[name] for name in LOCKED} == {name: before[name] for name in LOCKED}

    run(scene())


@pytest.mark.parametrize("operation", ["get_object_retention", "get_object_legal_hold"])
def test_a_lock_that_cannot_be_read_is_not_guessed(
    run: Run, cloud: CloudWorld, operation: str
) -> None:
    thing = Thing(key=f"unreadable-lock/{operation}", setting=Setting.LOCKS, parameters=LOCKED)

    async def deny(_send: Any, _parameters: Any) -> Any:
        raise refusal("AccessDenied", 403)

    async def scene() -> None:
        await cloud.put(thing)
        hooks = {"head_object": head_without_locks, operation: deny}
        hooks |= {name: writing_nothing(cloud.client)._hooks[name] for name in WRITES}
        outcome = await synced(cloud, thing, client=Intercepted(cloud.client, **hooks))
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "AccessDenied")
        words = operation.title().replace("_", "")
        assert f"grant s3:{words}" in str(outcome.message)

    run(scene())


# --- what a copy cannot set ---------------------------------------------------------------------


def test_a_grant_that_a_copy_cannot_set_is_refused(run: Run, cloud: CloudWorld) -> None:
    thing = Thing(key="write-grant", setting=Setting.ACLS)

    async def scene() -> None:
        await cloud.put(thing)
        await cloud.client.put_object_acl(
            Bucket=cloud.bucket(thing.setting).name,
            Key=thing.key,
            GrantFullControl='id="owner"',
            GrantWrite='id="partner"',
        )
        before = await cloud.observe(thing)
        outcome = await synced(cloud, thing)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "Refused")
        assert "WRITE" in str(outcome.message)
        assert await cloud.observe(thing) == before

    run(scene())


def test_metadata_that_cannot_be_set_is_refused_in_a_multipart_copy_only(
    run: Run, cloud: CloudWorld
) -> None:
    thing = Thing(key="unsayable")

    async def head(send: Any, parameters: Any) -> Any:
        return {**await send(**parameters), "MissingMeta": 1}

    async def scene() -> None:
        await cloud.put(thing)
        before = await cloud.observe(thing)
        client = Intercepted(cloud.client, head_object=head)
        outcome = await synced(cloud, thing, client=client, parts=True)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "Refused")
        assert await cloud.observe(thing) == before
        assert (await synced(cloud, thing, client=client)).kind is OutcomeKind.PUT

    run(scene())


@pytest.mark.parametrize("trigger", Trigger)
def test_an_object_under_its_owners_own_key_is_refused(
    run: Run, memory: MemoryWorld, trigger: Trigger
) -> None:
    bucket = memory.bucket(Setting.PLAIN)
    memory.buckets.put(bucket.name, "a", b"x", tags={"theirs": "1"}, customer_key=True)
    memory.buckets.put(bucket.name, "b", b"x")
    before = memory.buckets.get(bucket.name, "a")

    syncer = Syncer(store=memory.store(), clock=memory.clock)
    refused, fine = run(syncer.sync(bucket, "a", "b", trigger=trigger))

    assert (refused.kind, refused.reason) == (OutcomeKind.FAILED, "Refused")
    assert "SSE-C" in str(refused.message)
    assert memory.buckets.get(bucket.name, "a") == before
    assert fine.kind is OutcomeKind.PUT


def test_a_bare_400_without_a_customers_key_is_reported_as_such(
    run: Run, cloud: CloudWorld
) -> None:
    thing = Thing(key="expired")

    async def head(_send: Any, _parameters: Any) -> Any:
        raise refusal("400", 400)

    async def get(_send: Any, _parameters: Any) -> Any:
        raise refusal("ExpiredToken", 400)

    async def scene() -> None:
        await cloud.put(thing)
        store = cloud.store_with(Intercepted(cloud.client, head_object=head, get_object=get))
        with pytest.raises(Misconfigured, match="ExpiredToken"):
            await store.head(cloud.bucket(thing.setting), thing.key)

    run(scene())


# --- permissions and owners ---------------------------------------------------------------------


def test_a_missing_permission_on_one_object_fails_that_object(
    run: Run, memory: MemoryWorld
) -> None:
    bucket = memory.bucket(Setting.PLAIN)
    for key in ("a", "b"):
        memory.buckets.put(bucket.name, key, b"x")
    memory.buckets.denied.add((bucket.name, "a"))

    syncer = Syncer(store=memory.store(), clock=memory.clock)
    denied, fine = run(syncer.sync(bucket, "a", "b"))

    assert (denied.kind, denied.reason) == (OutcomeKind.FAILED, "AccessDenied")
    assert fine.kind is OutcomeKind.PUT


def test_a_missing_permission_on_the_bucket_is_reported_by_the_listing(
    run: Run, cloud: CloudWorld
) -> None:
    async def deny(_send: Any, _parameters: Any) -> Any:
        raise refusal("AccessDenied", 403)

    async def scene() -> None:
        store = cloud.store_with(Intercepted(cloud.client, list_objects_v2=deny))
        bucket = cloud.bucket(Setting.PLAIN)
        with pytest.raises(AccessDenied, match=f"grant s3:ListBucket on {bucket.name}"):
            await anext(store.list_objects(bucket, prefix="", start_after=None))

    run(scene())


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("parts", [False, True], ids=["whole", "multipart"])
def test_a_bucket_of_another_owner_is_not_touched(
    run: Run, cloud: CloudWorld, trigger: Trigger, parts: bool
) -> None:
    thing = Thing(key=f"owner/{trigger}/{parts}", tags={"theirs": "1"})

    async def scene() -> None:
        await cloud.put(thing)
        before = await cloud.observe(thing)
        store = cloud.store()
        elsewhere = Bucket(name=cloud.bucket(thing.setting).name, expected_owner="999999999999")
        whole_bytes_max = IN_PARTS if parts else WHOLE
        syncer = Syncer(store=store, clock=cloud.clock, whole_bytes_max=whole_bytes_max)
        [outcome] = await syncer.sync(elsewhere, thing.key, trigger=trigger)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "AccessDenied")
        head = await store.head(cloud.bucket(thing.setting), thing.key)
        for write in (store.copy_in_place, store.create_multipart_copy, store.write_tags):
            with pytest.raises(AccessDenied):
                await write(elsewhere, head, {"AssetID": "x"})
        assert await cloud.observe(thing) == before

    run(scene())
