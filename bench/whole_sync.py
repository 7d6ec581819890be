"""One whole sync by this service in a process of its own: prints CPU time and memory as JSON.

Run by bench/syncs.py: python bench/whole_sync.py OBJECTS --trigger copy --verify tags

The use cases run as in the functions, from listing to the last settled chunk, one chunk at a time:
after the listing, so that each has its CPU time, or while it continues.
The bucket, the catalog, the results bucket, the ingest bus and the ingest queue are asked over HTTP
by the real adapters. The service's own tables and its queue of chunks are in memory: what they get
depends on the number of chunks, not of objects.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

from measuring import Stopwatch, Usage, report
from sampling import Samples, sampling

import entrypoints.collector  # noqa: F401 - as in a function
from adapters.aws.catalog import DynamoCatalog
from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.ingest_bus import EventBridgeIngestBus
from adapters.aws.ingest_queue import SqsIngestQueue
from adapters.aws.object_store import S3ObjectStore
from adapters.aws.results_store import S3ResultsStore
from adapters.aws.system import RandomIds, SystemClock
from application.connectors import NewConnector
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.connector import Ingest, Trigger, Verify
from domain.discovery import Discovery
from domain.job import Job, JobStatus
from domain.sync_request import SyncOptions
from entrypoints.wiring.memory import RESULTS_BUCKET_NAME, memory_world, use_cases

# Of an invocation of the engine or the processor.
_INVOCATION = timedelta(minutes=15)


async def sync(
    bucket_name: str, ingest: Ingest, verify: Verify, *, together: bool = False
) -> tuple[Job, dict[str, float], Usage]:
    """Run a job to its end; return it, facts about its run, and what it took.

    Clients are opened before. `together` runs the processor while the engine lists, as in AWS; the
    facts are then when, and not who took how much CPU time.
    """
    world = memory_world()
    clock = SystemClock()
    async with open_clients(ClientSettings()) as clients:
        # The stubs of the memory world name its own classes.
        aws: dict[str, Any] = {
            "clock": clock,
            "ids": RandomIds(clock),
            "objects": S3ObjectStore(await clients.s3(), clock=clock),
            "results": S3ResultsStore(await clients.s3(), bucket_name=RESULTS_BUCKET_NAME),
            "catalog": DynamoCatalog(await clients.dynamodb(), "assets"),
            "bus": EventBridgeIngestBus(clients.events, bus_name="ingest"),
            "ingest_queue": SqsIngestQueue(
                clients.sqs, open_metrics=clients.cloudwatch, clock=clock
            ),
        }
        ports = replace(world.ports, **aws)
        container = use_cases(ports, Tuning())
        whole = Stopwatch()
        await container.connectors().register(
            NewConnector(bucket_name=bucket_name, connector_id="c", ingest=ingest)
        )
        options = SyncOptions(discovery=Discovery.DIRECT, verify=verify)
        job = (await container.start_sync().start("c", options)).job

        async def advance() -> None:
            for job_id in ports.invoker.take():
                await container.engine().advance(job_id, Deadline(clock, clock.now() + _INVOCATION))

        async def process() -> None:
            for message in ports.queue.receive():
                await container.process_chunk().process(
                    message.job_id, message.chunk_index, Deadline(clock, clock.now() + _INVOCATION)
                )

        if together:
            facts = await _while_listing(ports, job.job_id, advance, process)
        else:
            facts = {"engine_cpu_s": 0.0, "processor_cpu_s": 0.0}
        while not (job := await ports.jobs.get(job.job_id)).terminal:
            watch = Stopwatch()
            await advance()
            engine_cpu_s = watch.usage().cpu_s
            await process()
            if not together:
                facts["engine_cpu_s"] += engine_cpu_s
                facts["processor_cpu_s"] += watch.usage().cpu_s - engine_cpu_s
        return job, facts, whole.usage()


async def _while_listing(
    ports: Any,
    job_id: str,
    advance: Callable[[], Awaitable[None]],
    process: Callable[[], Awaitable[None]],
) -> dict[str, float]:
    """Process chunks until the job is listed; return when, and how many objects had an outcome."""
    watch = Stopwatch()
    facts: dict[str, float] = {}
    listing = asyncio.ensure_future(advance())
    while not listing.done():
        await process()
        job = await ports.jobs.get(job_id)
        if job.tally.statistics.total and "first_settled_s" not in facts:
            facts["first_settled_s"] = watch.usage().wall_s
        await asyncio.sleep(0.005)
    await listing
    job = await ports.jobs.get(job_id)
    assert job.listed, job
    facts["listed_s"] = watch.usage().wall_s
    facts["settled_when_listed"] = job.tally.statistics.total
    return facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("objects", type=int)
    parser.add_argument("--bucket", default="media")
    parser.add_argument("--trigger", choices=list(Trigger), default=Trigger.COPY)
    parser.add_argument("--verify", choices=list(Verify), default=Verify.TAGS)
    parser.add_argument("--queue-url")
    parser.add_argument("--together", action="store_true", help="process while listing")
    parser.add_argument("--sample", action="store_true", help="also where the CPU time goes")
    args = parser.parse_args()
    ingest = Ingest(trigger=Trigger(args.trigger), queue_url=args.queue_url)
    with sampling() if args.sample else nullcontext(Samples()) as samples:
        job, facts, usage = asyncio.run(
            sync(args.bucket, ingest, Verify(args.verify), together=args.together)
        )
    assert job.status is JobStatus.COMPLETED, job
    assert job.tally.statistics.total == args.objects, job
    statistics = job.tally.statistics
    report(
        {
            "triggered": statistics.copied + statistics.put,
            "skipped": statistics.skipped,
            **facts,
            "layers": samples.layers,
            "calls": samples.calls,
        },
        usage,
    )


if __name__ == "__main__":
    main()
