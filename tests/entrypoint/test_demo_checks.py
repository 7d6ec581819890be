"""The checks of the demo: each passes for a correct run, and fails for its own error."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.outcome import OutcomeKind
from entrypoints.cli.demo.bucket import BucketContents, CatalogRecord, StoredObject
from entrypoints.cli.demo.checks import (
    CheckResult,
    ReceivedEvents,
    Snapshot,
    SyncRun,
    check_first,
    check_second,
    not_taken,
    summary,
)
from entrypoints.cli.demo.media_files import demo_objects
from entrypoints.cli.demo.object_kinds import (
    EXPECTED_ENDS,
    TAKEN,
    TRIGGERED,
    ObjectKind,
    kind_of_file,
    kinds_of,
)
from entrypoints.wiring.asset_systems import AssetSystem

Json = dict[str, Any]

BUCKET = "demo"
OWNER = {"project": "x"}
MEDIA = [kind for kind in ObjectKind if kind is not ObjectKind.LEFT_OUT]


def _ids(key: str) -> dict[str, str]:
    return {"AssetID": f"asset:{key}", "InventoryID": f"inventory:{key}"}


def _stored(kind: ObjectKind, *, synced: bool) -> StoredObject:
    key = kind.name
    tags = dict(OWNER)
    if synced and kind is ObjectKind.REPLACED:
        tags = {}
    if kind is ObjectKind.KNOWN or (synced and kind in TAKEN):
        tags |= _ids(key)
    # A copy has another modification time.
    second = 1 if synced and kind in TRIGGERED else 0
    return StoredObject(
        e_tag=f'"{key}"', last_modified=datetime(2026, 11, 1, 0, 0, second, tzinfo=UTC), tags=tags
    )


def _run(*, second: bool) -> SyncRun:
    outcomes = {}
    for kind, ends in EXPECTED_ENDS.items():
        outcome, reason = ends.second if second else ends.first
        outcomes[kind.name] = {"objectKey": kind.name, "outcome": outcome, "reason": reason}
    statistics = {"objectsListed": len(MEDIA), "objectsNotMedia": 1}
    job = {"jobId": "job", "status": "COMPLETED", "statistics": statistics}
    return SyncRun(job=job, outcomes=outcomes, calls=Counter({("s3", "HeadObject", BUCKET): 3}))


@dataclass
class World:
    """One object of each kind, and two successful syncs."""

    filled: BucketContents = field(
        default_factory=lambda: BucketContents(
            kinds={kind.name: kind for kind in ObjectKind},
            owner_tags={kind.name: OWNER for kind in ObjectKind},
        )
    )
    first: SyncRun = field(default_factory=lambda: _run(second=False))
    second: SyncRun = field(default_factory=lambda: _run(second=True))
    heard: ReceivedEvents = field(
        default_factory=lambda: ReceivedEvents(
            notifications=len(TRIGGERED), bus_events=len(TRIGGERED)
        )
    )
    before: Mapping[str, StoredObject] = field(
        default_factory=lambda: {kind.name: _stored(kind, synced=False) for kind in ObjectKind}
    )
    after: Snapshot = field(
        default_factory=lambda: Snapshot(
            stored={kind.name: _stored(kind, synced=True) for kind in ObjectKind},
            records=[
                CatalogRecord(
                    inventory_id=_ids(kind.name)["InventoryID"],
                    asset_id=_ids(kind.name)["AssetID"],
                    storage_path=f"{BUCKET}:{kind.name}",
                )
                for kind in ObjectKind
                if kind in TAKEN
            ],
        )
    )
    last: Snapshot | None = None

    def checks(self) -> tuple[list[CheckResult], list[CheckResult]]:
        last = self.after if self.last is None else self.last
        first = check_first(BUCKET, self.filled, self.first, self.heard, self.before, self.after)
        return first, check_second(BUCKET, self.filled, self.second, self.after, last)

    def failed(self) -> set[str]:
        return {check.name for checks in self.checks() for check in checks if not check.passed}

    def change(self, kind: ObjectKind, **values: Any) -> None:
        """Change an object's state after the first sync."""
        changed = replace(self.after.stored[kind.name], **values)
        self.after = replace(self.after, stored={**self.after.stored, kind.name: changed})

    def end(self, run: SyncRun, kind: ObjectKind, **values: Any) -> SyncRun:
        outcome = {**run.outcomes[kind.name], **values}
        return replace(run, outcomes={**run.outcomes, kind.name: outcome})


def test_a_correct_run_passes_every_check() -> None:
    first, second = World().checks()
    assert (len(first), len(second)) == (10, 5)
    assert World().failed() == set()


def _status(run: SyncRun) -> SyncRun:
    return replace(run, job={**run.job, "status": "COMPLETED_WITH_ERRORS"})


def _fewer_listed(world: World) -> None:
    statistics = {"objectsListed": len(MEDIA) - 1, "objectsNotMedia": 2}
    world.first = replace(world.first, job={**world.first.job, "statistics": statistics})


def _first_failed(world: World) -> None:
    world.first = _status(world.first)


def _second_failed(world: World) -> None:
    world.second = _status(world.second)


def _ended_otherwise(world: World) -> None:
    world.first = world.end(world.first, ObjectKind.TAGS_LOST, outcome="PUT", reason="NO_IDS")


def _ended_for_another_reason(world: World) -> None:
    world.first = world.end(world.first, ObjectKind.REPLACED, reason="NO_IDS")


def _never_ended(world: World) -> None:
    outcomes = {k: o for k, o in world.first.outcomes.items() if k != ObjectKind.NEW.name}
    world.first = replace(world.first, outcomes=outcomes)


def _not_left_out(world: World) -> None:
    outcomes = {**world.first.outcomes, ObjectKind.LEFT_OUT.name: world.first.outcomes["NEW"]}
    world.first = replace(world.first, outcomes=outcomes)


def _triggered_again(world: World) -> None:
    world.second = world.end(
        world.second, ObjectKind.NOT_TAKEN, outcome="PUT", reason="IDS_UNKNOWN"
    )


def _notification_lost(world: World) -> None:
    world.heard = replace(world.heard, notifications=world.heard.notifications - 1)


def _event_lost(world: World) -> None:
    world.heard = replace(world.heard, bus_events=world.heard.bus_events - 1)


def _two_records(world: World) -> None:
    double = replace(world.after.records[0], inventory_id="another")
    world.after = replace(world.after, records=[double, *world.after.records])


def _no_record(world: World) -> None:
    world.after = replace(world.after, records=world.after.records[1:])


def _ids_of_no_record(world: World) -> None:
    world.change(ObjectKind.NEW, tags={**OWNER, **_ids("other")})


def _owner_tag_lost(world: World) -> None:
    world.change(ObjectKind.NEW, tags=_ids(ObjectKind.NEW.name))


def _touched(world: World) -> None:
    world.change(ObjectKind.NOT_MEDIA, last_modified=datetime(2026, 11, 2, tzinfo=UTC))


def _other_content(world: World) -> None:
    world.change(ObjectKind.NEW, e_tag='"other"')


def _written(world: World) -> None:
    calls = world.second.calls + Counter({("s3", "PutObjectTagging", BUCKET): 1})
    world.second = replace(world.second, calls=calls)


def _announced(world: World) -> None:
    calls = world.second.calls + Counter({("events", "PutEvents", ""): 1})
    world.second = replace(world.second, calls=calls)


def _changed_later(world: World) -> None:
    world.last = replace(world.after, records=world.after.records[1:])


EXPECTED = "first sync: expected outcome for every object"
ONE_RECORD = "the system has exactly one record for each ingested object"
ITS_IDS = "ingested objects have the AssetID and InventoryID of their records"


@pytest.mark.parametrize(
    ("inject", "failed"),
    [
        (_first_failed, {"first job completed"}),
        (
            _fewer_listed,
            {"all objects listed; sidecars, documents and archives excluded"},
        ),
        (_ended_otherwise, {EXPECTED}),
        (_ended_for_another_reason, {EXPECTED}),
        (_never_ended, {EXPECTED}),
        (_not_left_out, {EXPECTED}),
        (_notification_lost, {"the system received an S3 event for each trigger"}),
        (_event_lost, {"an event was published on the ingest bus for each trigger"}),
        (_two_records, {ONE_RECORD}),
        (_no_record, {ONE_RECORD, ITS_IDS}),
        (_ids_of_no_record, {ITS_IDS}),
        (_owner_tag_lost, {"all tags of owners are kept"}),
        (_touched, {"objects that needed nothing are unchanged"}),
        (_other_content, {"no content changed"}),
        (_second_failed, {"second job completed"}),
        (_triggered_again, {EXPECTED.replace("first", "second")}),
        (_written, {"nothing written to the bucket"}),
        (_announced, {"no events published"}),
        (_changed_later, {"bucket and catalog are unchanged"}),
    ],
)
def test_each_error_fails_its_check(inject: Callable[[World], None], failed: set[str]) -> None:
    world = World()
    inject(world)
    assert world.failed() == failed


def test_a_failed_check_names_the_objects() -> None:
    world = World()
    _owner_tag_lost(world)
    first, _ = world.checks()
    (check,) = (check for check in first if not check.passed)
    # The system removes the tags of the replaced object, and the check reports it.
    assert check.detail == (
        f"{len(ObjectKind) - 2} of {len(ObjectKind) - 1}; not 'NEW';"
        " the system removed those of 1 replaced"
    )


def test_the_summary_shows_every_outcome_of_a_kind() -> None:
    world = World()
    world.filled.kinds["more"] = world.filled.kinds["other"] = ObjectKind.NEW
    ended = {"outcome": "FAILED", "reason": "Conflict"}
    outcomes = {**world.first.outcomes, "more": ended, "other": ended}
    runs = (replace(world.first, outcomes=outcomes), world.second)
    shown = {kind: (count, ends) for kind, count, ends in summary(world.filled, runs)}
    assert shown[ObjectKind.NEW] == (
        3,
        ["2 FAILED (Conflict), 1 PUT (NO_IDS)", "2 left out when listed, 1 SKIPPED (ASSET_KNOWN)"],
    )
    assert shown[ObjectKind.LEFT_OUT] == (1, ["left out when listed"] * 2)
    assert shown[ObjectKind.NOT_TAKEN] == (1, ["NOT_TAKEN"] * 2)


def test_objects_that_were_not_taken_are_found_in_the_outcomes() -> None:
    (found,) = not_taken(World().second)
    assert (found["objectKey"], found["outcome"]) == ("NOT_TAKEN", OutcomeKind.NOT_TAKEN)


@pytest.mark.parametrize("system", AssetSystem)
def test_a_round_of_objects_has_every_kind_and_no_equal_media(system: AssetSystem) -> None:
    kinds = kinds_of(system)
    made = list(demo_objects(20 * len(kinds), kinds))
    assert len({each.key for each in made}) == len(made)
    assert Counter(each.kind for each in made) == Counter({k: 20 * n for k, n in _counted(kinds)})
    before: bytes | None = None
    seen: set[bytes] = set()
    for each in made:
        if each.kind is ObjectKind.DUPLICATE:
            assert each.content == before
        elif each.kind not in (ObjectKind.LEFT_OUT, ObjectKind.OTHER_TYPE):
            assert each.content not in seen
        seen.add(each.content)
        before = each.content


def _counted(kinds: Any) -> Any:
    return Counter(kinds).items()


def test_a_media_lakes_round_has_all_kinds_except_those_of_the_other_system() -> None:
    assert set(kinds_of(AssetSystem.MEDIALAKE)) == set(ObjectKind) - {ObjectKind.OTHER_TYPE}


@pytest.mark.parametrize(
    ("key", "content_type", "kind"),
    [
        ("a.jpg", "image/jpeg", ObjectKind.NEW),
        ("a.jpg", "application/octet-stream", ObjectKind.NEW),
        ("a.vob", "video/mpeg", ObjectKind.BY_CONTENT_TYPE),
        ("a.vob", "application/octet-stream", ObjectKind.NOT_MEDIA),
        ("no extension", "application/octet-stream", ObjectKind.NOT_MEDIA),
        ("a.pdf", "application/pdf", ObjectKind.LEFT_OUT),
    ],
)
def test_a_users_file_has_the_kind_of_its_name_and_type(
    key: str, content_type: str, kind: ObjectKind
) -> None:
    assert kind_of_file(AssetSystem.MEDIALAKE, key, content_type) is kind
    assert kind_of_file(AssetSystem.EVERYTHING, key, content_type) is ObjectKind.NEW
