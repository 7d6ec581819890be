"""One stage at one size, in a process of its own: prints CPU time and memory as JSON.

Run by bench/memory.py: python bench/stages.py STAGE ROWS FOLDER [--streams 1]
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from measuring import Stopwatch, Usage, peak_kib, report
from worlds import DiskResults, SyntheticBucket, key_of

from application.engine.chunk_sources import report_source
from application.engine.job_lease import JobLease
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.connector import Bucket, Ingest
from domain.discovery import Discovery
from domain.job import new_job
from domain.manifest import encode_key
from domain.sync_request import SyncOptions, SyncRequest
from entrypoints.wiring.memory import memory_world, use_cases

STAGES = ("chunks", "manifest", "report")

_REPORT = "report.csv"


def _write_report(path: Path, rows: int) -> None:
    """Write a completion report: nine of ten objects known, one to put."""
    with path.open("w", newline="") as file:
        for index in range(rows):
            key = encode_key(key_of(index))
            result = (
                '{""o"":""PUT"",""r"":""NO_IDS"",""s"":5000000}'
                if index % 10 == 0
                else '{""o"":""SKIPPED"",""r"":""ASSET_KNOWN"",""a"":""asset:vid:0d6cbb0a""}'
            )
            file.write(f'media,{key},,succeeded,200,,"{result}"\r\n')


async def run_stage(
    stage: str,
    rows: int,
    folder: Path,
    *,
    tuning: Tuning | None = None,
    latency_s: float = 0.0,
    stores: Mapping[str, Any] | None = None,
) -> Usage:
    """Return what a stage took; `latency_s` is that of each page of the listing.

    `chunks` lists into chunks, as a job with discovery `direct` does, and `manifest` into the
    manifest of a batch job, whose completion report `report` reads and splits into chunks.

    `stores` replace the bucket and the files, by the names of their ports.
    """
    world = memory_world()
    local: dict[str, Any] = {
        "results": DiskResults(folder),
        "objects": SyntheticBucket(rows, latency_s),
        **(stores or {}),
    }
    container = use_cases(replace(world.ports, **local), tuning or Tuning())
    clock = world.ports.clock
    options = SyncOptions(discovery=Discovery.DIRECT if stage == "chunks" else Discovery.BATCH)
    job = await world.ports.jobs.create(
        new_job(
            job_id="job-bench",
            request=SyncRequest(
                connector_id="bench",
                bucket=Bucket(name="media"),
                ingest=Ingest(),
                options=options,
            ),
            now=clock.now(),
        )
    )
    deadline = Deadline(clock, clock.now() + timedelta(hours=1))
    lease = JobLease(
        jobs=world.ports.jobs,
        clock=clock,
        token="bench",
        job_id=job.job_id,
        deadline=deadline,
        poll_s=(tuning or Tuning()).hold_poll_s,
    )
    job = await lease.acquire(job.job_id, margin_s=30)
    if stage == "report":
        _write_report(folder / _REPORT, rows)
    watch = Stopwatch()
    listed = await container.list_bucket().run(job, lease)
    assert listed is not None, "the listing did not end"
    if stage != "report":
        return watch.usage()
    source = report_source((_REPORT,), dry_run=False)
    watch.reset()
    assert await container.split().run(listed, lease, source) is not None
    return watch.usage()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("rows", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--streams", type=int, default=Tuning().listing_streams)
    args = parser.parse_args()
    before_kib = peak_kib()
    tuning = Tuning(listing_streams=args.streams)
    usage = asyncio.run(run_stage(args.stage, args.rows, args.folder, tuning=tuning))
    report({"before_kib": before_kib}, usage)


if __name__ == "__main__":
    main()
