"""The index of a job's outcomes: requests, CPU time and memory to make it, and to look a key up.

    python bench/indexes.py --objects 1000000 --discovery direct

The files of the job are made first, and are on disk like those of the index, so the peak of memory
is that of the engine alone. With discovery `batch` the objects of a chunk are in no order of keys.
Requests to S3 and DynamoDB are counted; the CPU time is without the SDK, which takes about 0.3 ms
a request more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import Stopwatch, run_program
from tables import Table, mib

from adapters.aws.system import SystemClock
from application.engine.build_index import BuildIndex
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.files import (
    chunk_key,
    discovered_key,
    encode_entries,
    encode_outcomes,
    manifest_key,
    outcomes_key,
)
from application.results.outcome_index import IndexReader
from domain.chunk import Chunk, ChunkStatus
from domain.connector import Bucket
from domain.decision import Decision
from domain.discovery import Discovery
from domain.job import DiscoveryWork, Job, JobStatus, ManifestFile, new_job
from domain.manifest import ManifestEntry, encode_row
from domain.outcome import Outcome, OutcomeKind, count_outcomes
from domain.outcome_index import JobIndex
from domain.packing import ChunkSizing
from domain.sync_request import SyncOptions, SyncRequest
from ports.errors import Conflict, NotFound
from ports.paging import Page

_BUCKET = "media"
_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_STRIDE = 7_368_787
_LOOKUP_COUNT = 500
_BLOCK_BYTES = 256 * 1024


def _key(number: int) -> str:
    return f"2026/camera {number // 1000:06d}/clip {number:09d}.mov"


def _entry(number: int) -> ManifestEntry:
    return ManifestEntry(
        key=_key(number), size_bytes=number, last_modified=_TIME, e_tag=f"{number:032x}"
    )


def _outcome(number: int) -> Outcome:
    known = number % 10 > 0
    return Outcome(
        key=_key(number),
        kind=OutcomeKind.SKIPPED if known else OutcomeKind.PUT,
        reason="ASSET_KNOWN" if known else "NO_IDS",
        decision=Decision.SKIP if known else Decision.PUT,
        asset_id=f"asset:vid:{number:032x}",
        inventory_id=f"asset:uuid:{number:032x}",
        size_bytes=None if known else number,
        e_tag=None if known else f"{number:032x}",
        tags_before=None if known else {},
        mark=None if known else f"job-{number:032x} PUT 1 2026-01-01T00:00:00Z {number:016x}",
    )


class DiskResults:
    """Files on disk, whose requests are counted."""

    def __init__(self, folder: Path, requests: Counter[str]) -> None:
        self._folder, self._requests = folder, requests

    def _path(self, key: str) -> Path:
        return self._folder / key.replace("/", "_")

    def write(self, key: str, content: bytes) -> None:
        self._path(key).write_bytes(content)

    def write_rows(self, key: str, rows: Iterable[bytes]) -> None:
        with self._path(key).open("wb") as file:
            file.writelines(rows)

    def sizes(self, prefix: str) -> list[int]:
        """Return the sizes of the files below a prefix."""
        paths = self._folder.glob(self._path(prefix).name + "*")
        return [path.stat().st_size for path in paths]

    async def put(self, key: str, content: bytes) -> None:
        self._requests["PutObject"] += 1
        self.write(key, content)

    async def replace(self, key: str, content: bytes, *, e_tag: str | None) -> str:
        self._requests["PutObject"] += 1
        if (e_tag is None) == self._path(key).exists():
            raise Conflict("another process wrote the file")
        self.write(key, content)
        return "e"

    async def e_tag(self, key: str) -> str:
        self._requests["HeadObject"] += 1
        if not self._path(key).exists():
            raise NotFound(key)
        return "e"

    async def get(self, key: str) -> bytes:
        self._requests["GetObject"] += 1
        return self._path(key).read_bytes()

    async def read_range(self, key: str, start: int, stop: int) -> bytes:
        self._requests["GetObject"] += 1
        with self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    async def stream(self, key: str, *, position: int = 0) -> AsyncIterator[bytes]:
        self._requests["GetObject"] += 1
        with self._path(key).open("rb") as file:
            file.seek(position)
            while block := file.read(_BLOCK_BYTES):
                yield block


class ListedChunks:
    """The records of chunks, page by page."""

    def __init__(self, chunks: Sequence[Chunk], requests: Counter[str]) -> None:
        self._chunks, self._requests = chunks, requests

    async def list_page(self, _: str, *, limit: int, cursor: str | None = None) -> Page[Chunk]:
        self._requests["Query"] += 1
        start = int(cursor or 0)
        following = str(start + limit) if start + limit < len(self._chunks) else None
        return Page(tuple(self._chunks[start : start + limit]), following)


def _furnish(count: int, discovery: Discovery, results: DiskResults) -> tuple[Job, list[Chunk]]:
    """Write the files of a job that has ended; return its record, and those of its chunks."""
    request = SyncRequest(
        connector_id="c1", bucket=Bucket(name=_BUCKET), options=SyncOptions(discovery=discovery)
    )
    job = replace(
        new_job(job_id="job-1", request=request, now=_TIME),
        status=JobStatus.COMPLETED,
        index=JobIndex(number=0),
    )
    batch = discovery is Discovery.BATCH
    if batch:
        rows = (encode_row(_BUCKET, _entry(n), with_e_tag=True) for n in range(count))
        results.write_rows(manifest_key(job.job_id), rows)
        manifest = ManifestFile(key=manifest_key(job.job_id), e_tag="e", row_e_tags=True)
        job = replace(job, discovery=DiscoveryWork(manifest=manifest))
    size = ChunkSizing().object_count_max
    chunks = []
    for index, start in enumerate(range(0, count, size)):
        numbers = list(range(start, min(start + size, count)))
        if batch:
            numbers = [number * _STRIDE % count for number in numbers]
        outcomes = [_outcome(number) for number in numbers]
        counts = count_outcomes(outcomes)
        keys = [outcome.key for outcome in outcomes]
        entries = [number for number in numbers if not (batch and number % 10)]
        chunk = Chunk(
            job_id=job.job_id,
            index=index,
            status=ChunkStatus.COMPLETED,
            object_count=len(numbers),
            entry_count=len(entries),
            size_bytes=0,
            first_key=min(keys),
            last_key=max(keys),
            discovered=replace(counts, put=0) if batch else count_outcomes([]),
            statistics=counts,
            created_at=_TIME,
            updated_at=_TIME,
        )
        own = set(map(_key, entries))
        done = [outcome for outcome in outcomes if outcome.key in own]
        found = [outcome for outcome in outcomes if outcome.key not in own]
        results.write(chunk_key(chunk), encode_entries(_BUCKET, map(_entry, entries)))
        for key, part in (
            (outcomes_key(job.job_id, index), done),
            (discovered_key(job.job_id, index), found),
        ):
            results.write(key, encode_outcomes(part, job_id=job.job_id, chunk_index=index))
        chunks.append(chunk)
    return job, chunks


async def _make(count: int, discovery: Discovery, folder: Path) -> dict[str, Any]:
    clock, requests = SystemClock(), Counter[str]()
    results: Any = DiskResults(folder, requests)
    job, chunks = _furnish(count, discovery, results)
    build = BuildIndex(
        job,
        token="t",
        deadline=Deadline(clock, clock.now() + timedelta(hours=1)),
        chunks=ListedChunks(chunks, requests),  # type: ignore[arg-type]
        results=results,
        tuning=Tuning(),
    )
    watch = Stopwatch()
    assert await build.run()
    made, of_making = watch.usage(), Counter(requests)
    assert build.object_count == count
    reader = IndexReader(results=results)
    chosen = random.Random(1).sample(range(count), min(_LOOKUP_COUNT, count))
    watch.reset()
    for number in chosen:
        found = await reader.find(job.job_id, 0, _key(number))
        assert found is not None
        assert found.outcome == _outcome(number)
        assert found.listed.e_tag == f"{number:032x}"
    sizes = results.sizes("jobs/job-1/index/")
    return {
        "objects": count,
        "discovery": discovery.value,
        "parts": len(sizes) - 1,
        "bytes": sum(sizes),
        "making": asdict(made),
        "making_requests": dict(of_making),
        "lookup": asdict(watch.usage()),
        "lookup_count": len(chosen),
        "lookup_requests": dict(requests - of_making),
    }


def _measured(count: int, discovery: Discovery) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_make(count, discovery, Path(folder)))


def measure(objects: Sequence[int]) -> list[dict[str, Any]]:
    """Return the requests, CPU time and memory of indexes of these sizes, each in a process."""
    return [
        run_program("indexes.py", "--objects", str(count), "--discovery", discovery.value)
        for count in objects
        for discovery in (Discovery.DIRECT, Discovery.BATCH)
    ]


def tables(found: Sequence[dict[str, Any]]) -> list[Table]:
    """Return the table of what `measure` found."""
    rows = []
    for run in found:
        per_million = 1_000_000 / run["objects"]
        rows.append(
            [
                run["discovery"],
                f"{run['objects']:,}",
                f"{run['making']['cpu_s'] * per_million:.1f}",
                f"{sum(run['making_requests'].values()) * per_million:,.0f}",
                mib(run["making"]["peak_kib"]),
                f"{run['bytes'] * per_million / 1024**2:.0f}",
                f"{sum(run['lookup_requests'].values()) / run['lookup_count']:.1f}",
                f"{run['lookup']['cpu_s'] / run['lookup_count'] * 1_000:.1f}",
            ]
        )
    note = "Without the SDK's CPU time for these requests. A tenth of the objects was written."
    columns = (
        "discovery",
        "objects",
        "CPU s per million",
        "requests per million",
        "peak MiB",
        "MiB per million",
        "reads per lookup",
        "CPU ms per lookup",
    )
    return [Table(title="Indexes of outcomes", columns=columns, rows=rows, notes=(note,))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--discovery", type=Discovery, default=Discovery.DIRECT)
    options = parser.parse_args()
    print(json.dumps(_measured(options.objects, options.discovery)))


if __name__ == "__main__":
    main()
