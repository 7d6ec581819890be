"""One stage at one size, in a process of its own: prints seconds and memory as JSON.

Run by bench/run.py: python bench/stages.py STAGE ROWS FOLDER
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from worlds import DiskResults, SyntheticBucket, key_of

from application.engine.chunk_sources import Source, manifest_source, report_source
from application.engine.job_lease import JobLease
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.connector import Bucket, Ingest
from domain.job import Discovery, Job, SyncOptions, SyncRequest, new_job
from domain.manifest import encode_key
from entrypoints.wiring.memory import memory_world, use_cases

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
    stage: str, rows: int, folder: Path, *, tuning: Tuning | None = None, latency_s: float = 0.0
) -> float:
    """Return the seconds of a stage; `latency_s` is that of each page of the listing."""
    world = memory_world()
    results: Any = DiskResults(folder)
    bucket: Any = SyntheticBucket(rows, latency_s)
    ports = replace(world.ports, results=results, objects=bucket)
    container = use_cases(ports, tuning or Tuning())
    clock = world.ports.clock
    options = SyncOptions(discovery=Discovery.DIRECT)
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
    lease = JobLease(jobs=world.ports.jobs, clock=clock, token="bench", deadline=deadline)
    job = await lease.acquire(job.job_id, margin_s=30)

    async def split(job: Job, source: Source) -> None:
        assert await container.split().run(job, lease, source) is not None

    started = time.perf_counter()
    if stage == "listing":
        assert await container.list_bucket().run(job, lease) is not None
    elif stage == "splitting":
        listed = await container.list_bucket().run(job, lease)
        assert listed is not None and listed.discovery.manifest is not None
        started = time.perf_counter()
        await split(listed, manifest_source(listed.discovery.manifest.key))
    else:
        _write_report(folder / _REPORT, rows)
        listed = await container.list_bucket().run(job, lease)
        assert listed is not None
        started = time.perf_counter()
        await split(listed, report_source((_REPORT,), dry_run=False))
    return time.perf_counter() - started


if __name__ == "__main__":
    name, count, where = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = asyncio.run(run_stage(name, count, where))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "before_kib": before, "peak_kib": after}))
