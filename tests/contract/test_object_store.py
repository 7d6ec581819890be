"""The contract of ports.object_store."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients
from adapters.aws.object_store import S3ObjectStore
from adapters.memory.buckets import EVERYBODY, Grants, MemoryBucket, MemoryBuckets
from adapters.memory.object_store import MemoryObjectStore
from adapters.memory.system import ManualClock
from domain.bucket_report import Setting
from domain.connector import Bucket
from domain.customer_object import Encryption, ObjectHead, ObjectLock, WrittenObject
from domain.manifest import ManifestEntry
from domain.part_copy import CopiedPart, plan_parts
from ports.errors import Archived, Conflict, Misconfigured, NotFound, Refused
from ports.object_store import ObjectStore

pytestmark = pytest.mark.asyncio(loop_scope="session")

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

# Larger objects get a multipart copy here, so that no test needs 5 GB.
SINGLE_COPY_BYTES_MAX = 1_000
PART_BYTES = 5 * 1024**2

ODD_KEYS = [
    "a b/c d.jpg",
    "a+b.jpg",
    "100%.jpg",
    "pct%2Fliteral.jpg",
    "ünï/日本語/😀.jpg",
    # In this order by code points and UTF-8; in the opposite order by UTF-16.
    "\uffee.jpg",
    "\U00010348.jpg",
    "\"quoted\", 'and' commas.jpg",
    "a//b.jpg",
    "a/../b.jpg",
    "./a",
    "/leading",
    "tail/",
    "q?x=1&y=2#frag;v",
    "back\\slash",
    "tab\there",
]


class World(Protocol):
    """A bucket from its owner's side."""

    store: ObjectStore
    bucket: Bucket

    async def put(
        self, key: str, content: bytes = b"x", *, tags: Mapping[str, str] | None = None, **more: Any
    ) -> None: ...

    async def delete(self, key: str) -> None: ...

    async def read(self, key: str) -> bytes: ...

    async def version(self) -> None:
        """Switch versioning on."""

    async def allow_acls(self) -> None: ...

    async def grants(self, key: str) -> Grants:
        """The grants to others than the owner."""

    async def retain_by_default(self) -> None:
        """Set a default retention, in a versioned bucket."""

    async def encrypt(self) -> None:
        """Make a KMS key the bucket's default."""

    async def notify(self) -> None:
        """Switch EventBridge on."""

    async def bucket_elsewhere(self) -> Bucket:
        """Return another bucket, in eu-central-1; the store's own Region is us-east-1."""


class MemoryWorld:
    def __init__(self, name: str, clock: ManualClock) -> None:
        self.bucket = Bucket(name=name)
        self._buckets = MemoryBuckets(clock)
        self._buckets.create(name)
        self.store: ObjectStore = MemoryObjectStore(self._buckets)

    async def put(
        self, key: str, content: bytes = b"x", *, tags: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        self._buckets.put(self.bucket.name, key, content, tags=tags, **more)

    async def delete(self, key: str) -> None:
        self._buckets.delete(self.bucket.name, key)

    async def read(self, key: str) -> bytes:
        return self._buckets.get(self.bucket.name, key).content

    async def version(self) -> None:
        self._buckets.create(self.bucket.name, versioned=True)

    async def allow_acls(self) -> None:
        self._opened.acls = True

    async def grants(self, key: str) -> Grants:
        return self._buckets.get(self.bucket.name, key).grants

    async def retain_by_default(self) -> None:
        self._opened.default_retention = True

    @property
    def _opened(self) -> MemoryBucket:
        opened = self._buckets.find(self.bucket.name)
        assert opened is not None
        return opened

    async def encrypt(self) -> None:
        self._opened.encryption = f"aws:kms {KMS_KEY}"

    async def notify(self) -> None:
        self._opened.event_bridge = True

    async def bucket_elsewhere(self) -> Bucket:
        name = f"{self.bucket.name}-elsewhere"
        self._buckets.create(name).other_region = "eu-central-1"
        return Bucket(name=name)


GRANT_PARAMETERS = {
    "FULL_CONTROL": "GrantFullControl",
    "READ": "GrantRead",
    "READ_ACP": "GrantReadACP",
    "WRITE": "GrantWrite",
    "WRITE_ACP": "GrantWriteACP",
}


class AwsWorld:
    def __init__(self, name: str, client: Any, clock: ManualClock) -> None:
        self.bucket = Bucket(name=name)
        self._client = client
        self.store: ObjectStore = S3ObjectStore(
            client,
            clock=clock,
        )

    async def put(
        self,
        key: str,
        content: bytes = b"x",
        *,
        tags: Mapping[str, str] | None = None,
        storage_class: str = "STANDARD",
        encryption: Encryption | None = None,
        restored: bool = False,
        website_redirect: str | None = None,
        system_metadata: Mapping[str, str] | None = None,
        user_metadata: Mapping[str, str] | None = None,
        grants: Grants = frozenset(),
        lock: ObjectLock | None = None,
    ) -> None:
        # AWS does this with every new object since 2023; moto does not.
        more: dict[str, Any] = {"ServerSideEncryption": "AES256", **(system_metadata or {})}
        if encryption:
            more["ServerSideEncryption"] = encryption.algorithm
            more["SSEKMSKeyId"] = encryption.kms_key_id
            more["BucketKeyEnabled"] = encryption.bucket_key_enabled
        if website_redirect:
            more["WebsiteRedirectLocation"] = website_redirect
        # An upload with a lock requires it.
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        more["ContentMD5"] = base64.b64encode(digest).decode()
        if lock:
            more["ObjectLockMode"] = lock.mode
            more["ObjectLockRetainUntilDate"] = lock.retain_until
        where = {"Bucket": self.bucket.name, "Key": key}
        with self._unsaid(more, user_metadata or {}) as metadata:
            # A lean call has no event for headers that the SDK cannot send.
            sdk: Any = getattr(self._client, "sdk", self._client)
            await sdk.put_object(
                **where, Body=content, StorageClass=storage_class, Metadata=metadata, **more
            )
        if grants:
            await self._grant(where, grants)
        if restored:
            await self._client.restore_object(**where, RestoreRequest={"Days": 1})
            while not (await self.store.head(self.bucket, key)).restored:
                pass
        if tags:
            tag_set = [{"Key": name, "Value": value} for name, value in tags.items()]
            await self._client.put_object_tagging(
                Bucket=self.bucket.name, Key=key, Tagging={"TagSet": tag_set}
            )

    async def delete(self, key: str) -> None:
        await self._client.delete_object(Bucket=self.bucket.name, Key=key)

    async def read(self, key: str) -> bytes:
        answer = await self._client.get_object(Bucket=self.bucket.name, Key=key)
        content: bytes = await answer["Body"].read()
        return content

    async def version(self) -> None:
        await self._client.put_bucket_versioning(
            Bucket=self.bucket.name, VersioningConfiguration={"Status": "Enabled"}
        )

    async def allow_acls(self) -> None:
        await self._client.put_bucket_ownership_controls(
            Bucket=self.bucket.name,
            OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
        )

    async def grants(self, key: str) -> Grants:
        answer = await self._client.get_object_acl(Bucket=self.bucket.name, Key=key)
        owners = ("FULL_CONTROL", answer["Owner"]["ID"])
        granted = frozenset(
            (grant["Permission"], grant["Grantee"].get("URI") or grant["Grantee"]["ID"])
            for grant in answer["Grants"]
        )
        assert owners in granted
        return granted - {owners}

    async def _grant(self, where: dict[str, str], grants: Grants) -> None:
        answer = await self._client.get_object_acl(**where)
        grantees: dict[str, list[str]] = {"FULL_CONTROL": [f'id="{answer["Owner"]["ID"]}"']}
        for permission, name in sorted(grants):
            kind = "uri" if "://" in name else "id"
            grantees.setdefault(permission, []).append(f'{kind}="{name}"')
        parameters = {
            GRANT_PARAMETERS[permission]: ", ".join(names) for permission, names in grantees.items()
        }
        await self._client.put_object_acl(**where, **parameters)

    async def encrypt(self) -> None:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY}
        await self._client.put_bucket_encryption(
            Bucket=self.bucket.name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": default}]
            },
        )

    async def notify(self) -> None:
        await self._client.put_bucket_notification_configuration(
            Bucket=self.bucket.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )

    async def retain_by_default(self) -> None:
        await self._client.put_object_lock_configuration(
            Bucket=self.bucket.name,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
            },
        )

    @contextmanager
    def _unsaid(
        self, more: dict[str, Any], user_metadata: Mapping[str, str]
    ) -> Iterator[dict[str, str]]:
        """Send what other clients can and the SDK cannot: any Expires, any characters."""
        plain = {name: value for name, value in user_metadata.items() if value.isascii()}
        headers = {
            f"x-amz-meta-{name}": value
            for name, value in user_metadata.items()
            if name not in plain
        }
        if isinstance(more.get("Expires"), str):
            headers["Expires"] = more.pop("Expires")
        events, event = self._client.meta.events, "before-call.s3.PutObject"

        def add(params: dict[str, Any], **_: Any) -> None:
            params["headers"].update(headers)

        events.register(event, add)
        yield plain
        events.unregister(event, add)

    async def bucket_elsewhere(self) -> Bucket:
        name = f"{self.bucket.name}-elsewhere"
        await self._client.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        return Bucket(name=name)


@pytest.fixture
def memory_world(unique_name: str, clock: ManualClock) -> MemoryWorld:
    return MemoryWorld(unique_name, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def aws_world(unique_name: str, clients: Clients, clock: ManualClock) -> AwsWorld:
    client = await clients.s3()
    await client.create_bucket(Bucket=unique_name)
    return AwsWorld(unique_name, client, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def sdk_world(aws_world: AwsWorld, clock: ManualClock) -> AwsWorld:
    """With the SDK's own calls for single objects."""
    client: Any = aws_world.store._client
    return AwsWorld(aws_world.bucket.name, client.sdk, clock)


@pytest.fixture(params=["memory", "aws", "sdk"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(f"{request.param}_world")
    return chosen


async def copy_in_place(world: World, head: ObjectHead, tags: Mapping[str, str]) -> WrittenObject:
    """Copy the object onto itself; a large one by a multipart copy."""
    store, bucket = world.store, world.bucket
    if head.size_bytes <= SINGLE_COPY_BYTES_MAX:
        return await store.copy_in_place(bucket, head, tags)
    copy_id = await store.create_multipart_copy(bucket, head, tags)
    planned = plan_parts(head.size_bytes, part_bytes=PART_BYTES)
    parts = [await store.copy_part(bucket, head, copy_id, part) for part in planned]
    return await store.complete_multipart_copy(bucket, head, copy_id, parts)


async def pages_of(
    world: World, prefix: str = "", start_after: str | None = None
) -> list[list[ManifestEntry]]:
    listing = world.store.list_objects(world.bucket, prefix=prefix, start_after=start_after)
    return [list(page.entries) async for page in listing]


async def keys_of(world: World, prefix: str = "", start_after: str | None = None) -> list[str]:
    pages = await pages_of(world, prefix, start_after)
    return [entry.key for page in pages for entry in page]


async def test_a_listing_is_in_byte_order_of_keys_whatever_they_hold(world: World) -> None:
    for key in ODD_KEYS:
        await world.put(key)

    assert await keys_of(world) == sorted(ODD_KEYS, key=str.encode)


async def test_a_listing_shows_size_and_time(world: World) -> None:
    await world.put("a", b"four")

    [[entry]] = await pages_of(world)

    head = await world.store.head(world.bucket, "a")
    assert entry.size_bytes == 4
    assert entry.last_modified is not None
    assert entry.last_modified.tzinfo is not None
    assert entry.last_modified.replace(microsecond=0) == head.last_modified.replace(microsecond=0)


async def test_a_listing_keeps_to_its_prefix(world: World) -> None:
    for key in ("a", "a/1", "a/2", "a0", "b/1"):
        await world.put(key)

    assert await keys_of(world, "a/") == ["a/1", "a/2"]


@pytest.mark.parametrize(
    "start_after", ["a/2", "a/1 and a bit", "a/2 ünï %+😀", "a/1\U0010fffd", "a/\ufffd", "a/z"]
)
async def test_start_after_is_exclusive_and_need_not_exist(world: World, start_after: str) -> None:
    for key in ("a/1", "a/2", "a/2 ünï %+😀", "a/3"):
        await world.put(key)

    expected = [
        k for k in ("a/1", "a/2", "a/2 ünï %+😀", "a/3") if k.encode() > start_after.encode()
    ]
    assert await keys_of(world, "a/", start_after) == expected


async def test_a_listing_of_nothing_has_no_objects(world: World) -> None:
    assert await keys_of(world, "nothing/") == []


async def test_pages_have_a_thousand_objects_at_most_and_repeat_none(world: World) -> None:
    keys = [f"{number:04d}/a b+ü.jpg" for number in range(1_003)]
    waiting = iter(keys)

    async def put_some() -> None:
        for key in waiting:
            await world.put(key, b"")

    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(put_some())

    pages = await pages_of(world)

    assert [entry.key for page in pages for entry in page] == keys
    assert max(len(page) for page in pages) <= 1_000
    assert await keys_of(world, start_after=keys[999]) == keys[1_000:]

    first = await anext(world.store.list_objects(world.bucket, prefix="", start_after=None))
    later = world.store.list_objects(
        world.bucket, prefix="", start_after="whatever", token=first.token
    )
    found = [page async for page in later]
    assert [e.key for page in found for e in page.entries] == keys[len(first.entries) :]
    assert found[-1].token is None


@pytest.mark.parametrize("count", [0, 1, 10])
async def test_tags_are_read_as_they_were_written(world: World, count: int) -> None:
    tags = {f"Näme {number}+-=._:/@": f"välue {number} +-=._:/@" for number in range(count)}
    await world.put("a", tags=tags)

    assert await world.store.read_tags(world.bucket, "a") == tags


@pytest.mark.parametrize("key", ODD_KEYS)
async def test_every_key_can_be_read_tagged_and_copied_in_place(world: World, key: str) -> None:
    await world.put(key, b"content", tags={"theirs": "1"})

    head = await world.store.head(world.bucket, key)
    await world.store.write_tags(world.bucket, head, {"ours": "2"})
    assert await world.store.read_tags(world.bucket, key) == {"ours": "2"}
    await copy_in_place(world, head, {"ours": "3"})

    assert head.key == key
    assert await world.store.read_tags(world.bucket, key) == {"ours": "3"}
    assert await world.read(key) == b"content"
    assert await keys_of(world) == [key]


async def test_write_tags_changes_the_tags_and_nothing_else(world: World) -> None:
    await world.put("a", b"content", tags={"old": "1"}, user_metadata={"theirs": "kept"})
    before = await world.store.head(world.bucket, "a")

    await world.store.write_tags(world.bucket, before, {"AssetID": "asset:img:1", "x": ""})
    await world.store.write_tags(world.bucket, before, {"AssetID": "asset:img:1", "x": ""})

    assert await world.store.head(world.bucket, "a") == replace(before, tag_count=2)
    assert await world.store.read_tags(world.bucket, "a") == {"AssetID": "asset:img:1", "x": ""}


async def test_tags_go_to_the_version_that_was_seen(world: World) -> None:
    await world.version()
    await world.put("a", b"old")
    seen = await world.store.head(world.bucket, "a")
    await world.put("a", b"new", tags={"theirs": "1"})

    await world.store.write_tags(world.bucket, seen, {"ours": "1"})

    assert await world.store.read_tags(world.bucket, "a") == {"theirs": "1"}


@pytest.mark.parametrize(
    "tags",
    [
        {f"tag{number}": "x" for number in range(11)},
        {"aws:reserved": "x"},
        {"k" * 129: "x"},
        {"k": "v" * 257},
    ],
    ids=["eleven", "reserved", "long key", "long value"],
)
async def test_tags_that_s3_rejects_are_refused(world: World, tags: dict[str, str]) -> None:
    await world.put("a", tags={"theirs": "1"})
    head = await world.store.head(world.bucket, "a")

    with pytest.raises(Refused):
        await world.store.write_tags(world.bucket, head, tags)

    assert await world.store.read_tags(world.bucket, "a") == {"theirs": "1"}


def kept(head: ObjectHead) -> dict[str, Any]:
    """Return all that an in-place copy must keep."""
    return {
        "key": head.key,
        "size_bytes": head.size_bytes,
        "storage_class": head.storage_class,
        "encryption": head.encryption,
        "website_redirect": head.website_redirect,
        "lock": head.lock,
        "system_metadata": dict(head.system_metadata),
        "user_metadata": dict(head.user_metadata),
    }


ATTRIBUTES: dict[str, Any] = {
    "storage_class": "STANDARD_IA",
    "website_redirect": "/elsewhere",
    "encryption": Encryption(
        algorithm="aws:kms",
        kms_key_id="arn:aws:kms:us-east-1:123456789012:key/one",
        bucket_key_enabled=False,
    ),
    "system_metadata": {
        "ContentType": "image/jpeg",
        "CacheControl": "max-age=1",
        "ContentDisposition": 'attachment; filename="a.jpg"',
        "ContentLanguage": "de",
    },
    "user_metadata": {"camera": "x100", "note": "two words", "title": "schön"},
}


@pytest.mark.parametrize("size_bytes", [5, SINGLE_COPY_BYTES_MAX + 1], ids=["single", "multipart"])
@pytest.mark.parametrize("attributes", [{}, ATTRIBUTES], ids=["plain", "all"])
async def test_a_copy_in_place_keeps_all_except_tags_and_time(
    world: World, size_bytes: int, attributes: dict[str, Any]
) -> None:
    content = bytes(index % 251 for index in range(size_bytes))
    await world.put("a", content, tags={"theirs": "1"}, **attributes)
    before = await world.store.head(world.bucket, "a")
    for name, value in attributes.items():
        assert getattr(before, name) == value

    tags = {"theirs": "1", "AssetID": "asset:img:1 +=@ü", "SyncJobID": "job-1"}
    written = await copy_in_place(world, before, tags)

    after = await world.store.head(world.bucket, "a")
    assert kept(after) == kept(before)
    assert await world.read("a") == content
    assert await world.store.read_tags(world.bucket, "a") == tags
    assert written.e_tag == after.e_tag
    assert '"' not in after.e_tag


async def test_two_copies_in_place_leave_the_same_object(world: World) -> None:
    await world.put("a", b"content", tags={"theirs": "1"})
    for _ in range(2):
        head = await world.store.head(world.bucket, "a")
        await copy_in_place(world, head, {"ours": "1"})

    assert await world.read("a") == b"content"
    assert await world.store.read_tags(world.bucket, "a") == {"ours": "1"}


async def test_ten_tags_of_all_allowed_characters_survive_a_copy_in_place(world: World) -> None:
    tags = {f"Näme {number} +-=._:/@": f"v {number} +-=._:/@" for number in range(10)}
    await world.put("a")
    head = await world.store.head(world.bucket, "a")

    await copy_in_place(world, head, tags)

    assert await world.store.read_tags(world.bucket, "a") == tags


@pytest.mark.parametrize("size_bytes", [5, SINGLE_COPY_BYTES_MAX + 1], ids=["single", "multipart"])
async def test_an_object_that_changed_is_not_copied(world: World, size_bytes: int) -> None:
    await world.put("a", b"o" * size_bytes, tags={"v": "1"})
    seen = await world.store.head(world.bucket, "a")
    await world.put("a", b"n" * size_bytes, tags={"v": "2"})

    with pytest.raises(Conflict):
        await copy_in_place(world, seen, {"ours": "1"})

    assert await world.read("a") == b"n" * size_bytes
    assert await world.store.read_tags(world.bucket, "a") == {"v": "2"}


async def test_a_copy_in_place_does_not_restore_an_older_version(world: World) -> None:
    await world.version()
    await world.put("a", b"old")
    seen = await world.store.head(world.bucket, "a")
    await world.put("a", b"new")

    with pytest.raises(Conflict):
        await copy_in_place(world, seen, {"ours": "1"})

    assert await world.read("a") == b"new"


async def test_a_copy_in_place_creates_a_version(world: World) -> None:
    await world.version()
    await world.put("a", b"content")
    before = await world.store.head(world.bucket, "a")

    written = await copy_in_place(world, before, {"ours": "1"})

    after = await world.store.head(world.bucket, "a")
    assert written.version_id == after.version_id
    assert None not in (before.version_id, after.version_id)
    assert before.version_id != after.version_id


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
async def test_an_archived_object_is_not_copied(world: World, storage_class: str) -> None:
    await world.put("a", storage_class=storage_class, tags={"theirs": "1"})
    head = await world.store.head(world.bucket, "a")
    assert head.storage_class == storage_class
    assert not head.restored

    with pytest.raises(Archived):
        await copy_in_place(world, head, {"ours": "1"})

    assert await world.store.read_tags(world.bucket, "a") == {"theirs": "1"}


@pytest.mark.parametrize("size_bytes", [5, SINGLE_COPY_BYTES_MAX + 1], ids=["single", "multipart"])
async def test_a_restored_object_is_not_copied(world: World, size_bytes: int) -> None:
    """Its copy would be archived immediately, and the restore, paid by its owner, would be lost."""
    await world.put("a", b"c" * size_bytes, storage_class="GLACIER", restored=True)
    head = await world.store.head(world.bucket, "a")
    assert head.restored

    with pytest.raises(Archived):
        await copy_in_place(world, head, {"ours": "1"})

    assert await world.store.head(world.bucket, "a") == head
    assert await world.store.read_tags(world.bucket, "a") == {}


async def test_no_request_is_sent_for_an_object_seen_as_archived(world: World) -> None:
    await world.put("a", storage_class="GLACIER")
    seen = await world.store.head(world.bucket, "a")
    await world.delete("a")

    with pytest.raises(Archived):
        await copy_in_place(world, seen, {"ours": "1"})


async def test_an_object_archived_after_its_head_is_not_copied(world: World) -> None:
    await world.put("a", b"content")
    seen = await world.store.head(world.bucket, "a")
    await world.put("a", b"content", storage_class="GLACIER", tags={"theirs": "1"})

    with pytest.raises(Archived):
        await copy_in_place(world, seen, {"ours": "1"})

    assert await world.store.read_tags(world.bucket, "a") == {"theirs": "1"}


LOGGED_IN = EVERYBODY.replace("AllUsers", "AuthenticatedUsers")


@pytest.mark.parametrize("size_bytes", [5, SINGLE_COPY_BYTES_MAX + 1], ids=["single", "multipart"])
@pytest.mark.parametrize(
    "grants",
    [
        {},
        {("READ", EVERYBODY)},
        {("READ", EVERYBODY), ("WRITE", EVERYBODY)},
        {("FULL_CONTROL", "partner"), ("READ_ACP", "partner"), ("WRITE_ACP", LOGGED_IN)},
    ],
    ids=["private", "public", "public-read-write", "partners"],
)
async def test_a_copy_in_place_keeps_the_grants(
    world: World, size_bytes: int, grants: Iterable[tuple[str, str]]
) -> None:
    await world.allow_acls()
    await world.put("a", b"c" * size_bytes, grants=frozenset(grants))
    head = await world.store.head(world.bucket, "a")

    await copy_in_place(world, head, {"ours": "1"})

    assert await world.grants("a") == set(grants)
    assert await world.store.read_tags(world.bucket, "a") == {"ours": "1"}


@pytest.mark.parametrize(
    "grants",
    [
        {("WRITE", "partner")},
        {("WRITE", EVERYBODY)},
        {("READ", EVERYBODY), ("WRITE", LOGGED_IN)},
        {("READ", EVERYBODY), ("WRITE", EVERYBODY), ("READ_ACP", "partner")},
    ],
    ids=["partner", "write alone", "logged in", "one more"],
)
async def test_a_grant_that_a_copy_cannot_set_is_refused(
    world: World, grants: Iterable[tuple[str, str]]
) -> None:
    await world.allow_acls()
    await world.put("a", grants=frozenset(grants))
    head = await world.store.head(world.bucket, "a")

    await refused(world, head, "WriteGrant")

    assert await world.grants("a") == set(grants)


@pytest.mark.parametrize("size_bytes", [5, SINGLE_COPY_BYTES_MAX + 1], ids=["single", "multipart"])
async def test_with_a_default_retention_an_object_without_one_is_refused(
    world: World, size_bytes: int
) -> None:
    await world.version()
    await world.put("a", b"c" * size_bytes)
    await world.retain_by_default()
    head = await world.store.head(world.bucket, "a")
    assert head.lock is None

    await refused(world, head, "DefaultRetention")


@pytest.mark.parametrize("size_bytes", [5, SINGLE_COPY_BYTES_MAX + 1], ids=["single", "multipart"])
async def test_a_retention_of_its_own_is_kept_under_a_default(
    world: World, size_bytes: int
) -> None:
    lock = ObjectLock(mode="COMPLIANCE", retain_until=datetime(2037, 5, 17, tzinfo=UTC))
    await world.version()
    await world.retain_by_default()
    await world.put("a", b"c" * size_bytes, lock=lock)
    head = await world.store.head(world.bucket, "a")
    assert head.lock == lock

    await copy_in_place(world, head, {"ours": "1"})

    after = await world.store.head(world.bucket, "a")
    assert (after.lock, after.version_id != head.version_id) == (lock, True)


@pytest.mark.parametrize(
    ("key", "attributes", "code"),
    [
        ("a", {"system_metadata": {"ContentType": "a/b", "Expires": "tomorrow"}}, "Expires"),
        ("bell\x07", {}, "Key"),
    ],
    ids=["Expires", "key"],
)
async def test_attributes_that_a_multipart_copy_cannot_set_are_refused_there_only(
    world: World, key: str, attributes: dict[str, Any], code: str
) -> None:
    await world.put(key, b"c" * (SINGLE_COPY_BYTES_MAX + 1), **attributes)
    large = await world.store.head(world.bucket, key)
    for name, value in attributes.items():
        assert getattr(large, name) == value

    await refused(world, large, code)

    await world.put(key, b"c", **attributes)
    small = await world.store.head(world.bucket, key)
    await copy_in_place(world, small, {"ours": "1"})
    after = await world.store.head(world.bucket, key)
    assert kept(after) == kept(small)


async def refused(world: World, head: ObjectHead, code: str) -> None:
    """The in-place copy is refused with this code, and the object is unchanged."""
    with pytest.raises(Refused) as raised:
        await copy_in_place(world, head, {"ours": "1"})
    assert raised.value.vendor_code == code
    assert await world.store.head(world.bucket, head.key) == head
    assert await world.store.read_tags(world.bucket, head.key) == {}


async def _gone(world: World, *, versioned: bool) -> ObjectHead:
    if versioned:
        await world.version()
    await world.put("a", b"content")
    head = await world.store.head(world.bucket, "a")
    await world.delete("a")
    return head


@pytest.mark.parametrize("versioned", [False, True])
async def test_a_deleted_object_is_not_found(world: World, versioned: bool) -> None:
    head = await _gone(world, versioned=versioned)

    with pytest.raises(NotFound):
        await world.store.read_tags(world.bucket, "a")
    with pytest.raises(NotFound):
        await world.store.head(world.bucket, "a")
    with pytest.raises(NotFound):
        await copy_in_place(world, head, {"ours": "1"})


async def test_tags_of_a_deleted_object_are_not_written(world: World) -> None:
    head = await _gone(world, versioned=False)

    with pytest.raises(NotFound):
        await world.store.write_tags(world.bucket, head, {"ours": "1"})


async def test_a_deleted_large_object_is_not_found(world: World) -> None:
    await world.put("a", b"c" * (SINGLE_COPY_BYTES_MAX + 1))
    head = await world.store.head(world.bucket, "a")
    await world.delete("a")

    with pytest.raises(NotFound):
        await copy_in_place(world, head, {"ours": "1"})


async def test_a_bucket_that_does_not_exist_is_misconfigured(world: World) -> None:
    await world.put("a")
    head = await world.store.head(world.bucket, "a")
    absent = Bucket(name=f"{world.bucket.name}-absent")

    with pytest.raises(Misconfigured):
        async for _ in world.store.list_objects(absent, prefix="", start_after=None):
            pass
    with pytest.raises(Misconfigured):
        await world.store.read_tags(absent, "a")
    with pytest.raises(Misconfigured):
        await world.store.head(absent, "a")
    with pytest.raises(Misconfigured):
        await world.store.write_tags(absent, head, {})
    with pytest.raises(Misconfigured):
        await world.store.copy_in_place(absent, head, {})
    with pytest.raises(Misconfigured):
        await world.store.create_multipart_copy(absent, head, {})


async def test_later_changes_of_the_callers_tags_have_no_effect(world: World) -> None:
    await world.put("a")
    head = await world.store.head(world.bucket, "a")
    tags = {"ours": "1"}

    await copy_in_place(world, head, tags)
    tags["ours"] = "2"
    (await world.store.read_tags(world.bucket, "a"))["ours"] = "3"

    assert await world.store.read_tags(world.bucket, "a") == {"ours": "1"}


async def test_inspect_returns_whether_the_bucket_is_versioned(world: World) -> None:
    before = await world.store.inspect(world.bucket)
    await world.version()
    after = await world.store.inspect(world.bucket)
    assert (before.versioned, after.versioned) == (False, True)
    assert not after.requester_pays


async def test_settings(world: World) -> None:
    async def read() -> dict[str, str]:
        return {each.name: await world.store.setting(world.bucket, each) for each in Setting}

    before = await read()
    assert before.pop("ENCRYPTION") in ("AES256", "Off")
    assert before == {
        "REGION": "us-east-1",
        "VERSIONING": "Off",
        "OBJECT_LOCK": "Off",
        "NOTIFICATIONS": "none",
    }
    await world.version()
    await world.retain_by_default()
    await world.encrypt()
    await world.notify()
    assert await read() == {
        "REGION": "us-east-1",
        "VERSIONING": "Enabled",
        "OBJECT_LOCK": "Enabled with a default retention",
        "ENCRYPTION": f"aws:kms {KMS_KEY}",
        "NOTIFICATIONS": "EventBridge",
    }


async def test_the_region_of_a_bucket_elsewhere(world: World) -> None:
    there = await world.bucket_elsewhere()
    assert await world.store.setting(there, Setting.REGION) == "eu-central-1"


@pytest.mark.parametrize("setting", [each for each in Setting if each is not Setting.REGION])
async def test_a_setting_of_a_missing_bucket(world: World, setting: Setting) -> None:
    with pytest.raises(Misconfigured) as caught:
        await world.store.setting(Bucket(name="no-such-bucket-anywhere"), setting)
    assert caught.value.vendor_code == "NoSuchBucket"


async def test_inspect_of_a_missing_bucket(world: World) -> None:
    with pytest.raises(Misconfigured):
        await world.store.inspect(Bucket(name="no-such-bucket-anywhere"))


async def test_inspect_returns_a_region_other_than_the_stores_own(world: World) -> None:
    here = await world.store.inspect(world.bucket)
    there = await world.store.inspect(await world.bucket_elsewhere())
    assert (here.other_region, there.other_region) == (None, "eu-central-1")


THREE_PARTS = bytes(index % 251 for index in range(1024)) * (2 * 5 * 1024 + 1)


async def test_the_object_is_unchanged_until_its_copy_is_completed(world: World) -> None:
    await world.put("a", b"content", tags={"theirs": "1"})
    head = await world.store.head(world.bucket, "a")
    copy_id = await world.store.create_multipart_copy(world.bucket, head, {"ours": "1"})
    [part] = plan_parts(head.size_bytes, part_bytes=PART_BYTES)
    copied = await world.store.copy_part(world.bucket, head, copy_id, part)
    assert copied.number == 1

    assert await world.store.head(world.bucket, "a") == head
    assert await world.store.read_tags(world.bucket, "a") == {"theirs": "1"}
    await world.store.complete_multipart_copy(world.bucket, head, copy_id, [copied])
    assert await world.store.read_tags(world.bucket, "a") == {"ours": "1"}


async def test_parts_may_be_copied_in_any_order_and_twice(world: World) -> None:
    await world.put("a", THREE_PARTS)
    head = await world.store.head(world.bucket, "a")
    copy_id = await world.store.create_multipart_copy(world.bucket, head, {"ours": "1"})
    planned = list(plan_parts(head.size_bytes, part_bytes=PART_BYTES))
    assert len(planned) == 3

    copied = {}
    for part in (planned[2], planned[0], planned[2], planned[1]):
        copied[part.number] = await world.store.copy_part(world.bucket, head, copy_id, part)
    parts = [copied[number] for number in (1, 2, 3)]
    written = await world.store.complete_multipart_copy(world.bucket, head, copy_id, parts)

    after = await world.store.head(world.bucket, "a")
    assert await world.read("a") == THREE_PARTS
    assert after.size_bytes == head.size_bytes
    assert written.e_tag == after.e_tag
    assert written.e_tag.endswith("-3")


async def test_a_part_that_is_not_of_this_copy_is_a_conflict(world: World) -> None:
    await world.put("a", b"content")
    head = await world.store.head(world.bucket, "a")
    copy_id = await world.store.create_multipart_copy(world.bucket, head, {"ours": "1"})
    foreign = CopiedPart(number=1, e_tag=f'"{"0" * 32}"')

    with pytest.raises(Conflict):
        await world.store.complete_multipart_copy(world.bucket, head, copy_id, [foreign])

    assert await world.store.head(world.bucket, "a") == head


@pytest.mark.parametrize("end", ["finished", "abandoned"])
async def test_a_copy_that_has_ended_is_a_conflict(world: World, end: str) -> None:
    await world.put("a", b"content")
    head = await world.store.head(world.bucket, "a")
    copy_id = await world.store.create_multipart_copy(world.bucket, head, {"ours": "1"})
    [part] = plan_parts(head.size_bytes, part_bytes=PART_BYTES)
    copied = await world.store.copy_part(world.bucket, head, copy_id, part)
    if end == "finished":
        await world.store.complete_multipart_copy(world.bucket, head, copy_id, [copied])
    else:
        await world.store.abort_multipart_copy(world.bucket, "a", copy_id)
    now = await world.store.head(world.bucket, "a")

    with pytest.raises(Conflict):
        await world.store.copy_part(world.bucket, now, copy_id, part)
    with pytest.raises(Conflict):
        await world.store.complete_multipart_copy(world.bucket, now, copy_id, [copied])
    await world.store.abort_multipart_copy(world.bucket, "a", copy_id)

    assert await world.store.head(world.bucket, "a") == now


async def test_a_replaced_object_is_not_overwritten_by_completing_a_copy(world: World) -> None:
    await world.put("a", b"content", tags={"v": "1"})
    head = await world.store.head(world.bucket, "a")
    copy_id = await world.store.create_multipart_copy(world.bucket, head, {"ours": "1"})
    [part] = plan_parts(head.size_bytes, part_bytes=PART_BYTES)
    copied = await world.store.copy_part(world.bucket, head, copy_id, part)
    await world.put("a", b"replaced", tags={"v": "2"})

    with pytest.raises(Conflict):
        await world.store.complete_multipart_copy(world.bucket, head, copy_id, [copied])

    assert await world.read("a") == b"replaced"
    assert await world.store.read_tags(world.bucket, "a") == {"v": "2"}


async def test_a_copy_of_a_deleted_object_is_not_completed(world: World) -> None:
    await world.put("a", b"content")
    head = await world.store.head(world.bucket, "a")
    copy_id = await world.store.create_multipart_copy(world.bucket, head, {"ours": "1"})
    [part] = plan_parts(head.size_bytes, part_bytes=PART_BYTES)
    copied = await world.store.copy_part(world.bucket, head, copy_id, part)
    await world.delete("a")

    with pytest.raises(NotFound):
        await world.store.copy_part(world.bucket, head, copy_id, part)
    with pytest.raises(NotFound):
        await world.store.complete_multipart_copy(world.bucket, head, copy_id, [copied])
    with pytest.raises(NotFound):
        await world.store.head(world.bucket, "a")


async def test_the_head_has_the_number_of_tags_if_there_are_any(world: World) -> None:
    await world.put("a", tags={"theirs": "1", "more": "2"})
    await world.put("b")
    store, bucket = world.store, world.bucket
    assert (await store.head(bucket, "a")).tag_count == 2
    head = await store.head(bucket, "b")
    assert head.tag_count is None
    await store.write_tags(bucket, head, {"one": "1"})
    assert (await store.head(bucket, "b")).tag_count == 1


async def test_access_shows_a_change_of_the_acl(world: World) -> None:
    await world.allow_acls()
    await world.put("a", grants=frozenset({("READ", EVERYBODY)}))
    head = await world.store.head(world.bucket, "a")
    public = await world.store.access(world.bucket, head)
    assert await world.store.access(world.bucket, head) == public

    await world.put("a")

    assert await world.store.access(world.bucket, head) != public


async def test_without_acls_and_locks_access_is_the_same_for_all(world: World) -> None:
    await world.put("a")
    await world.put("b", b"other")

    access = [
        await world.store.access(world.bucket, await world.store.head(world.bucket, key))
        for key in ("a", "b")
    ]

    assert access[0] == access[1]
