"""I12: after a sync an object differs in the service's tags and, after a copy, in its modification
time.

Objects of every kind that S3 has are put, synced and compared by all attributes that S3 returns.
Each attribute has a planted bug here, which the comparison must report.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from safety_objects import IN_FUTURE, NOT_IN_XML, Setting, Thing, things
from safety_worlds import (
    IN_PARTS,
    MIB,
    OUR_TAGS,
    WHOLE,
    CloudWorld,
    MemoryWorld,
    Syncer,
    World,
    differences,
)

from adapters.memory.object_store import MemoryObjectStore
from domain.connector import Bucket, Trigger
from domain.customer_object import ObjectHead, WrittenObject
from domain.outcome import OutcomeKind
from ports.object_store import ObjectStore

SOAK: Final = int(os.environ.get("ASSET_SYNC_SOAK", "1"))
VERSIONED: Final = (Setting.VERSIONED, Setting.LOCKS)

Run = Callable[[Any], Any]
Changes = Mapping[str, tuple[Any, Any]]


def examples(count: int) -> settings:
    return settings(
        max_examples=count * SOAK,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        print_blob=True,
        phases=set(Phase) - {Phase.explain},
    )


async def harm_of(
    world: World,
    thing: Thing,
    *,
    trigger: Trigger,
    parts: bool,
    store: ObjectStore | None = None,
    whole_bytes_max: int | None = None,
) -> Changes:
    """Put the object, sync it, and return the violations of the guarantee."""
    if whole_bytes_max is None:
        whole_bytes_max = IN_PARTS if parts else WHOLE
    await world.put(thing)
    before = await world.observe(thing)
    syncer = Syncer(
        store=store or world.store(), clock=world.clock, whole_bytes_max=whole_bytes_max
    )
    [outcome] = await syncer.sync(world.bucket(thing.setting), thing.key, trigger=trigger)
    after = await world.observe(thing)
    await world.forget(thing)
    if len(thing.tags.keys() | OUR_TAGS) > 10:
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "TagLimitExceeded")
        assert after == before
        return {}
    if parts and trigger is Trigger.COPY and NOT_IN_XML.search(thing.key):
        assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, "Refused")
        assert after == before
        return {}
    assert outcome.kind is OutcomeKind.PUT, outcome.message
    assert after["Tags"].keys() >= OUR_TAGS
    [announced] = syncer.bus.events
    assert (announced.e_tag, announced.version_id) == (
        after["ETag"].strip('"'),
        after.get("VersionId"),
    )
    return differences(
        before, after, trigger=trigger, parts=parts, versioned=thing.setting in VERSIONED
    )


@pytest.mark.soak
@examples(30)
@given(thing=things(most_tags=10), trigger=st.sampled_from(Trigger), parts=st.booleans())
def test_an_object_of_any_kind_survives(
    run: Run, cloud: CloudWorld, thing: Thing, trigger: Trigger, parts: bool
) -> None:
    # One part may be of any size, so small objects do; real boundaries are below.
    parts = parts and bool(thing.content)
    event(f"{thing.setting} {trigger} {'parts' if parts else 'whole'}")
    assert not run(harm_of(cloud, thing, trigger=trigger, parts=parts))


@pytest.mark.soak
@examples(50)
@given(thing=things(most_tags=10), trigger=st.sampled_from(Trigger), parts=st.booleans())
def test_an_object_of_any_kind_survives_in_memory(
    run: Run, memory: MemoryWorld, thing: Thing, trigger: Trigger, parts: bool
) -> None:
    parts = parts and bool(thing.content)
    assert not run(harm_of(memory, thing, trigger=trigger, parts=parts))


def everything(key: str, content: bytes, setting: Setting) -> Thing:
    """An object with every attribute that its bucket allows."""
    parameters: dict[str, Any] = {
        "ContentType": "image/jpeg",
        "CacheControl": "max-age=60",
        "ContentEncoding": "br",
        "ContentDisposition": 'attachment; filename="a.jpg"',
        "ContentLanguage": "de",
        "Expires": IN_FUTURE,
        "WebsiteRedirectLocation": "/there",
        "Metadata": {"camera": "x100", "empty": ""},
        "StorageClass": "STANDARD_IA",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": "arn:aws:kms:us-east-1:1:key/theirs",
        "BucketKeyEnabled": True,
        "ChecksumAlgorithm": "SHA256",
    }
    if setting is Setting.ACLS:
        parameters |= {"GrantFullControl": 'id="owner"', "GrantRead": 'id="reader"'}
    if setting is Setting.LOCKS:
        parameters |= {
            "ObjectLockMode": "GOVERNANCE",
            "ObjectLockRetainUntilDate": IN_FUTURE,
            "ObjectLockLegalHoldStatus": "ON",
        }
    return Thing(
        key=key,
        content=content,
        setting=setting,
        parameters=parameters,
        tags={"theirs": "1", "more": "a+b c"},
    )


SIZES: Final = {
    "one byte": 1,
    "one part exactly": 5 * MIB,
    "one part and a byte": 5 * MIB + 1,
    "two parts exactly": 10 * MIB,
    "two parts and a byte": 10 * MIB + 1,
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_a_multipart_copy_is_complete_at_every_boundary(
    run: Run, cloud: CloudWorld, size: int
) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    thing = everything(f"parts/{size}", content[:size], Setting.PLAIN)

    assert not run(harm_of(cloud, thing, trigger=Trigger.COPY, parts=True))


@pytest.mark.parametrize(("size", "operation"), [(100, "copy"), (101, "parts")])
def test_one_byte_over_the_threshold_gets_a_multipart_copy(
    run: Run, cloud: CloudWorld, size: int, operation: str
) -> None:
    thing = Thing(key=f"threshold/{size}", content=b"x" * size, setting=Setting.VERSIONED)

    parts = operation == "parts"
    assert not run(harm_of(cloud, thing, trigger=Trigger.COPY, parts=parts, whole_bytes_max=100))

    name = cloud.bucket(thing.setting).name
    head = run(cloud.client.head_object(Bucket=name, Key=thing.key))
    assert head["ETag"].endswith('-1"') is parts


# --- planted bugs -------------------------------------------------------------------------------


class Tampered:
    """The SDK's client with one request changed."""

    def __init__(self, client: Any, bug: Bug) -> None:
        self._client = client
        self._bug = bug

    def __getattr__(self, name: str) -> Any:
        send = getattr(self._client, name)
        if name not in self._bug.requests:
            return send

        async def changed(**parameters: Any) -> Any:
            return await send(**self._bug.change(dict(parameters)))

        return changed


@dataclass(frozen=True, kw_only=True)
class Bug:
    """A store that gets one attribute wrong, and what the comparison must report."""

    name: str
    change: Callable[[dict[str, Any]], dict[str, Any]]
    seen: str
    setting: Setting = Setting.PLAIN
    requests: tuple[str, ...] = ("copy_object", "create_multipart_upload")
    parts: tuple[bool, ...] = (False, True)


def without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda sent: {name: value for name, value in sent.items() if name not in names}


def saying(**more: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda sent: sent | more


def replacing_metadata(*lost: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A copy that sets the metadata again, and omits some."""
    said = {
        name: value
        for name, value in everything("", b"", Setting.PLAIN).parameters.items()
        if name in METADATA
    }

    def change(sent: dict[str, Any]) -> dict[str, Any]:
        if "MetadataDirective" in sent:
            sent |= {"MetadataDirective": "REPLACE", **said}
        return {name: value for name, value in sent.items() if name not in lost}

    return change


METADATA: Final = {
    "ContentType": "ContentType",
    "CacheControl": "CacheControl",
    "ContentEncoding": "ContentEncoding",
    "ContentDisposition": "ContentDisposition",
    "ContentLanguage": "ContentLanguage",
    "Expires": "Expires",
    "Metadata": "Metadata",
}
ACL: Final = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP", "ACL")

BUGS: Final = [
    *(Bug(name=name, change=replacing_metadata(name), seen=name) for name in METADATA),
    Bug(name="storage class", change=without("StorageClass"), seen="StorageClass"),
    Bug(
        name="encryption",
        change=without("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"),
        seen="ServerSideEncryption",
    ),
    Bug(
        name="encryption in a bucket with another key",
        change=without("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"),
        seen="SSEKMSKeyId",
        setting=Setting.KMS_DEFAULT,
    ),
    Bug(name="KMS key", change=without("SSEKMSKeyId"), seen="SSEKMSKeyId"),
    Bug(name="bucket key", change=without("BucketKeyEnabled"), seen="BucketKeyEnabled"),
    Bug(name="bucket key off", change=saying(BucketKeyEnabled=False), seen="BucketKeyEnabled"),
    Bug(
        name="website redirect",
        change=without("WebsiteRedirectLocation"),
        seen="WebsiteRedirectLocation",
    ),
    Bug(name="ACL", change=without(*ACL), seen="Grants", setting=Setting.ACLS),
    Bug(name="one grant", change=without("GrantRead"), seen="Grants", setting=Setting.ACLS),
    Bug(
        name="retention",
        change=without("ObjectLockMode", "ObjectLockRetainUntilDate"),
        seen="retention",
        setting=Setting.LOCKS,
    ),
    Bug(
        name="retention mode",
        change=saying(ObjectLockMode="COMPLIANCE"),
        seen="ObjectLockMode",
        setting=Setting.LOCKS,
    ),
    Bug(
        name="legal hold",
        change=without("ObjectLockLegalHoldStatus"),
        seen="legal_hold",
        setting=Setting.LOCKS,
    ),
    Bug(
        name="checksum algorithm",
        change=saying(ChecksumAlgorithm="CRC32"),
        seen="ChecksumSHA256",
    ),
    Bug(
        name="no checksum",
        change=without("ChecksumAlgorithm"),
        seen="ChecksumSHA256",
        parts=(True,),
    ),
    Bug(
        name="foreign tags",
        change=saying(Tagging="AssetID=a&InventoryID=b&SyncJobID=c"),
        seen="Tags",
    ),
    Bug(
        name="a foreign tag's value",
        change=lambda sent: sent | {"Tagging": sent["Tagging"].replace("a%2Bb", "a+b")},
        seen="Tags",
    ),
    Bug(
        name="a tag too many",
        change=lambda sent: sent | {"Tagging": sent["Tagging"] + "&stray=1"},
        seen="Tags",
    ),
    Bug(
        name="bytes: a part too short",
        change=lambda sent: sent | {"CopySourceRange": "bytes=0-5242878"},
        seen="Body",
        requests=("upload_part_copy",),
        parts=(True,),
    ),
]


@pytest.mark.parametrize(
    ("bug", "parts"),
    [
        pytest.param(bug, parts, id=f"{bug.name}, {'multipart' if parts else 'whole'}")
        for bug in BUGS
        for parts in bug.parts
    ],
)
def test_a_planted_bug_is_detected(run: Run, cloud: CloudWorld, bug: Bug, parts: bool) -> None:
    size = 5 * MIB if "upload_part_copy" in bug.requests else 10
    thing = everything(f"bug/{bug.name}/{parts}", b"x" * size, bug.setting)
    store = cloud.store_with(Tampered(cloud.client, bug))

    harm = run(harm_of(cloud, thing, trigger=Trigger.COPY, parts=parts, store=store))

    assert bug.seen in harm


TAG_BUGS: Final = {
    "foreign tags": lambda tags: [t for t in tags if t["Key"] in OUR_TAGS],
    "a tag too many": lambda tags: [*tags, {"Key": "stray", "Value": "1"}],
}


@pytest.mark.parametrize("name", TAG_BUGS)
def test_a_planted_bug_of_the_event_trigger_is_detected(
    run: Run, cloud: CloudWorld, name: str
) -> None:
    bug = Bug(
        name=name,
        change=lambda sent: (
            sent | {"Tagging": {"TagSet": TAG_BUGS[name](sent["Tagging"]["TagSet"])}}
        ),
        seen="Tags",
        requests=("put_object_tagging",),
    )
    thing = everything(f"bug/event/{name}", b"x", Setting.PLAIN)
    store = cloud.store_with(Tampered(cloud.client, bug))

    harm = run(harm_of(cloud, thing, trigger=Trigger.EVENT, parts=False, store=store))

    assert bug.seen in harm


class Forgetful(MemoryObjectStore):
    """Copies in place as if the object had been read without one attribute."""

    forgets: Callable[[ObjectHead], ObjectHead]

    async def copy_in_place(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> WrittenObject:
        return await super().copy_in_place(bucket, self.forgets(head), tags)

    async def create_multipart_copy(
        self, bucket: Bucket, head: ObjectHead, tags: Mapping[str, str]
    ) -> str:
        return await super().create_multipart_copy(bucket, self.forgets(head), tags)


FORGOTTEN: Final[dict[str, tuple[bool, Callable[[ObjectHead], ObjectHead]]]] = {
    "storage_class": (False, lambda head: replace(head, storage_class="STANDARD")),
    "encryption": (False, lambda head: replace(head, encryption=None)),
    "website_redirect": (False, lambda head: replace(head, website_redirect=None)),
    "lock": (False, lambda head: replace(head, lock=None)),
    "system_metadata": (True, lambda head: replace(head, system_metadata={})),
    "user_metadata": (True, lambda head: replace(head, user_metadata={})),
    "checksum_algorithm": (True, lambda head: replace(head, checksum_algorithm=None)),
}


@pytest.mark.parametrize("attribute", FORGOTTEN)
def test_a_planted_bug_is_detected_in_memory(run: Run, memory: MemoryWorld, attribute: str) -> None:
    parts, forget = FORGOTTEN[attribute]
    thing = everything("a", b"x", Setting.LOCKS)
    store = Forgetful(memory.buckets)
    store.forgets = forget

    harm = run(harm_of(memory, thing, trigger=Trigger.COPY, parts=parts, store=store))

    assert attribute in harm


@pytest.mark.parametrize("trigger", Trigger)
def test_older_versions_are_unchanged(run: Run, cloud: CloudWorld, trigger: Trigger) -> None:
    """A copy adds a version and keeps the old one; the other triggers add none."""

    async def scene() -> tuple[int, Changes]:
        thing = everything(f"versions/{trigger}", b"old", Setting.VERSIONED)
        await cloud.put(thing)
        [first] = await cloud.versions(thing)
        before = await cloud.observe(thing, version_id=first)
        await Syncer(store=cloud.store(), clock=cloud.clock).sync(
            cloud.bucket(thing.setting), thing.key, trigger=trigger
        )
        after = await cloud.observe(thing, version_id=first)
        if trigger is not Trigger.COPY:
            after["Tags"] = before["Tags"]
        changed = {n: (before[n], after.get(n)) for n in before if before[n] != after.get(n)}
        return len(await cloud.versions(thing)), changed

    count, changed = run(scene())

    assert changed == {}
    assert count == (2 if trigger is Trigger.COPY else 1)
