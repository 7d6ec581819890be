"""The checks of the demo: what must be true after each of two syncs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.catalog import storage_path
from domain.identity import ASSET_ID_TAG, INVENTORY_ID_TAG
from domain.job import JobStatus
from domain.outcome import OutcomeKind
from domain.views import Json
from entrypoints.cli.demo.bucket import BucketContents, CatalogRecord, StoredObject
from entrypoints.cli.demo.object_kinds import EXPECTED_ENDS, TAKEN, TRIGGERED, ObjectKind
from entrypoints.cli.local.request_counter import Call, writes_to

_SHOWN_COUNT_MAX = 3


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One sync: the ended job, the outcomes of its objects by key, and its requests."""

    job: Json
    outcomes: Mapping[str, Json]
    calls: Counter[Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvents:
    """Events that the asset system has received so far: from S3, and from the ingest bus."""

    notifications: int
    bus_events: int

    def __sub__(self, other: ReceivedEvents) -> ReceivedEvents:
        return ReceivedEvents(
            notifications=self.notifications - other.notifications,
            bus_events=self.bus_events - other.bus_events,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of the bucket and the catalog."""

    stored: Mapping[str, StoredObject]
    records: Sequence[CatalogRecord]


def check_first(
    bucket_name: str,
    contents: BucketContents,
    run: SyncRun,
    received: ReceivedEvents,
    before: Mapping[str, StoredObject],
    after: Snapshot,
) -> list[CheckResult]:
    """Check the first sync, after the asset system has handled its events."""
    statistics = run.job["statistics"]
    left_out = len(contents.keys([ObjectKind.LEFT_OUT]))
    listed = len(contents.kinds) - left_out
    triggered = len(contents.keys(TRIGGERED))
    checks: list[CheckResult | None] = [
        CheckResult(
            "first job completed", run.job["status"] == JobStatus.COMPLETED, run.job["status"]
        ),
        CheckResult(
            "all objects listed; sidecars, documents and archives excluded"
            if left_out
            else "all objects listed",
            (statistics["objectsListed"], statistics["objectsNotMedia"]) == (listed, left_out),
            f"{statistics['objectsListed']:,}"
            + (f" and {statistics['objectsNotMedia']:,}" if left_out else ""),
        ),
        _ended(contents, run, second=False),
        CheckResult(
            "the system received an S3 event for each trigger",
            received.notifications == triggered,
            f"{received.notifications:,} events for {triggered:,}",
        ),
        CheckResult(
            "an event was published on the ingest bus for each trigger",
            received.bus_events == triggered,
            f"{received.bus_events:,} events for {triggered:,}",
        ),
        *_check_records(bucket_name, contents, after),
        _check_owner_tags(contents, after.stored),
        _of(
            "objects that needed nothing are unchanged",
            contents.keys(set(ObjectKind) - TRIGGERED - {ObjectKind.TAGS_LOST}),
            lambda key: after.stored.get(key) == before[key],
        ),
        _of(
            "no content changed",
            contents.kinds,
            lambda key: key in after.stored and after.stored[key].e_tag == before[key].e_tag,
        ),
    ]
    return [check for check in checks if check is not None]


def check_second(
    bucket_name: str, contents: BucketContents, run: SyncRun, first: Snapshot, second: Snapshot
) -> list[CheckResult]:
    """Check that the second sync changed nothing."""
    writes = writes_to(run.calls, bucket_name)
    events = run.calls["events", "PutEvents", ""]
    checks = [
        CheckResult(
            "second job completed", run.job["status"] == JobStatus.COMPLETED, run.job["status"]
        ),
        _ended(contents, run, second=True),
        CheckResult("nothing written to the bucket", writes == 0, f"{writes:,} writes"),
        CheckResult("no events published", events == 0, f"{events:,} requests to the ingest bus"),
        CheckResult(
            "bucket and catalog are unchanged",
            first == second,
            f"{len(second.stored):,} objects, {len(second.records):,} records",
        ),
    ]
    return [check for check in checks if check is not None]


def outcome_text(outcome: Mapping[str, Any] | None) -> str:
    """Return the outcome of an object as text, with the reason if it differs."""
    if outcome is None:
        return "left out when listed"
    kind, reason = outcome["outcome"], outcome["reason"]
    return kind if kind == reason else f"{kind} ({reason})"


def summary(
    contents: BucketContents, runs: Sequence[SyncRun]
) -> list[tuple[ObjectKind, int, list[str]]]:
    """Return for each kind the number of objects, and their outcomes in each sync."""
    found = ((kind, contents.keys([kind])) for kind in ObjectKind)
    return [(kind, len(keys), [_ends(keys, run) for run in runs]) for kind, keys in found if keys]


def not_taken(run: SyncRun) -> list[Json]:
    """Return the outcomes of objects that the system did not ingest."""
    return [o for o in run.outcomes.values() if o["outcome"] == OutcomeKind.NOT_TAKEN]


def _ends(keys: Sequence[str], run: SyncRun) -> str:
    counts = Counter(outcome_text(run.outcomes.get(key)) for key in keys)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count:,} {text}" for text, count in counts.most_common())


def _ended(contents: BucketContents, run: SyncRun, *, second: bool) -> CheckResult | None:
    def right(key: str) -> bool:
        ends, found = EXPECTED_ENDS.get(contents.kinds[key]), run.outcomes.get(key)
        if ends is None or found is None:
            return ends is None and found is None
        return (found["outcome"], found["reason"]) == (ends.second if second else ends.first)

    name = f"{'second' if second else 'first'} sync: expected outcome for every object"
    return _of(name, contents.kinds, right)


def _check_records(
    bucket_name: str, contents: BucketContents, snapshot: Snapshot
) -> list[CheckResult | None]:
    taken = contents.keys(TAKEN)
    by_path = {record.storage_path: record for record in snapshot.records}
    wanted = {storage_path(bucket_name, key) for key in taken}
    found = Counter(record.storage_path for record in snapshot.records)

    def carries_ids(key: str) -> bool:
        record, stored = by_path.get(storage_path(bucket_name, key)), snapshot.stored.get(key)
        if record is None or stored is None:
            return False
        tagged = stored.tags.get(INVENTORY_ID_TAG), stored.tags.get(ASSET_ID_TAG)
        return tagged == (record.inventory_id, record.asset_id)

    return [
        CheckResult(
            "the system has exactly one record for each ingested object",
            found == dict.fromkeys(wanted, 1),
            f"{len(snapshot.records):,} for {len(wanted):,}",
        ),
        _of(
            "ingested objects have the AssetID and InventoryID of their records", taken, carries_ids
        ),
    ]


def _check_owner_tags(
    contents: BucketContents, stored: Mapping[str, StoredObject]
) -> CheckResult | None:
    tagged = [key for key, tags in contents.owner_tags.items() if tags]
    # A Media Lake replaces all tags with its own if it replaces an asset.
    dropped = [key for key in tagged if contents.kinds[key] is ObjectKind.REPLACED]
    check = _of(
        "all tags of owners are kept",
        [key for key in tagged if key not in set(dropped)],
        lambda key: key in stored and stored[key].tags.items() >= contents.owner_tags[key].items(),
    )
    if check is None or not dropped:
        return check
    more = f"; the system removed those of {len(dropped):,} replaced"
    return CheckResult(check.name, check.passed, check.detail + more)


def _of(name: str, keys: Collection[str], is_right: Callable[[str], bool]) -> CheckResult | None:
    """Return a check of these objects that names the first failures; None without objects."""
    if not keys:
        return None
    failures = [key for key in keys if not is_right(key)]
    detail = f"{len(keys) - len(failures):,} of {len(keys):,}"
    if failures:
        detail += f"; not {', '.join(map(repr, sorted(failures)[:_SHOWN_COUNT_MAX]))}"
    return CheckResult(name, not failures, detail)
