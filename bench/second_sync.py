"""A second sync of objects that the system has: its requests, and its CPU time.

    python bench/second_sync.py --objects 100000

Two jobs, one for each setting of `verify`, from listing to the last settled chunk. The bucket and
the catalog are in another process (bench/canned_catalog.py) and are asked over HTTP by the real
adapters; the service's own tables and files are in memory. The CPU time is this process's alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from calls import at_endpoint, canned_server

import entrypoints.collector  # noqa: F401 - as in a function
from adapters.aws.catalog import DynamoCatalog
from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.object_store import S3ObjectStore
from application.connectors import NewConnector
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.connector import Verify
from domain.job import Discovery, JobStatus, SyncOptions
from entrypoints.wiring.memory import memory_world, use_cases


async def _sync(verify: Verify, object_count: int) -> dict[str, Any]:
    world = memory_world()
    requests: Counter[str] = Counter()

    def count(service: str, operation: str, _parameters: Mapping[str, Any]) -> None:
        requests[operation] += 1

    async with open_clients(ClientSettings(), on_request=count) as clients:
        clock = world.ports.clock
        ports = replace(
            world.ports,
            objects=S3ObjectStore(await clients.s3(), clock=clock),  # type: ignore[arg-type]
            catalog=DynamoCatalog(await clients.dynamodb(), "assets"),  # type: ignore[arg-type]
        )
        container = use_cases(ports, Tuning())
        await container.connectors().register(NewConnector(bucket_name="media", connector_id="c"))
        options = SyncOptions(discovery=Discovery.DIRECT, verify=verify)
        deadline = Deadline(clock, clock.now() + timedelta(hours=1))
        started, cpu_started = time.perf_counter(), time.process_time()
        job = (await container.start_sync().start("c", options)).job
        for job_id in world.ports.invoker.take():
            await container.engine().advance(job_id, deadline)
        for message in world.ports.queue.receive():
            await container.process_chunk().process(message.job_id, message.chunk_index, deadline)
        cpu_s, wall_s = time.process_time() - cpu_started, time.perf_counter() - started
    job = await world.ports.jobs.get(job.job_id)
    assert job.status is JobStatus.COMPLETED, job
    assert job.tally.statistics.skipped == object_count, job
    return {
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "requests": dict(requests),
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--verify", choices=list(Verify), help="this setting alone")
    parser.add_argument("--output", choices=("human", "json"), default="human")
    args = parser.parse_args()
    if args.verify is not None:
        with canned_server("canned_catalog.py", str(args.objects)) as url:
            at_endpoint(url)
            print(json.dumps(asyncio.run(_sync(Verify(args.verify), args.objects))))
        return
    found = {verify.value: _in_a_process(verify, args.objects) for verify in Verify}
    if args.output == "json":
        print(json.dumps(found, indent=2))
        return
    for verify, figures in found.items():
        rate = args.objects / figures["cpu_s"]
        requests = ", ".join(f"{count:,} {name}" for name, count in figures["requests"].items())
        print(f"verify {verify:<8} {rate:>9,.0f} objects per CPU second; {requests}")
    ratio = found[Verify.TAGS]["cpu_s"] / found[Verify.CATALOG]["cpu_s"]
    print(f"catalog against tags: {ratio:.1f} times as many objects per CPU second")


def _in_a_process(verify: Verify, object_count: int) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, Path(__file__), "--verify", verify, "--objects", str(object_count)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


if __name__ == "__main__":
    main()
