"""Three whole syncs of a bucket with cases, compared with the expected results of each case.

A difference is one line: the case, what was expected, what was found.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from media_syncs.cases import TRIGGERING, Case, Expected, Found, Run, expected
from media_syncs.history import History, body_of
from media_syncs.ingest import Ingest, Seen
from media_syncs.one_sync import Sync, connect

SYNC_COUNT: Final = 3


def sync_and_compare(
    system: Any, lake: Ingest, run: Run, bucket: str, cases: Sequence[Case]
) -> None:
    """Sync a new bucket of that name three times; fails with every difference."""
    system.bucket(bucket)
    if run.versioned:
        system.s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    History(system, lake, bucket, run.integration).happen(cases)
    before = lake.look(bucket)
    connect(system, lake, bucket, run)
    lake.complaints()

    syncs = [Sync(system, lake, bucket, run, cases) for _ in range(SYNC_COUNT)]

    after = lake.look(bucket)
    differences = [
        *_differences_of_syncs(syncs, run, cases),
        *(
            f"{case.key!r} ({case.what}): {line}"
            for case in cases
            for line in (
                *_differences_of_outcomes(case, syncs, run),
                *_differences(case, expected(case, run), before[case.key], after[case.key]),
            )
        ),
        *_bytes_lost(system, bucket, cases),
        *(f"the ingest function logged: {line}" for line in lake.complaints()),
    ]
    assert not differences, "\n" + "\n".join(differences)


def _differences_of_syncs(syncs: Sequence[Sync], run: Run, cases: Sequence[Case]) -> Iterator[str]:
    left_out = sum(case.left_out for case in cases)
    for number, sync in enumerate(syncs, start=1):
        if sync.job["status"] != "COMPLETED":
            yield f"sync {number}: {sync.job['status']}, {sync.job['statistics']}"
        if sync.job["statistics"].get("objectsNotMedia") != left_out:
            yield f"sync {number}: expected {left_out} not media, {sync.job['statistics']}"
        if sync.queries_of("AssetIDIndex"):
            yield f"sync {number}: expected no query of the index that holds no asset"
    for number, sync in enumerate(syncs[1:], start=2):
        # Only tags that are restored are written after the first.
        restored = sum(
            expected(case, run).syncs[number - 1] == Found.TAGS_RESTORED for case in cases
        )
        if sync.writes() != +Counter(PutObjectTagging=restored):
            yield f"sync {number}: expected {restored} tags restored, found {dict(sync.writes())}"
        if sync.shown:
            yield f"sync {number}: expected no trigger, found {dict(sync.shown)}"


def _differences_of_outcomes(case: Case, syncs: Sequence[Sync], run: Run) -> Iterator[str]:
    wanted = expected(case, run)
    found = tuple(sync.found[case.key] for sync in syncs)
    if found != wanted.syncs:
        yield f"expected {_line(wanted.syncs)}, found {_line(found)}"
    times = _triggers_expected(case, wanted, run)
    if syncs[0].shown[case.key] != times:
        yield f"expected {times} events after sync 1, found {syncs[0].shown[case.key]}"


def _triggers_expected(case: Case, wanted: Expected, run: Run) -> int:
    waiting = case.past.name.endswith("_WAITING")
    triggered = wanted.syncs[0] in TRIGGERING and run.trigger != "event"
    return int(waiting) + int(triggered)


def _line(found: Sequence[str]) -> str:
    return " / ".join(found)


def _differences(case: Case, wanted: Expected, before: Seen, after: Seen) -> Iterator[str]:
    records = after.records
    duplicate = after.tags.get("DuplicateHash") == "true"
    if wanted.recorded is None:
        if len(records) != int(not duplicate):
            yield f"expected one record or a duplicate, found {len(records)} and {after.tags}"
    elif len(records) != int(wanted.recorded):
        yield f"expected {int(wanted.recorded)} records, found {list(records)}"
    for record in records:
        if wanted.syncs[-1] == Found.ASSET_KNOWN:
            tagged = (after.tags.get("InventoryID"), after.tags.get("AssetID"))
            if tagged != (record.inventory_id, record.asset_id):
                yield f"expected the tags of {record}, found {after.tags}"
        if record.type != wanted.type:
            yield f"expected type {wanted.type}, found {record.type} ({record.asset_id})"
    if wanted.keeps_owner_tags and not case.owner.items() <= after.tags.items():
        yield f"expected the owner's tags {dict(case.owner)}, found {dict(after.tags)}"
    if case.kind is None and (after.tags, after.etag) != (before.tags, before.etag):
        yield f"expected it untouched, found tags {after.tags}"


def _bytes_lost(system: Any, bucket: str, cases: Sequence[Case]) -> Iterator[str]:
    for case in cases:
        with system.s3.get_object(Bucket=bucket, Key=case.key)["Body"] as body:
            found = hashlib.sha256(body.read()).digest()
        if found != hashlib.sha256(body_of(case, bucket)).digest():
            yield f"{case.key!r} ({case.what}): expected its bytes, found others"
