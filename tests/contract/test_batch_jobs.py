"""The contract of ports.batch_jobs; on the AWS side, over the emulator of S3 Batch Operations."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import pytest
import pytest_asyncio

from adapters.aws.batch_jobs import S3BatchJobs
from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.aws.results_store import S3ResultsStore
from adapters.local_aws.s3_batch_operations import (
    BatchOperations,
    BatchOperationsSettings,
    InvokeResult,
)
from adapters.memory.batch_jobs import MemoryBatchJobs
from adapters.memory.results_store import MemoryResultsStore
from adapters.memory.system import ManualClock
from domain.batch_job import (
    ENDED,
    BatchJob,
    BatchJobStatus,
    failure_of,
    parse_report_index,
    parse_report_row,
)
from domain.connector import Bucket
from domain.job import DiscoveryWork, Job, ManifestFile, new_job
from domain.manifest import ManifestEntry, decode_invocation_key, encode_row
from domain.sync_request import SyncRequest
from ports.batch_jobs import BatchJobs
from ports.clock import Clock
from ports.errors import NotFound
from ports.results_store import ResultsStore

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = ["a b.jpg", "a+b.jpg", "100%.jpg", "pct%2Fliteral", 'ü/😀,"q".jpg', "line\nend", "a//../b"]
REPORTS = "jobs/{}/reports"


class Processor:
    """The function that a batch job calls: records its tasks, and returns scripted results."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.result_code = "Succeeded"
        self.events: list[dict[str, Any]] = []

    async def __call__(self, event: dict[str, Any]) -> Mapping[str, Any]:
        self.events.append(event)
        await self.may_answer.wait()
        [task] = event["tasks"]
        return {
            "invocationSchemaVersion": event["invocationSchemaVersion"],
            "treatMissingKeysAs": "TemporaryFailure",
            "invocationId": event["invocationId"],
            "results": [
                {
                    "taskId": task["taskId"],
                    "resultCode": self.result_code,
                    "resultString": 'said "so", twice',
                }
            ],
        }

    def keys(self) -> list[str]:
        return sorted(decode_invocation_key(event["tasks"][0]["s3Key"]) for event in self.events)


class World(Protocol):
    job_id: str
    batch_jobs: BatchJobs
    results: ResultsStore
    processor: Processor

    async def end_of(self, batch_job_id: str) -> BatchJob:
        """The batch job when it has ended."""


class MemoryWorld:
    def __init__(self, job_id: str, clock: Clock) -> None:
        self.job_id = job_id
        self.results: ResultsStore = MemoryResultsStore()
        self._batch_jobs = MemoryBatchJobs(self.results, clock)
        self.batch_jobs: BatchJobs = self._batch_jobs
        self.processor = Processor()

    async def end_of(self, batch_job_id: str) -> BatchJob:
        return await self._batch_jobs.run(batch_job_id, self.processor)


class EmulatedWorld:
    def __init__(
        self, job_id: str, batch_jobs: BatchJobs, results: ResultsStore, processor: Processor
    ) -> None:
        self.job_id = job_id
        self.batch_jobs = batch_jobs
        self.results = results
        self.processor = processor

    async def end_of(self, batch_job_id: str) -> BatchJob:
        async with asyncio.timeout(10):
            while True:
                found = await self.batch_jobs.describe(batch_job_id)
                if found.status in ENDED:
                    return found
                await asyncio.sleep(0.02)


class Emulator:
    """One emulator for the session; each test's processor has its own ARN."""

    client: Any

    def __init__(self) -> None:
        self.processors: dict[str, Processor] = {}

    async def invoke(self, function_arn: str, payload: bytes) -> InvokeResult:
        answer = await self.processors[function_arn](json.loads(payload))
        return InvokeResult(200, None, json.dumps(answer).encode())

    async def publish(self, event: Mapping[str, Any]) -> None:
        """Events have no subscriber."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def emulator(clients: Clients) -> AsyncIterator[Emulator]:
    s3 = await clients.s3()

    @asynccontextmanager
    async def shared() -> AsyncIterator[Any]:
        yield s3

    made = Emulator()
    server = BatchOperations(
        BatchOperationsSettings(redrive_delay_s=0),
        s3_client_factory=shared,
        invoke=made.invoke,
        publish=made.publish,
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL_S3_CONTROL", await server.start())
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        async with open_clients(ClientSettings(attempt_count_max=1)) as own:
            made.client = await own.s3control()
            yield made
    await server.stop()


@pytest.fixture
def memory_world(unique_name: str, clock: ManualClock) -> World:
    return MemoryWorld(unique_name, clock)


@pytest_asyncio.fixture(loop_scope="session")
async def aws_world(unique_name: str, clients: Clients, emulator: Emulator) -> World:
    s3 = await clients.s3()
    await s3.create_bucket(Bucket=unique_name)
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{unique_name}"
    processor = emulator.processors[arn] = Processor()
    batch_jobs = S3BatchJobs(
        emulator.client,
        account_id="123456789012",
        results_bucket=unique_name,
        processor_arn=arn,
        role_arn="arn:aws:iam::123456789012:role/batch-operations",
    )
    results = S3ResultsStore(s3, bucket_name=unique_name)
    return EmulatedWorld(unique_name, batch_jobs, results, processor)


@pytest.fixture(params=["memory", "aws"])
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.getfixturevalue(f"{request.param}_world")
    return chosen


async def job_over(world: World, clock: ManualClock, *keys: str, job_id: str = "") -> Job:
    """A job whose manifest lists these keys."""
    job_id = job_id or world.job_id
    manifest_key = f"jobs/{job_id}/manifest.csv"
    entries = [ManifestEntry(key=key, size_bytes=1, last_modified=clock.now()) for key in keys]
    await world.results.put(manifest_key, b"".join(encode_row("media", e) for e in entries))
    job = new_job(
        job_id=job_id,
        request=SyncRequest(connector_id="con-1", bucket=Bucket(name="media")),
        now=clock.now(),
    )
    manifest = ManifestFile(key=manifest_key, e_tag=await world.results.e_tag(manifest_key))
    return replace(job, discovery=DiscoveryWork(manifest=manifest))


async def create(world: World, job: Job) -> str:
    return await world.batch_jobs.create(job, report_prefix=REPORTS.format(job.job_id))


async def test_every_object_is_one_task(world: World, clock: ManualClock) -> None:
    job = await job_over(world, clock, *KEYS)

    ended = await world.end_of(await create(world, job))

    assert world.processor.keys() == sorted(KEYS)
    assert "a+b.jpg" in {event["tasks"][0]["s3Key"] for event in world.processor.events}
    assert "a%2Bb.jpg" in {event["tasks"][0]["s3Key"] for event in world.processor.events}
    assert ended.status is BatchJobStatus.COMPLETE
    assert (ended.total_count, ended.succeeded_count, ended.failed_count) == (
        len(KEYS),
        len(KEYS),
        0,
    )
    assert ended.ended_at is not None
    assert failure_of(ended) is None
    for event in world.processor.events:
        assert event["invocationSchemaVersion"] == "2.0"
        assert event["job"]["userArguments"]["jobId"] == world.job_id
        assert all(isinstance(v, str) for v in event["job"]["userArguments"].values())
        assert event["tasks"][0]["s3Bucket"] == "media"


async def test_a_batch_job_has_the_id_of_its_job(world: World, clock: ManualClock) -> None:
    batch_job_id = await create(world, await job_over(world, clock, "a"))

    found = await world.batch_jobs.describe(batch_job_id)

    assert found.batch_job_id == batch_job_id
    assert found.job_id == world.job_id


async def test_the_same_job_makes_one_batch_job(world: World, clock: ManualClock) -> None:
    one = await job_over(world, clock, "a")
    other = await job_over(world, clock, "a", job_id=f"{world.job_id}-other")

    first = await create(world, one)

    assert await create(world, one) == first
    assert await create(world, other) != first
    await world.end_of(first)
    assert await create(world, one) == first
    assert world.processor.keys().count("a") <= 2


async def test_the_report_has_every_row_as_the_manifest_had_it(
    world: World, clock: ManualClock
) -> None:
    batch_job_id = await create(world, await job_over(world, clock, *KEYS))
    await world.end_of(batch_job_id)

    folder = f"{REPORTS.format(world.job_id)}/job-{batch_job_id}"
    index = parse_report_index(await world.results.get(f"{folder}/manifest.json"))
    content = "".join([(await world.results.get(key)).decode() for key in index])
    rows = list(csv.reader(io.StringIO(content, newline="")))

    parsed = [parse_report_row(line.encode()) for line in content.splitlines(keepends=True)]
    assert sorted(row.key for row in parsed) == sorted(KEYS)
    assert {row.message for row in parsed} == {'said "so", twice'}
    assert {row[0] for row in rows} == {"media"}
    assert {row[4] for row in rows} == {"200"}


async def test_a_batch_job_whose_tasks_all_failed_is_complete(
    world: World, clock: ManualClock
) -> None:
    world.processor.result_code = "PermanentFailure"
    batch_job_id = await create(world, await job_over(world, clock, "a", "b"))

    ended = await world.end_of(batch_job_id)

    assert ended.status is BatchJobStatus.COMPLETE
    assert (ended.total_count, ended.succeeded_count, ended.failed_count) == (2, 0, 2)
    assert failure_of(ended) is not None


async def test_a_temporary_failure_is_retried(world: World, clock: ManualClock) -> None:
    world.processor.result_code = "TemporaryFailure"
    batch_job_id = await create(world, await job_over(world, clock, "a"))

    ended = await world.end_of(batch_job_id)

    assert len(world.processor.events) > 1
    assert ended.failed_count == 1


async def test_a_manifest_that_changed_fails_the_batch_job(
    world: World, clock: ManualClock
) -> None:
    job = await job_over(world, clock, "a")
    assert job.discovery.manifest is not None
    await world.results.put(job.discovery.manifest.key, b"media,other,1,\n")

    ended = await world.end_of(await create(world, job))

    assert ended.status is BatchJobStatus.FAILED
    assert ended.failure_reasons
    assert world.processor.events == []


async def test_a_cancelled_batch_job_ends(world: World, clock: ManualClock) -> None:
    world.processor.may_answer.clear()
    batch_job_id = await create(world, await job_over(world, clock, *KEYS))

    await world.batch_jobs.cancel(batch_job_id)
    world.processor.may_answer.set()

    assert (await world.end_of(batch_job_id)).status is BatchJobStatus.CANCELLED


async def test_a_batch_job_is_found_by_its_job_until_it_ends(
    world: World, clock: ManualClock
) -> None:
    world.processor.may_answer.clear()
    one = await job_over(world, clock, "a")
    other = await job_over(world, clock, "a", job_id=f"{world.job_id}-other")
    assert await world.batch_jobs.find(one.job_id) == []

    created = [await create(world, job) for job in (one, other)]

    assert [await world.batch_jobs.find(job.job_id) for job in (one, other)] == [
        [batch_job_id] for batch_job_id in created
    ]
    world.processor.may_answer.set()
    for batch_job_id in created:
        await world.end_of(batch_job_id)
    assert await world.batch_jobs.find(one.job_id) == []


async def test_cancelling_an_ended_or_unknown_batch_job_succeeds(
    world: World, clock: ManualClock
) -> None:
    batch_job_id = await create(world, await job_over(world, clock, "a"))
    await world.end_of(batch_job_id)

    await world.batch_jobs.cancel(batch_job_id)
    await world.batch_jobs.cancel("00000000-0000-0000-0000-000000000000")

    assert (await world.batch_jobs.describe(batch_job_id)).status is BatchJobStatus.COMPLETE


async def test_an_unknown_batch_job_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        await world.batch_jobs.describe("00000000-0000-0000-0000-000000000000")
