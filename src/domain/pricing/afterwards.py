"""The requests of what a sync brings with it besides its objects: sources, snapshots, comparisons.

And those of a search for orphans, which is asked for after a sync. The numbers are those of the
code, as in `domain.pricing.requests`: tests/e2e/test_plan_counts.py compares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Final

from domain.job import Job
from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.pricing.model import INDEX_ROW_BYTES, KEYS_PER_PAGE, STRETCH_BYTES, Model
from domain.pricing.usage import Usage, Where, run, used
from domain.removal_settings import Removals
from domain.snapshot import Way

_ROWS_PER_BATCH: Final = 1_000
_ROW_BYTES: Final = 250
"""A row of a report, or of a snapshot."""
_ORPHAN_ROW_BYTES: Final = 140
_OBJECTS_PER_READ: Final = 1_000
_COMPARED_CPU_S: Final = 0.0000045
"""The CPU time for a key of one of two syncs. Measured (ADR 45)."""
_MERGED_CPU_S: Final = 0.00000075
"""The CPU time for a record or an indexed object. Measured (ADR 51)."""

# DynamoDB Developer Guide, "Scanning tables": a page has up to 1 MB, and is billed by what it
# reads, half a unit for 4 KB where it is eventually consistent (checked 2026-11).
_SCAN_PAGE_BYTES: Final = 1024**2
_UNIT_BYTES: Final = 4_096
# A write of a job that has ended: the job with its entries in indexes, and its guard.
_UNITS_PER_SAVE: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison with the sync before: the objects of both, and what is missing or announced."""

    before: int
    now: int
    missing: int = 0
    added: int = 0
    announced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan of the catalog: its bytes, its records about the job's objects, and their files."""

    size_bytes: int
    records: int
    partitions: int = 1


def comparison_of(removals: Removals | None, total: int, *, at_most: bool) -> Comparison | None:
    """Return what a plan expects, None if the sync is not compared with the one before.

    `at_most`: as many objects are gone as the guard lets pass, and all that are there are new;
    otherwise none is gone. What the guard stops is not looked for before a user confirms it.
    """
    if removals is None:
        return None
    gone = 0
    if at_most:
        share = removals.max_share
        by_share = int(total * share / (1 - share)) if share < 1 else removals.max_count
        gone = max(min(by_share, removals.max_count), removals.min_count - 1, 0)
    announced = gone if removals.announce else 0
    added = min(total, gone)
    return Comparison(
        before=total + gone, now=total, missing=gone, added=added, announced=announced
    )


def comparison_of_job(job: Job) -> Comparison | None:
    """Return the comparison of a job that has ended, None if it is compared with nothing."""
    work = job.removals
    if work is None or work.baseline_job_id is None:
        return None
    counts = work.counts
    return Comparison(
        before=counts.seen_before,
        now=counts.seen_now,
        missing=counts.missing,
        added=counts.added,
        announced=counts.announced,
    )


def snapshot_of_job(job: Job) -> Scanned | None:
    """Return the scan of a job that took a snapshot of the catalog, None if it took none."""
    lookup = job.lookup
    if lookup is None or lookup.way is not Way.SNAPSHOT or lookup.snapshot is None:
        return None
    return Scanned(
        size_bytes=lookup.catalog_bytes or 0,
        records=lookup.snapshot.record_count,
        partitions=lookup.snapshot.partition_count,
    )


def reading_source(rows: int) -> Iterator[Usage]:
    """Read a source: its index and checksum, or its first block, and the blocks after it."""
    reads = 2 + ceil(rows * _ROW_BYTES / STRETCH_BYTES)
    yield used(Where.SOURCE, "s3", "GetObject", reads)


def taking_snapshot(scanned: Scanned, known: int, model: Model) -> Iterator[Usage]:
    """Scan the catalog, sort it, and look the job's objects up in the files."""
    yield from _scanning(Where.CATALOG, scanned, model)
    size_bytes = scanned.records * _ROW_BYTES
    runs = max(ceil(size_bytes / model.snapshot_run_bytes), 1)
    # Runs, partitions, and the index of each; the bounds.
    yield used(Where.CATALOG, "s3", "PutObject", 2 * (runs + scanned.partitions) + 1)
    # Of each run its index and a range, for each partition; then bounds, indexes and blocks.
    blocks = 1 + scanned.partitions + 2 * ceil(known / _OBJECTS_PER_READ)
    yield used(Where.CATALOG, "s3", "GetObject", 2 * runs * scanned.partitions + blocks)


def comparing(found: Comparison, page_count: int, model: Model) -> Iterator[Usage]:
    """Compare two indexes, look for what is missing, and announce what is gone."""
    where, missing = Where.REMOVALS, found.missing
    batches = ceil(missing / _ROWS_PER_BATCH)
    files = (missing, found.added, missing, 0)
    parts = sum(max(ceil(rows * _ROW_BYTES / model.manifest_part_bytes), 1) for rows in files)
    yield used(where, "s3", "ListObjectsV2", _pages(missing, page_count, model))
    yield used(where, "s3", "CreateMultipartUpload", len(files))
    yield used(where, "s3", "UploadPart", parts)
    yield used(where, "s3", "CompleteMultipartUpload", len(files))
    # The rows of each batch, and the summary.
    yield used(where, "s3", "PutObject", 2 * batches + 1)
    # Roots, stretches, the file of missing objects, once more for moves, and the summary.
    moves = 2 if missing and found.added else 0
    yield used(where, "s3", "GetObject", 5 + _stretches(found.before + found.now) + moves)
    yield used(where, "s3", "HeadObject", 3)
    yield used(where, "events", "PutEvents", _groups(found.announced), found.announced)
    saves = 8 + batches
    yield from _on_job(where, saves)
    yield used(where, "dynamodb", "GetItem", 4, Decimal(4))
    yield used(where, "dynamodb", "UpdateItem", 2, Decimal(4))
    seconds = 0.5 + (found.before + found.now) * _COMPARED_CPU_S
    yield from run(where, 1, seconds, model.memory_gb)


def searching(
    scanned: Scanned, indexed: int, unlisted: int, page_count: int, model: Model
) -> Iterator[Usage]:
    """Scan the catalog, compare it with what was listed, and look for the rest."""
    where, batches = Where.ORPHANS, ceil(unlisted / _ROWS_PER_BATCH)
    yield from _scanning(where, scanned, model)
    size_bytes = scanned.records * _ORPHAN_ROW_BYTES
    runs = ceil(size_bytes / model.snapshot_run_bytes)
    yield used(where, "s3", "ListObjectsV2", _pages(unlisted, page_count, model))
    yield used(where, "s3", "CreateMultipartUpload", 2)
    part = max(ceil(unlisted * _ORPHAN_ROW_BYTES / model.manifest_part_bytes), 1)
    yield used(where, "s3", "UploadPart", 2 * part)
    yield used(where, "s3", "CompleteMultipartUpload", 2)
    # Runs, the rows of each batch, and the summary.
    yield used(where, "s3", "PutObject", runs + batches + 1)
    # The index and its root, the runs, the file of unlisted objects, and the summary.
    of_runs = ceil(size_bytes / STRETCH_BYTES)
    yield used(where, "s3", "GetObject", 3 + _stretches(indexed) + of_runs)
    yield used(where, "s3", "HeadObject", 1)
    yield from _on_job(where, 8 + runs + batches)
    yield used(where, "dynamodb", "GetItem", 2, Decimal(2))
    pages = scanned.size_bytes / _SCAN_PAGE_BYTES / max(model.snapshot_segments, 1)
    seconds = 0.5 + pages * 0.1 + (scanned.records + indexed) * _MERGED_CPU_S
    yield from run(where, 1, seconds, model.memory_gb)


def _scanning(where: Where, scanned: Scanned, model: Model) -> Iterator[Usage]:
    pages = max(ceil(scanned.size_bytes / _SCAN_PAGE_BYTES), model.snapshot_segments)
    units = Decimal(ceil(scanned.size_bytes / _UNIT_BYTES)) / 2
    yield used(where, "dynamodb", "Scan", pages, units)


def _pages(keys: int, page_count: int, model: Model) -> int:
    """Return the pages in which keys are looked for: a slice of each batch has one at least.

    No more than one for each key, nor than the pages of a listing and those of the slices.
    """
    slices = ceil(keys / KEYS_PER_PAGE) * model.pages_in_flight
    return min(keys, page_count + slices)


def _stretches(objects: int) -> int:
    return ceil(objects * INDEX_ROW_BYTES / STRETCH_BYTES)


def _groups(events: int) -> int:
    return ceil(events / INGEST_EVENT_COUNT_MAX)


def _on_job(where: Where, saves: int) -> Iterator[Usage]:
    """Each save reads the job with the stage's pause before, and the job after."""
    reads = 2 * saves
    yield used(where, "dynamodb", "BatchGetItem", reads, Decimal(2 * reads))
    yield used(where, "dynamodb", "TransactWriteItems", saves, Decimal(_UNITS_PER_SAVE * saves))
