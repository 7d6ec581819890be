"""Whatever the history: after two syncs an object is known, or a documented exception.

The system is that of the local runtime, which behaves as Media Lake's published ingest does. Owners
upload, replace, copy and retag; the system processes messages late or never; syncs run in between.
Then two more syncs must reach a stable state.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from catalog_records import catalog_record
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from medialake_records import react_within, records_after

from adapters.local_aws.asset_system.medialake.values import (
    IngestObject,
    IngestOutcome,
    IngestSettings,
    NewIds,
    Record,
)
from domain.catalog import CatalogAnswer, CatalogQuestion, CatalogRecord, storage_path
from domain.connector import IdSource
from domain.customer_object import ObjectHead
from domain.decision import Minting, Reason, Verdict, decide, resume
from domain.file_types import Taken
from domain.identity import Identity, identity_of, mint_inventory_id
from domain.manifest import ManifestEntry
from domain.outcome import Outcome
from domain.profile import GENERIC, MEDIALAKE, Profile
from domain.tagging import tags_after
from domain.trigger_mark import (
    History,
    Patience,
    history_of,
    is_marked_elsewhere,
    mark_of,
    mark_value,
)
from domain.verification import known_as_listed

SOAK = int(os.environ.get("ASSET_SYNC_SOAK", "1"))
BUCKET = "b"
OWNED = {"project": "x"}
GRACE = timedelta(hours=24)
LOCK = timedelta(minutes=5)
PEACE = {Reason.ASSET_KNOWN, Reason.NOT_MEDIA}


@dataclass
class StoredObject:
    """The object under one key."""

    content: str
    e_tag: str
    modified: datetime
    content_type: str
    tags: dict[str, str]


@dataclass
class World:
    """A bucket, a system with its queue, and time."""

    ids: IdSource
    duplicates_taken: bool
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    objects: dict[str, StoredObject] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    locks: dict[str, datetime] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    uuids: count = field(default_factory=count)  # type: ignore[type-arg]
    triggers: dict[tuple[str, str], int] = field(default_factory=dict)  # by key and content

    def upload(self, key: str, content: str, tags: dict[str, str], content_type: str) -> None:
        self.now += timedelta(seconds=7)
        e_tag = hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()
        self.objects[key] = StoredObject(content, e_tag, self.now, content_type, dict(tags))
        self.queue.append(key)
        self.forget_triggers(key)

    def forget_triggers(self, key: str) -> None:
        """Count from zero: the object is new, or its owner removed all tags."""
        self.triggers = {each: n for each, n in self.triggers.items() if each[0] != key}

    def ingest(self) -> IngestOutcome | None:
        """Process one message; return None if the lock drops it."""
        key = self.queue.pop(0)
        stored = self.objects[key]
        if self.locks.get(key, self.now) > self.now:
            return None
        reaction = react_within(
            self.records,
            IngestObject(
                bucket=BUCKET,
                key=key,
                size=len(stored.content),
                etag=stored.e_tag,
                md5=hashlib.md5(stored.content.encode(), usedforsecurity=False).hexdigest(),
                last_modified=stored.modified,
                content_type=stored.content_type,
                tags=stored.tags,
            ),
            settings=IngestSettings(do_not_ingest_duplicates=not self.duplicates_taken),
            new_ids=NewIds(
                inventory_uuid=f"i{next(self.uuids)}", asset_uuid=f"a{next(self.uuids)}"
            ),
            now=self.now,
        )
        self.records = records_after(self.records, reaction)
        if reaction.tags is not None:
            stored.tags = dict(reaction.tags)
        if reaction.keeps_lock:
            self.locks[key] = self.now + LOCK
        return reaction.outcome

    def look_up(self, question: CatalogQuestion) -> CatalogAnswer:
        """Return what the catalog port returns."""
        tagged = self.records.get(question.identity.inventory_id or "")
        if tagged is not None and tagged.asset_id == question.identity.asset_id:
            return CatalogAnswer(asset_known=True, record=catalog_record(tagged))
        others: tuple[CatalogRecord, ...] = ()
        if tagged is None or tagged.storage_path != question.storage_path:
            minted = mint_inventory_id(BUCKET, question.key)
            others = tuple(
                catalog_record(each)
                for each in self.records.values()
                if each is not tagged
                and (each.storage_path == question.storage_path or each.inventory_id == minted)
            )
        return CatalogAnswer(record=tagged and catalog_record(tagged), others=others)

    def known_by_catalog(self, key: str) -> Outcome | None:
        """Return the outcome without reading tags, as a job with `verify: catalog` finds it."""
        stored, path = self.objects[key], storage_path(BUCKET, key)
        minted = self.records.get(mint_inventory_id(BUCKET, key))
        found = [each for each in self.records.values() if each.storage_path == path]
        if minted is not None and minted.storage_path in (None, path):
            found = [minted]
        entry = ManifestEntry(
            key=key,
            size_bytes=len(stored.content),
            last_modified=stored.modified,
            e_tag=stored.e_tag,
        )
        return known_as_listed(entry, path, [catalog_record(each) for each in found])

    def known_by_snapshot(
        self, key: str, snapshot: Mapping[str, Record], *, trusted: bool
    ) -> Outcome | None:
        """Return the same of a job with a snapshot: what that does not settle is asked for."""
        now = self.records
        known = None
        if trusted:
            self.records = {name: each for name, each in snapshot.items() if each.storage_path}
            known = self.known_by_catalog(key)
            self.records = now
        return known or self.known_by_catalog(key)

    def sync(self, job_id: str, profile: Profile = MEDIALAKE) -> dict[str, Verdict]:
        """One job over all objects; returns the verdicts."""
        self.now += timedelta(seconds=7)
        return {key: self.sync_one(job_id, key, profile) for key in sorted(self.objects)}

    def sync_one(self, job_id: str, key: str, profile: Profile) -> Verdict:
        stored = self.objects[key]
        mark = mark_of(stored.tags, bucket_name=BUCKET, key=key)
        question = CatalogQuestion(
            bucket_name=BUCKET,
            key=key,
            identity=identity_of(stored.tags),
            copied=is_marked_elsewhere(stored.tags, bucket_name=BUCKET, key=key),
        )
        head = ObjectHead(
            key=key,
            size_bytes=len(stored.content),
            e_tag=stored.e_tag,
            last_modified=stored.modified,
            system_metadata={"ContentType": stored.content_type},
        )
        if mark is not None and mark.job_id == job_id:
            return resume(question, mark.action)
        history = history_of(mark, head, Patience(grace=GRACE, trigger_count_max=3), self.now)
        verdict = decide(
            question,
            self.look_up(question),
            head,
            history=history,
            taken=profile.takes(key, stored.content_type, None) is Taken.YES,
            minting=Minting(profile=profile, ids=self.ids),
        )
        if verdict.reason is Reason.TAGS_RESTORED:
            stored.tags = tags_after(stored.tags, verdict.identity)
        elif verdict.triggers:
            before = mark.attempts if mark and history is History.DUE else 0
            value = mark_value(
                job_id=job_id,
                action=verdict.decision,
                attempts=before + 1,
                triggered_at=self.now,
                e_tag=stored.e_tag,
                bucket_name=BUCKET,
                key=key,
            )
            owned = {name for name in stored.tags if name not in ("AssetID", "InventoryID")}
            stored.tags = tags_after(stored.tags, verdict.identity, value)
            assert owned <= stored.tags.keys(), "an owner's tag is lost by the service"
            stored.modified = self.now
            self.queue.append(key)
            counted = (key, stored.content)
            self.triggers[counted] = self.triggers.get(counted, 0) + 1
        return verdict

    def shared_ids(self) -> bool:
        """Return whether two objects have an InventoryID that no record has.

        An owner copied one with its tags, and the system lost the record. Whichever of the two is
        ingested first, the other deletes its record: an exception that docs/medialake.md names.
        """
        tagged = [each.tags.get("InventoryID") for each in self.objects.values()]
        unknown = [each for each in tagged if each and each not in self.records]
        return len(unknown) != len(set(unknown))

    def records_at(self, key: str) -> int:
        path = storage_path(BUCKET, key)
        return sum(each.storage_path == path for each in self.records.values())


KEYS = st.sampled_from(["a.mov", "a.mov", "a.mov", "b.wav", "b.wav", "c.heic", "d"])
CONTENTS = st.sampled_from(["one", "two"])
STEPS = st.one_of(
    st.tuples(st.just("upload"), KEYS, CONTENTS, st.sampled_from(["", "video/mp4"])),
    st.tuples(
        st.just("copy with tags"),
        KEYS,
        KEYS,
        st.one_of(st.none(), CONTENTS),
        st.sampled_from(["", "AssetID", "InventoryID"]),
    ),
    st.tuples(st.just("lose tags"), KEYS, st.sampled_from(["AssetID", "InventoryID", "all"])),
    st.tuples(st.just("lose a record"), KEYS),
    st.tuples(st.just("ingest")),
    st.tuples(st.just("lose a message")),
    st.tuples(st.just("sync")),
    st.tuples(st.just("wait"), st.sampled_from([1, 10, 30])),
)

# The count of triggers is in the mark, so it starts again when an owner removes all tags.
OWNER_REMOVES_THE_MARK = [
    ("upload", "a.mov", "one", ""),
    *[("sync",), ("wait", 30)] * 3,
    ("lose tags", "a.mov", "all"),
]


def act(world: World, number: int, step: tuple) -> None:  # type: ignore[type-arg]
    kind, *rest = step
    world.now += timedelta(seconds=7)
    if kind == "upload":
        key, content, content_type = rest
        world.upload(key, content, OWNED, content_type)
    elif kind == "copy with tags" and rest[0] in world.objects:
        source, target, content, dropped = rest
        stored = world.objects[source]
        tags = {name: value for name, value in stored.tags.items() if name != dropped}
        world.upload(target, content or stored.content, tags, stored.content_type)
    elif kind == "lose tags" and rest[0] in world.objects:
        tags = world.objects[rest[0]].tags
        for name in list(tags) if rest[1] == "all" else [rest[1]]:
            tags.pop(name, None)
        if not tags:
            world.forget_triggers(rest[0])
    elif kind == "lose a record":
        for name in [n for n, r in world.records.items() if r.object_key == rest[0]]:
            del world.records[name]
    elif kind == "ingest" and world.queue:
        world.ingest()
    elif kind == "lose a message" and world.queue:
        world.queue.pop(0)
    elif kind == "sync":
        world.sync(f"job-{number}")
    elif kind == "wait":
        world.now += timedelta(hours=rest[0])


def drain(world: World) -> set[tuple[str, IngestOutcome | None]]:
    return {(world.queue[0], world.ingest()) for _ in range(len(world.queue))}


@pytest.mark.soak
@pytest.mark.parametrize("ids", IdSource)
@pytest.mark.parametrize("duplicates_taken", [False, True])
@settings(max_examples=250 * SOAK, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=12), waiting=st.sampled_from(["taken", "lost", "late"]))
@example(steps=OWNER_REMOVES_THE_MARK, waiting="late")
def test_two_syncs_reach_a_stable_state(
    ids: IdSource,
    duplicates_taken: bool,
    steps: list,  # type: ignore[type-arg]
    waiting: str,
) -> None:
    world = World(ids=ids, duplicates_taken=duplicates_taken)
    for number, step in enumerate(steps):
        act(world, number, step)
    if waiting == "taken":
        drain(world)
    elif waiting == "lost":
        world.queue.clear()
    world.now += 2 * GRACE
    for number in (1, 2):
        assume(not world.shared_ids())
        before = {key: world.records_at(key) for key in world.objects}
        verdicts = world.sync(f"job-last-{number}")
        world.now += timedelta(seconds=7)
        # It deletes an asset and creates none if both tags lead to a record of other content.
        lost = {key for key, outcome in drain(world) if outcome is IngestOutcome.DELETED_ONLY}
        ours = {key for key, verdict in verdicts.items() if verdict.triggers}
        assert not lost & ours, "an asset is lost by the service"
        for key, verdict in verdicts.items():
            if verdict.triggers and before[key]:
                assert world.records_at(key) <= before[key], "a second record by the service"
        world.now += 2 * GRACE
    for key, verdict in world.sync("job-final").items():
        triggered = world.triggers.get((key, world.objects[key].content), 0)
        assert triggered <= 3
        if triggered == 3 and verdict.reason is Reason.NOT_TAKEN:
            continue  # all its messages were lost
        assert verdict.reason in PEACE, (key, verdict)
    assert not world.queue


# What may happen while no one but the system and this service touches tags.
UNTOUCHED = STEPS.filter(lambda step: step[0] not in ("lose tags", "copy with tags"))


@pytest.mark.soak
@pytest.mark.parametrize("ids", IdSource)
@pytest.mark.parametrize("duplicates_taken", [False, True])
@settings(max_examples=250 * SOAK, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(UNTOUCHED, max_size=16))
def test_what_the_catalog_has_as_listed_needs_no_trigger(
    ids: IdSource,
    duplicates_taken: bool,
    steps: list,  # type: ignore[type-arg]
) -> None:
    world = World(ids=ids, duplicates_taken=duplicates_taken)
    for number, step in enumerate(steps):
        act(world, number, step)
    trusted = {key: world.known_by_catalog(key) for key in world.objects}
    for key, verdict in world.sync("job-tags").items():
        known = trusted[key]
        if known is not None:
            identity = Identity(asset_id=known.asset_id, inventory_id=known.inventory_id)
            assert (verdict.decision, verdict.identity) == (known.decision, identity)


@pytest.mark.soak
@pytest.mark.parametrize("ids", IdSource)
@pytest.mark.parametrize("duplicates_taken", [False, True])
@settings(max_examples=250 * SOAK, suppress_health_check=list(HealthCheck))
@given(
    before=st.lists(UNTOUCHED, max_size=12),
    since=st.lists(UNTOUCHED, max_size=6),
    trusted=st.booleans(),
)
def test_a_snapshot_differs_only_where_a_record_changed_since(
    ids: IdSource,
    duplicates_taken: bool,
    before: list,  # type: ignore[type-arg]
    since: list,  # type: ignore[type-arg]
    trusted: bool,
) -> None:
    """What happens after the scan, before the object is looked up, is `since`."""
    world = World(ids=ids, duplicates_taken=duplicates_taken)
    for number, step in enumerate(before):
        act(world, number, step)
    snapshot = dict(world.records)
    for number, step in enumerate(since, start=len(before)):
        act(world, number, step)
    found = {key: world.known_by_snapshot(key, snapshot, trusted=trusted) for key in world.objects}
    asked = {key: world.known_by_catalog(key) for key in world.objects}

    def at_path(records: Mapping[str, Record], key: str) -> dict[str, Record]:
        path = storage_path(BUCKET, key)
        return {name: each for name, each in records.items() if each.storage_path == path}

    for key, known in found.items():
        if not trusted or at_path(snapshot, key) == at_path(world.records, key):
            assert known == asked[key]
        assert known is not None or asked[key] is None
    for key, verdict in world.sync("job-tags").items():
        known = found[key]
        gone = at_path(snapshot, key).keys() - world.records.keys()
        if known is not None and not gone:
            identity = Identity(asset_id=known.asset_id, inventory_id=known.inventory_id)
            assert (verdict.decision, verdict.identity) == (known.decision, identity)


def test_a_system_that_ingests_nothing_gets_three_triggers() -> None:
    world = World(ids=IdSource.MINTED, duplicates_taken=False)
    world.upload("a.mov", "one", OWNED, "")
    reasons = []
    for number in range(12):
        world.queue.clear()
        verdict = world.sync(f"job-{number}")["a.mov"]
        reasons.append(verdict.reason.value)
        world.now += timedelta(hours=13)
    assert reasons == [
        "NO_IDS",
        "INGESTING",
        "IDS_UNKNOWN",
        "INGESTING",
        "IDS_UNKNOWN",
        "INGESTING",
        *["NOT_TAKEN"] * 6,
    ]
    assert world.triggers == {("a.mov", "one"): 3}


def test_a_plain_catalog_converges_by_tags_alone() -> None:
    """A system that records tagged objects, in a table with ids only."""
    world = World(ids=IdSource.MINTED, duplicates_taken=False)
    world.upload("notes.txt", "one", OWNED, "text/plain")
    assert world.sync("job-1", GENERIC)["notes.txt"].reason is Reason.NO_IDS
    tags = world.objects["notes.txt"].tags
    world.records[tags["InventoryID"]] = Record(
        inventory_id=tags["InventoryID"], asset_id=tags["AssetID"]
    )
    assert world.sync("job-2", GENERIC)["notes.txt"].reason is Reason.ASSET_KNOWN
    # A record under the minted id is found although the tags are lost.
    world.objects["notes.txt"].tags = {}
    verdict = world.sync("job-3", GENERIC)["notes.txt"]
    assert (verdict.reason, verdict.identity) == (Reason.NO_IDS, identity_of(tags))
    assert world.sync("job-4", GENERIC)["notes.txt"].reason is Reason.ASSET_KNOWN
