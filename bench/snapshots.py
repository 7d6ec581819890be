"""A snapshot of the catalog, and the lookup of all objects in it: requests, CPU time and memory.

    python bench/snapshots.py --items 1000000

The catalog is canned: each page is made when it is asked for. The files of the snapshot are on
disk, so the peak of memory is that of the engine and the reader alone. Requests to S3 and DynamoDB
are counted; the CPU time is without the SDK, which takes about 0.3 ms a request more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import Stopwatch, run_program
from tables import Table, mib

from adapters.aws.system import SystemClock
from adapters.memory.telemetry import MemoryTelemetry
from application.connectors import NewConnector
from application.engine.job_lease import JobLease
from application.engine.take_snapshot import TakeSnapshot
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.known_objects import KnownObjects
from application.results.snapshot_files import SnapshotReader
from domain.catalog import CatalogRecord
from domain.connector import Verify
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.pricing.costing import Costing
from domain.sync_request import SyncOptions
from entrypoints.wiring.memory import memory_world, use_cases
from ports.catalog_scan import CatalogSize, ScanPage

_BUCKET = "media"
_PAGE = 500
_ITEM_BYTES = 2_000
_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_STRIDE = 7_368_787
"""A prime: item n of a scan is object n times this, so the scan is in no order of keys."""


def _key(number: int) -> str:
    return f"2026/camera {number // 1000:06d}/clip {number:09d}.mov"


def _record(number: int) -> CatalogRecord:
    return CatalogRecord(
        inventory_id=f"asset:uuid:{number:032x}",
        asset_id=f"asset:vid:{number:032x}",
        storage_path=f"{_BUCKET}:{_key(number)}",
        e_tag=f"{number:032x}",
        size_bytes=number,
        last_modified=_TIME,
    )


class CannedScan:
    """A scan of records of all objects, under ids of the system's own."""

    def __init__(self, item_count: int, requests: Counter[str]) -> None:
        self._item_count, self._requests = item_count, requests

    async def size(self) -> CatalogSize:
        self._requests["DescribeTable"] += 1
        return CatalogSize(item_count=self._item_count, size_bytes=self._item_count * _ITEM_BYTES)

    async def page(self, *, segment: int, segment_count: int, cursor: str | None) -> ScanPage:
        self._requests["Scan"] += 1
        own = range(segment, self._item_count, segment_count)
        start = int(cursor or 0)
        numbers = own[start : start + _PAGE]
        return ScanPage(
            records=tuple(_record(n * _STRIDE % self._item_count) for n in numbers),
            seen=len(numbers),
            cursor=str(start + _PAGE) if start + _PAGE < len(own) else None,
        )


class DiskResults:
    """The files of a snapshot on disk."""

    def __init__(self, folder: Path, requests: Counter[str]) -> None:
        self._folder, self._requests = folder, requests

    def _path(self, key: str) -> Path:
        return self._folder / key.replace("/", "_")

    async def put(self, key: str, content: bytes) -> None:
        self._requests["PutObject"] += 1
        self._path(key).write_bytes(content)

    async def get(self, key: str) -> bytes:
        self._requests["GetObject"] += 1
        return self._path(key).read_bytes()

    async def read_range(self, key: str, start: int, stop: int) -> bytes:
        self._requests["GetObject"] += 1
        with self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


class NoCatalog:
    """A catalog that must not be asked."""

    async def records_at(self, bucket_name: str, keys: Any) -> Any:
        raise AssertionError(f"{len(keys)} objects were not in the snapshot")


def _pages(count: int) -> Iterator[list[ManifestEntry]]:
    for start in range(0, count, 1_000):
        yield [
            ManifestEntry(key=_key(n), size_bytes=n, last_modified=_TIME, e_tag=f"{n:032x}")
            for n in range(start, min(start + 1_000, count))
        ]


async def _measure(count: int, folder: Path) -> dict[str, Any]:
    world, clock, requests = memory_world(), SystemClock(), Counter[str]()
    results: Any = DiskResults(folder, requests)
    tuning = Tuning(catalog_snapshots=True)
    ports: Any = replace(world.ports, clock=clock)  # type: ignore[arg-type]
    job = await _job(ports, tuning)
    deadline = Deadline(clock, clock.now() + timedelta(hours=1))
    lease = JobLease(
        jobs=world.ports.jobs,
        clock=clock,
        token="t",
        job_id=job.job_id,
        deadline=deadline,
        poll_s=tuning.hold_poll_s,
    )
    job = await lease.acquire(job.job_id, margin_s=30)
    take = TakeSnapshot(
        catalog_scan=CannedScan(count, requests),
        results=results,
        costing=Costing(),
        clock=clock,
        telemetry=MemoryTelemetry(),
        tuning=tuning,
    )
    watch = Stopwatch()
    ready = await take.run(job, lease)
    assert ready is not None
    assert ready.lookup is not None
    assert ready.lookup.snapshot is not None
    assert ready.lookup.snapshot.record_count == count
    scanned, of_scan = watch.usage(), Counter(requests)
    known_objects = KnownObjects(
        catalog=NoCatalog(),  # type: ignore[arg-type]
        snapshots=SnapshotReader(results=results),
        clock=clock,
        tuning=tuning,
    )
    watch.reset()
    known = 0
    for page in _pages(count):
        known += len(await known_objects.among(ready, page))
    assert known == count
    return {
        "items": count,
        "partitions": ready.lookup.snapshot.partition_count,
        "scan": asdict(scanned),
        "scan_requests": dict(of_scan),
        "lookup": asdict(watch.usage()),
        "lookup_requests": dict(requests - of_scan),
    }


async def _job(ports: Any, tuning: Tuning) -> Job:
    cases = use_cases(ports, tuning)
    await cases.connectors().register(NewConnector(bucket_name=_BUCKET, connector_id="c1"))
    options = SyncOptions(verify=Verify.CATALOG)
    return (await cases.start_sync().start("c1", options)).job


def _measured(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(count, Path(folder)))


def measure(items: Sequence[int]) -> list[dict[str, Any]]:
    """Return the requests, CPU time and memory of snapshots of these sizes, each in a process."""
    return [run_program("snapshots.py", "--items", str(count)) for count in items]


def tables(found: Sequence[dict[str, Any]]) -> list[Table]:
    """Return the table of what `measure` found."""
    rows = []
    for run in found:
        per_thousand = 1_000 / run["items"]
        rows.append(
            [
                "objects under other ids, snapshot",
                f"{run['items']:,}",
                f"{run['scan']['cpu_s'] * per_thousand:.3f}",
                f"{sum(run['scan_requests'].values()) * per_thousand:.1f}",
                f"{run['lookup']['cpu_s'] * per_thousand:.3f}",
                f"{sum(run['lookup_requests'].values()) * per_thousand:.1f}",
                mib(run["lookup"]["peak_kib"]),
            ]
        )
    note = (
        "Without the SDK's CPU time for these requests. With `verify: tags`, or without a snapshot"
        " and without an index over paths, each object costs a read of its tags: see the syncs by"
        " number of objects."
    )
    columns = (
        "sync",
        "objects",
        "CPU s per 1,000: scan",
        "requests per 1,000: scan",
        "CPU s per 1,000: lookup",
        "requests per 1,000: lookup",
        "peak MiB",
    )
    return [Table(title="Snapshots of the catalog", columns=columns, rows=rows, notes=(note,))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    print(json.dumps(_measured(parser.parse_args().items)))


if __name__ == "__main__":
    main()
