"""What the demonstration promises of two syncs, and whether it was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.catalog import storage_path
from domain.identity import ASSET_ID_TAG, INVENTORY_ID_TAG
from domain.job import JobStatus
from domain.outcome import OutcomeKind
from entrypoints.cli.demo.bucket import BucketContents, CatalogRecord, StoredObject
from entrypoints.cli.demo.object_kinds import EXPECTED_ENDS, TAKEN, TRIGGERED, ObjectKind
from entrypoints.cli.local.request_counter import Call, writes_to

Json = dict[str, Any]

_SHOWN_COUNT_MAX = 3


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One promise, and whether it was kept."""

    name: str
    kept: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One sync: its job at the end, its objects' outcomes by key, and the requests that it made."""

    job: Json
    outcomes: Mapping[str, Json]
    calls: Counter[Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvents:
    """What the asset system has heard so far: of objects by S3's events, and on the ingest bus."""

    notifications: int
    bus_events: int

    def __sub__(self, other: ReceivedEvents) -> ReceivedEvents:
        return ReceivedEvents(
            notifications=self.notifications - other.notifications,
            bus_events=self.bus_events - other.bus_events,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The bucket and the catalog at one moment."""

    stored: Mapping[str, StoredObject]
    records: Sequence[CatalogRecord]


def check_first(
    bucket_name: str,
    filled: BucketContents,
    run: SyncRun,
    heard: ReceivedEvents,
    before: Mapping[str, StoredObject],
    after: Snapshot,
) -> list[CheckResult]:
    """CheckResult the first sync, once the asset system has done its part."""
    statistics = run.job["statistics"]
    left_out = len(filled.keys([ObjectKind.LEFT_OUT]))
    listed = len(filled.kinds) - left_out
    triggered = len(filled.keys(TRIGGERED))
    checks: list[CheckResult | None] = [
        CheckResult(
            "the job completed", run.job["status"] == JobStatus.COMPLETED, run.job["status"]
        ),
        CheckResult(
            "each object was listed, and sidecars, documents and archives left out"
            if left_out
            else "each object was listed",
            (statistics["objectsListed"], statistics["objectsNotMedia"]) == (listed, left_out),
            f"{statistics['objectsListed']:,}"
            + (f" and {statistics['objectsNotMedia']:,}" if left_out else ""),
        ),
        _ended(filled, run, second=False),
        CheckResult(
            "the system heard of each trigger by S3's own event",
            heard.notifications == triggered,
            f"{heard.notifications:,} events for {triggered:,}",
        ),
        CheckResult(
            "each trigger was announced on the ingest bus",
            heard.bus_events == triggered,
            f"{heard.bus_events:,} events for {triggered:,}",
        ),
        *_check_records(bucket_name, filled, after),
        _check_owner_tags(filled, after.stored),
        _of(
            "what needed nothing was left as it was",
            filled.keys(set(ObjectKind) - TRIGGERED - {ObjectKind.TAGS_LOST}),
            lambda key: after.stored.get(key) == before[key],
        ),
        _of(
            "no content changed",
            filled.kinds,
            lambda key: key in after.stored and after.stored[key].e_tag == before[key].e_tag,
        ),
    ]
    return [check for check in checks if check is not None]


def check_second(
    bucket_name: str, filled: BucketContents, run: SyncRun, first: Snapshot, second: Snapshot
) -> list[CheckResult]:
    """CheckResult that the second sync changed nothing."""
    writes = writes_to(run.calls, bucket_name)
    events = run.calls["events", "PutEvents", ""]
    checks = [
        CheckResult(
            "the second job completed", run.job["status"] == JobStatus.COMPLETED, run.job["status"]
        ),
        _ended(filled, run, second=True),
        CheckResult("it wrote nothing to the bucket", writes == 0, f"{writes:,} writes"),
        CheckResult("it announced nothing", events == 0, f"{events:,} requests to the ingest bus"),
        CheckResult(
            "bucket and catalog are as they were",
            first == second,
            f"{len(second.stored):,} objects, {len(second.records):,} records",
        ),
    ]
    return [check for check in checks if check is not None]


def outcome_text(outcome: Mapping[str, Any] | None) -> str:
    """Return how an object ended, in words: its outcome, with the reason if that says more."""
    if outcome is None:
        return "left out when listed"
    kind, reason = outcome["outcome"], outcome["reason"]
    return kind if kind == reason else f"{kind} ({reason})"


def summary(
    filled: BucketContents, runs: Sequence[SyncRun]
) -> list[tuple[ObjectKind, int, list[str]]]:
    """Return of each kind how many there are, and how they ended in each sync."""
    found = ((kind, filled.keys([kind])) for kind in ObjectKind)
    return [(kind, len(keys), [_ends(keys, run) for run in runs]) for kind, keys in found if keys]


def not_taken(run: SyncRun) -> list[Json]:
    """Return the outcomes of what the system never took."""
    return [o for o in run.outcomes.values() if o["outcome"] == OutcomeKind.NOT_TAKEN]


def _ends(keys: Sequence[str], run: SyncRun) -> str:
    counts = Counter(outcome_text(run.outcomes.get(key)) for key in keys)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count:,} {text}" for text, count in counts.most_common())


def _ended(filled: BucketContents, run: SyncRun, *, second: bool) -> CheckResult | None:
    def right(key: str) -> bool:
        ends, found = EXPECTED_ENDS.get(filled.kinds[key]), run.outcomes.get(key)
        if ends is None or found is None:
            return ends is None and found is None
        return (found["outcome"], found["reason"]) == (ends.second if second else ends.first)

    name = "each object ended as its kind should" + (" this time, too" if second else "")
    return _of(name, filled.kinds, right)


def _check_records(
    bucket_name: str, filled: BucketContents, look: Snapshot
) -> list[CheckResult | None]:
    taken = filled.keys(TAKEN)
    by_path = {record.storage_path: record for record in look.records}
    wanted = {storage_path(bucket_name, key) for key in taken}
    found = Counter(record.storage_path for record in look.records)

    def carries_ids(key: str) -> bool:
        record, stored = by_path.get(storage_path(bucket_name, key)), look.stored.get(key)
        if record is None or stored is None:
            return False
        tagged = stored.tags.get(INVENTORY_ID_TAG), stored.tags.get(ASSET_ID_TAG)
        return tagged == (record.inventory_id, record.asset_id)

    return [
        CheckResult(
            "the system has one record of each object that it took, and no other",
            found == dict.fromkeys(wanted, 1),
            f"{len(look.records):,} for {len(wanted):,}",
        ),
        _of("each of these carries its record's AssetID and InventoryID", taken, carries_ids),
    ]


def _check_owner_tags(
    filled: BucketContents, stored: Mapping[str, StoredObject]
) -> CheckResult | None:
    tagged = [key for key, tags in filled.owner_tags.items() if tags]
    # A Media Lake writes its own tags in place of all others where it replaces an asset.
    dropped = [key for key in tagged if filled.kinds[key] is ObjectKind.REPLACED]
    check = _of(
        "owners' tags are all there",
        [key for key in tagged if key not in set(dropped)],
        lambda key: key in stored and stored[key].tags.items() >= filled.owner_tags[key].items(),
    )
    if check is None or not dropped:
        return check
    more = f"; the system itself dropped those of {len(dropped):,} replaced"
    return CheckResult(check.name, check.kept, check.detail + more)


def _of(name: str, keys: Collection[str], is_right: Callable[[str], bool]) -> CheckResult | None:
    """Return a check of each of these objects, which names the first wrong ones; None of none."""
    if not keys:
        return None
    wrong = [key for key in keys if not is_right(key)]
    detail = f"{len(keys) - len(wrong):,} of {len(keys):,}"
    if wrong:
        detail += f"; not {', '.join(map(repr, sorted(wrong)[:_SHOWN_COUNT_MAX]))}"
    return CheckResult(name, not wrong, detail)
