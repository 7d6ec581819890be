"""Chooses how a job compares its objects with the catalog, and takes the snapshot if that is it.

A snapshot is taken before the listing, under the job's lease:

1. The catalog is scanned, some segments at once. What was read is sorted in memory and written as a
   run whenever it is large enough, every `checkpoint_after_s` seconds, and at the deadline. The
   run and the places in all segments are recorded in one write, so each record is in one run.
2. The order of a scan is that of hashes, so the first run is a fair sample of the paths. Its
   quantiles are the bounds of partitions.
3. Each partition is put together from its range of every run, sorted, and written with an index.

The measure, which decreases with each invocation, is what is left of the scan, and then the number
of partitions that are left. Memory has one run or one partition.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Final

from application.engine.job_lease import JobLease
from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.results.snapshot_files import (
    BLOCK_BYTES,
    bounds_key,
    partition_index_key,
    partition_key,
    run_index_key,
    run_key,
)
from domain import prefixes as prefix_rules
from domain.catalog import CatalogRecord, storage_path
from domain.identity import mint_inventory_id
from domain.job import Job
from domain.pricing.costing import Costing
from domain.pricing.known_ways import CatalogSample, WayChoice, choose_way
from domain.snapshot import (
    Lookup,
    Segment,
    Snapshot,
    Way,
    bounds_of,
    encode_index,
    encode_record,
    path_of,
    sorted_file,
)
from ports.catalog_scan import CatalogScan, CatalogSize, ScanPage
from ports.clock import Clock
from ports.errors import AccessDenied
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

_RANGES_IN_FLIGHT: Final = 8
_PARTITION_COUNT_MAX: Final = 512
# The number of items may be hours old, even zero; then partitions are made for some more.
_PARTITION_COUNT_MIN: Final = 8


class _MayNotScanError(Exception):
    """The role may not scan the catalog; the text is for the user."""


class TakeSnapshot:
    """Takes a job from its creation to the beginning of its listing."""

    def __init__(
        self,
        *,
        catalog_scan: CatalogScan,
        results: ResultsStore,
        costing: Costing,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._scan = catalog_scan
        self._results = results
        self._costing = costing
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job: Job, lease: JobLease) -> Job | None:
        """Return the job with what it needs before its listing; None at the deadline.

        Raises:
            LeaseLost: the job's lease is lost.
            Retryable, Misconfigured, CorruptData: the catalog, or the results, cannot be read.
            AccessDenied: the results cannot be read or written.
        """
        wanted = self._tuning.catalog_snapshots and job.request.options.trusts_catalog
        if job.listed or not wanted:
            return job
        try:
            if job.lookup is None:
                if job.listing.objects_seen:
                    return job  # An earlier version began the listing.
                chosen = await self._choose(job)
                job = await lease.update(job.job_id, lambda j: replace(j, lookup=chosen))
            return await self._take(job, lease)
        except _MayNotScanError as error:
            denied = Lookup(way=Way.LOOKUPS, reason=str(error), warning=str(error))
            self._telemetry.warning("snapshot_denied", job_id=job.job_id, cause=str(error))
            return await lease.update(job.job_id, lambda j: replace(j, lookup=denied))

    async def _choose(self, job: Job) -> Lookup:
        began_at = self._clock.now()
        size = await self._size()
        segment_count = self._tuning.snapshot_segments
        page = await self._page(0, Segment(), segment_count)
        own = _own_records(job, page.records)
        minted = sum(_is_minted(job, record) for record in own)
        sample = CatalogSample(
            item_count=max(size.item_count, page.seen),
            size_bytes=size.size_bytes,
            seen=page.seen,
            minted=minted,
            others=len(own) - minted,
        )
        path_index = self._costing.model.catalog.path_index
        choice = choose_way(sample, self._costing.table, path_index=path_index)
        lookup = Lookup(
            way=choice.way,
            reason=_reason(choice),
            lookups_dollars=choice.lookups_dollars,
            snapshot_dollars=choice.snapshot_dollars,
            catalog_bytes=size.size_bytes,
        )
        self._telemetry.event("way_chosen", job_id=job.job_id, way=choice.way.value)
        if choice.way is Way.LOOKUPS:
            return lookup
        snapshot = Snapshot(began_at=began_at, segments=(Segment(),) * segment_count)
        return replace(lookup, snapshot=snapshot)

    async def _take(self, job: Job, lease: JobLease) -> Job | None:
        while job.lookup is not None and job.lookup.snapshots:
            if await lease.must_stop(self._tuning.stop_margin_s):
                return None
            snapshot = job.lookup.snapshot
            assert snapshot is not None  # noqa: S101 - `snapshots` says so
            if not all(segment.done for segment in snapshot.segments):
                snapshot = await self._next_run(job, snapshot, lease)
            elif snapshot.partitions_done < snapshot.partition_count and snapshot.runs:
                await self._write_partition(job, snapshot)
                snapshot = replace(snapshot, partitions_done=snapshot.partitions_done + 1)
            else:
                if not snapshot.runs:
                    await self._put_sorted(job, 0, [])
                snapshot = replace(snapshot, ready=True, runs=(), segments=())
            job = await self._record(job, lease, snapshot)
        return job

    async def _record(self, job: Job, lease: JobLease, snapshot: Snapshot) -> Job:
        def changed(job: Job) -> Job:
            if job.lookup is None:
                raise ValueError(f"job {job.job_id} has no way to look objects up")
            return replace(job, lookup=replace(job.lookup, snapshot=snapshot))

        return await lease.update(job.job_id, changed)

    async def _next_run(self, job: Job, snapshot: Snapshot, lease: JobLease) -> Snapshot:
        """Scan until there is enough for a run, or time for a checkpoint; write the run."""
        segments = list(snapshot.segments)
        rows: list[bytes] = []
        size_bytes = seen = 0
        until = self._clock.now() + timedelta(seconds=self._tuning.checkpoint_after_s)

        async def read(number: int) -> None:
            nonlocal size_bytes, seen
            page = await self._page(number, segments[number], len(segments))
            # No other task runs between these lines: rows and places agree.
            for record in _own_records(job, page.records):
                rows.append(encode_record(record))
                size_bytes += len(rows[-1])
            seen += page.seen
            segments[number] = Segment(cursor=page.cursor, done=page.cursor is None)

        while left := [number for number, each in enumerate(segments) if not each.done]:
            await fan_out(left, read, limit=len(left))
            full = size_bytes >= self._tuning.snapshot_run_bytes
            ending = await lease.must_stop(self._tuning.stop_margin_s)
            if full or ending or self._clock.now() >= until:
                break
        snapshot = replace(snapshot, segments=tuple(segments))
        if not rows:
            return snapshot
        rows.sort()
        if snapshot.bounds_key is None:
            snapshot, bounds = await self._with_bounds(job, snapshot, rows, seen, size_bytes, lease)
        else:
            bounds = (await self._results.get(snapshot.bounds_key)).splitlines()
        name = f"{lease.token}-{len(snapshot.runs)}"
        await self._results.put(run_key(job.job_id, name), b"".join(rows))
        index = json.dumps(_starts(rows, bounds)).encode()
        await self._results.put(run_index_key(job.job_id, name), index)
        return replace(
            snapshot,
            runs=(*snapshot.runs, name),
            record_count=snapshot.record_count + len(rows),
        )

    async def _size(self) -> CatalogSize:
        try:
            return await self._scan.size()
        except AccessDenied as error:
            raise _MayNotScanError(_denied(error)) from error

    async def _page(self, number: int, segment: Segment, segment_count: int) -> ScanPage:
        try:
            return await self._scan.page(
                segment=number, segment_count=segment_count, cursor=segment.cursor
            )
        except AccessDenied as error:
            raise _MayNotScanError(_denied(error)) from error

    async def _with_bounds(
        self,
        job: Job,
        snapshot: Snapshot,
        rows: Sequence[bytes],
        seen: int,
        size_bytes: int,
        lease: JobLease,
    ) -> tuple[Snapshot, list[bytes]]:
        """Return the snapshot with partitions for as many bytes as the whole scan may return."""
        count = 1
        if not all(segment.done for segment in snapshot.segments):
            item_count = (await self._size()).item_count
            whole = size_bytes * max(item_count / max(seen, 1), 1)
            count = ceil(whole / self._tuning.snapshot_run_bytes)
            count = min(max(count, _PARTITION_COUNT_MIN), _PARTITION_COUNT_MAX)
        bounds = bounds_of(rows, count)
        key = bounds_key(job.job_id, lease.token)
        await self._results.put(key, b"".join(bound + b"\n" for bound in bounds))
        return replace(snapshot, bounds_key=key, partition_count=len(bounds) + 1), bounds

    async def _write_partition(self, job: Job, snapshot: Snapshot) -> None:
        number = snapshot.partitions_done
        rows: list[bytes] = []

        async def read(name: str) -> None:
            starts = json.loads(await self._results.get(run_index_key(job.job_id, name)))
            start, stop = starts[number], starts[number + 1]
            if stop > start:
                content = await self._results.read_range(run_key(job.job_id, name), start, stop)
                rows.extend(content.splitlines(keepends=True))

        await fan_out(snapshot.runs, read, limit=_RANGES_IN_FLIGHT)
        rows.sort()
        await self._put_sorted(job, number, rows)

    async def _put_sorted(self, job: Job, number: int, rows: Sequence[bytes]) -> None:
        file = sorted_file(rows, BLOCK_BYTES)
        await self._results.put(partition_key(job.job_id, number), file.content)
        index = encode_index(file.index, len(file.content))
        await self._results.put(partition_index_key(job.job_id, number), index)


def _own_records(job: Job, records: Sequence[CatalogRecord]) -> list[CatalogRecord]:
    """Return the records of objects that the job may list."""
    bucket_name = job.request.bucket.name
    prefixes = prefix_rules.normalise(job.request.options.prefixes) or ("",)
    paths = tuple(storage_path(bucket_name, prefix) for prefix in prefixes)
    return [each for each in records if each.storage_path and each.storage_path.startswith(paths)]


def _is_minted(job: Job, record: CatalogRecord) -> bool:
    _, _, key = (record.storage_path or "").partition(":")
    return record.inventory_id == mint_inventory_id(job.request.bucket.name, key)


def _starts(rows: Sequence[bytes], bounds: Sequence[bytes]) -> list[int]:
    """Return where each partition begins in the file of these sorted rows, and its size."""
    starts, position, previous = [0], 0, 0
    for bound in bounds:
        first = bisect_left(rows, bound, lo=previous, key=path_of)
        position += sum(map(len, rows[previous:first]))
        starts.append(position)
        previous = first
    return [*starts, position + sum(map(len, rows[previous:]))]


def _reason(choice: WayChoice) -> str:
    return (
        f"the catalog has about {choice.others:,} records of these objects under other ids and"
        f" {choice.minted:,} under those of this service: asking for each costs about"
        f" ${choice.lookups_dollars:.4f}, a snapshot ${choice.snapshot_dollars:.4f}"
    )


def _denied(error: AccessDenied) -> str:
    return (
        f"no snapshot of the catalog was taken, its objects are asked for singly: {error}. Allow"
        ' the role of the engine {"Effect": "Allow", "Action": ["dynamodb:DescribeTable",'
        ' "dynamodb:Scan"], "Resource": the ARN of the catalog\'s table}'
    )
