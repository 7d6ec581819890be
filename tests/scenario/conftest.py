"""A whole installation on the memory adapters, driven step by step."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any
from zlib import crc32

import pytest

from application.connectors import NewConnector
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.processor.discover_object import TaskResult
from application.results.files import chunk_key, manifest_key, read_entries
from domain.batch_job import ENDED
from domain.catalog import storage_path
from domain.chunk import Chunk
from domain.connector import IdSource, Ingest, Trigger
from domain.discovery import Discovery
from domain.failure import Failure
from domain.identity import identity_of
from domain.job import Job
from domain.message import IngestEvent
from domain.packing import ChunkSizing
from domain.profile import GENERIC, Profile
from domain.sync_request import SyncOptions
from domain.trigger_mark import mark_of
from entrypoints.wiring.memory import memory_world, use_cases

BUCKET = "media"
QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/210987654321/ingest.fifo"
ROLE_ARN = "arn:aws:iam::210987654321:role/media"
SMALL = Tuning(sizing=ChunkSizing(object_count_max=5), manifest_part_bytes=1)
ROUND_COUNT_MAX = 60


class Story:
    """One bucket and one connector, with their users, jobs and asset system."""

    def __init__(
        self,
        tuning: Tuning = SMALL,
        *,
        trigger: Trigger = Trigger.COPY,
        ids: IdSource = IdSource.MINTED,
        ingest: Mapping[str, Any] = MappingProxyType({}),
        profile: Profile = GENERIC,
        page_object_count: int = 3,
        bucket_exists: bool = True,
        connector: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.world = memory_world(page_object_count=page_object_count)
        self.ports = self.world.ports
        self.buckets = self.world.buckets
        self.requests = self.world.buckets.requests
        self.use_cases = use_cases(self.ports, tuning, profile=profile)
        self.tuning = tuning
        queue_url = QUEUE_URL if trigger is Trigger.QUEUE else None
        self.ingest_settings = Ingest(
            **{"trigger": trigger, "ids": ids, "queue_url": queue_url, **ingest}
        )
        self.connector_settings = connector
        self.compares = True
        self.time_s = 900.0
        self.on_chunk: Callable[[], None] = lambda: None
        self.ports.ingest_queue.create(QUEUE_URL)
        if bucket_exists:
            # Access is granted only in the role that the connector names.
            self.buckets.create(BUCKET).role_arn = ROLE_ARN

    # The bucket and its catalog.

    def put(self, *keys: str, **options: Any) -> None:
        """Put objects of different content."""
        for key in keys:
            self.buckets.put(BUCKET, key, f"content of {key}".encode(), **options)
        # An object that is read in the second of its last change is ambiguous, and read again.
        self.ports.clock.advance(1)

    def put_known(self, key: str) -> None:
        """Put an object that the catalog has."""
        tags = {"AssetID": f"asset {crc32(key.encode())}"}
        tags["InventoryID"] = tags["AssetID"].replace("asset", "inventory")
        self.put(key, tags=tags)
        self.ports.catalog.ingest(inventory_id=tags["InventoryID"], asset_id=tags["AssetID"])

    def put_half_known(self, key: str) -> None:
        """Put an object whose inventory record has no asset yet."""
        tags = {"InventoryID": f"inventory {crc32(key.encode())}"}
        self.put(key, tags=tags)
        self.ports.catalog.ingest(inventory_id=tags["InventoryID"], asset_id=None)

    def tags(self, key: str) -> Mapping[str, str]:
        """Return the tags of an object."""
        return self.buckets.get(BUCKET, key).tags

    def known(self, key: str) -> bool:
        """Return whether the catalog has the asset of an object."""
        asset_id = identity_of(self.tags(key)).asset_id
        return any(each.asset_id == asset_id for each in self.world.database.assets.values())

    def job_in_tags(self, key: str) -> str | None:
        """Return the id of the job that triggered the object last, by its own tag."""
        mark = mark_of(self.tags(key), bucket_name=BUCKET, key=key)
        return mark and mark.job_id

    def ingest(self) -> None:
        """Let the Asset Management System ingest every event."""
        for event in self.ports.bus.events:
            self.ports.catalog.ingest(inventory_id=event.inventory_id, asset_id=event.asset_id)

    def record(self, event: IngestEvent) -> None:
        """Let it record an object's current version, under the ids of its event."""
        head = self.buckets.get(BUCKET, event.object_key).head
        self.ports.catalog.ingest(
            inventory_id=event.inventory_id,
            asset_id=event.asset_id,
            storage_path=storage_path(BUCKET, event.object_key),
            e_tag=head.e_tag,
            size_bytes=head.size_bytes,
            last_modified=head.last_modified,
        )

    # Users.

    async def start(self, *, key: str | None = None, **options: Any) -> Job:
        """Start a sync; the connector is created on first use."""
        if not self.world.database.connectors:
            new = NewConnector(
                bucket_name=BUCKET,
                connector_id="c1",
                ingest=self.ingest_settings,
                role_arn=ROLE_ARN,
                **self.connector_settings,
            )
            await self.use_cases.connectors().register(new)
        options.setdefault("discovery", Discovery.DIRECT)
        start = self.use_cases.start_sync()
        started = await start.start("c1", SyncOptions(**options), idempotency_key=key)
        return started.job

    async def sync(self, **options: Any) -> Job:
        """Start a sync and run it to its end."""
        return await self.finish((await self.start(**options)).job_id)

    # Processes.

    async def finish(self, job_id: str) -> Job:
        """Run everything until the job has ended."""
        for _ in range(ROUND_COUNT_MAX):
            job = await self.ports.jobs.get(job_id)
            if job.terminal:
                return job
            await self.turn()
        pytest.fail(f"{job_id} does not end: {job}")

    async def turn(self) -> None:
        """Run once what is due: engine, batch jobs, chunks, sweep."""
        await self.run_engine()
        await self.run_batch_jobs()
        await self.run_chunks()
        self.ports.clock.advance(400)
        await self.use_cases.sweep().run(self.deadline())

    async def run_engine(self) -> None:
        """Run the engine for its invocations."""
        for job_id in self.ports.invoker.take():
            await self.use_cases.engine().advance(job_id, self.deadline())
        for job_id in self.ports.invoker.take_compared() if self.compares else ():
            await self.use_cases.compare_syncs().run(job_id, self.deadline())
        for job_id in self.ports.invoker.take_searched():
            await self.use_cases.search_orphans().run(job_id, self.deadline())
        for job_id, number in self.ports.invoker.take_shares():
            await self.use_cases.list_share().run(job_id, number, self.deadline())

    async def run_chunks(self) -> None:
        """Deliver the chunk messages that are due."""
        for message in self.ports.queue.receive():
            process = self.use_cases.process_chunk().process
            await process(message.job_id, message.chunk_index, self.deadline())
            self.on_chunk()

    async def run_batch_jobs(self) -> None:
        """Run the batch jobs, and publish their ends."""
        for batch_job_id, order in list(self.ports.batch_jobs.created.items()):
            if (await self.ports.batch_jobs.describe(batch_job_id)).status not in ENDED:
                job_id = order.user_arguments["jobId"]
                await self.ports.batch_jobs.run(batch_job_id, self.task_of(job_id))
                await self.use_cases.engine().advance(job_id, self.deadline())

    async def run_batch_job_silently(self, job_id: str) -> str:
        """Run the job's only batch job, without its event; return the key of its report file."""
        (batch_job_id,) = self.ports.batch_jobs.created
        await self.ports.batch_jobs.run(batch_job_id, self.task_of(job_id))
        [key] = [name for name in self.ports.results.files if "/results/" in name]
        return key

    def deadline(self) -> Deadline:
        """Return the deadline of an invocation that starts now."""
        clock = self.ports.clock
        return Deadline(clock, clock.now() + timedelta(seconds=self.time_s))

    # Results.

    def outcomes(self, job: Job) -> dict[str, dict[str, Any]]:
        """Return the outcome lines of a job by key; a repeated key fails the test."""
        found: dict[str, dict[str, Any]] = {}
        for name, content in sorted(self.ports.results.files.items()):
            if name.startswith(f"jobs/{job.job_id}/outcomes/"):
                for line in map(json.loads, content.splitlines()):
                    assert line["key"] not in found
                    found[line["key"]] = line
        return found

    async def listed_keys(self, job: Job) -> list[str]:
        """Return the keys that a job has listed, in the order of its files."""
        if job.request.options.discovery is Discovery.BATCH:
            names = [manifest_key(job.job_id)]
        else:
            names = [chunk_key(chunk) for chunk in self.chunks(job)]
        results = self.ports.results
        return [entry.key for name in names async for entry in read_entries(results, name)]

    def kinds(self, job: Job) -> dict[str, str]:
        """Return the outcomes of a job by key."""
        return {key: line["outcome"] for key, line in self.outcomes(job).items()}

    async def failures(self, job: Job) -> list[Failure]:
        """Return the error records of a job."""
        page = await self.use_cases.queries().failures(job.job_id, limit=1_000, cursor=None)
        return list(page.items)

    def chunks(self, job: Job) -> list[Chunk]:
        """Return the chunks of a job."""
        return list(self.world.database.chunks_of(job.job_id))

    def statuses(self, job: Job) -> list[str]:
        """Return the statuses of a job that were published, in order."""
        return [m.status.value for m in self.ports.notifier.messages if m.job_id == job.job_id]

    def summary(self, job: Job) -> dict[str, Any]:
        """Return a job's summary.json."""
        found: dict[str, Any] = json.loads(
            self.ports.results.files[f"jobs/{job.job_id}/summary.json"]
        )
        return found

    def writes(self) -> dict[str, int]:
        """Return how often a customer's object was written, and how many events were sent."""
        names = ("CopyObject", "PutObjectTagging", "CompleteMultipartUpload")
        return {name: self.requests[name] for name in names} | {
            "events": len(self.ports.bus.events)
        }

    def task_of(self, job_id: str) -> Callable[[dict[str, Any]], Any]:
        """Return the function that answers the tasks of a job's batch job."""
        return partial(self._task, job_id)

    async def _task(self, job_id: str, event: dict[str, Any]) -> dict[str, Any]:
        task = event["tasks"][0]
        answer: TaskResult = await self.use_cases.discover_object().answer(
            job_id, task["s3Bucket"], task["s3Key"]
        )
        return {"results": [{"resultCode": answer.code, "resultString": answer.text}]}


@pytest.fixture
def story() -> Story:
    """A story with small chunks."""
    return Story()


@pytest.fixture
def new_story() -> Callable[..., Story]:
    """Create stories, for tests that need a special one or several."""
    return Story
