"""A pool whose job is stopped, or whose manifest becomes invalid, at a critical time."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.local_aws.s3_batch_operations import BatchOperationsSettings, InvokeResult
from adapters.local_aws.s3_batch_operations.environment import Environment
from adapters.local_aws.s3_batch_operations.errors import ManifestRejected
from adapters.local_aws.s3_batch_operations.job import BatchJob, JobFailure
from adapters.local_aws.s3_batch_operations.job_spec import job_spec
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow
from adapters.local_aws.s3_batch_operations.states import BatchJobStatus
from adapters.local_aws.s3_batch_operations.task_pool import TaskPool

NOW = datetime(2026, 8, 27, tzinfo=UTC)


class Function:
    """Always succeeds, after the gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.started_count = 0

    async def __call__(self, _: str, payload: bytes) -> InvokeResult:
        self.started_count += 1
        await self.gate.wait()
        event = json.loads(payload)
        result = {"taskId": event["tasks"][0]["taskId"], "resultCode": "Succeeded"}
        answer = {"invocationSchemaVersion": "1.0", "results": [result]}
        return InvokeResult(200, None, json.dumps(answer).encode())


@pytest.fixture
def job() -> BatchJob:
    location = {"ObjectArn": "arn:aws:s3:::work/m.csv", "ETag": "e"}
    manifest_format = "S3BatchOperations_CSV_20180820"
    request: dict[str, Any] = {
        "Operation": {"LambdaInvoke": {"FunctionArn": "f"}},
        "Report": {"Enabled": False},
        "ClientRequestToken": "t",
        "Priority": 1,
        "RoleArn": "r",
        "Manifest": {
            "Spec": {"Format": manifest_format, "Fields": ["Bucket", "Key"]},
            "Location": location,
        },
    }
    return BatchJob(
        job_id="j",
        account_id="1" * 12,
        region="us-east-1",
        sequence=1,
        spec=job_spec(request),
        created_at=NOW,
        priority=1,
        status=BatchJobStatus.ACTIVE,
    )


def pool(function: Function) -> TaskPool:
    def fail(job: BatchJob, failure: JobFailure) -> None:
        job.failures.append(failure)
        job.move(BatchJobStatus.FAILING, NOW)

    environment = Environment(lambda: NOW, asyncio.sleep, lambda: "id")
    settings = BatchOperationsSettings(task_concurrency=3, shuffle_rows=1)
    return TaskPool(settings, function, environment, fail)


def row(number: int) -> ManifestRow:
    return ManifestRow(number, "photos", f"k{number}", f"k{number}", None)


async def test_a_row_that_arrives_after_cancel_is_not_started(job: BatchJob) -> None:
    function = Function()
    function.gate.set()

    async def rows() -> AsyncIterator[ManifestRow]:
        yield row(1)
        job.move(BatchJobStatus.CANCELLING, NOW)
        yield row(2)

    await pool(function).run(job, rows(), None)
    assert function.started_count == 1
    assert job.succeeded_count == 1


async def test_tasks_in_flight_count_when_the_manifest_goes_bad(job: BatchJob) -> None:
    function = Function()

    async def rows() -> AsyncIterator[ManifestRow]:
        yield row(1)
        yield row(2)
        asyncio.get_running_loop().call_soon(function.gate.set)
        raise ManifestRejected("code", "reason")

    await pool(function).run(job, rows(), None)
    assert job.failures == [JobFailure("code", "reason")]
    assert (function.started_count, job.succeeded_count) == (2, 2)


async def test_a_bug_in_invoke_is_raised(job: BatchJob) -> None:
    async def invoke(_: str, payload: bytes) -> InvokeResult:
        raise RuntimeError("bug")

    async def rows() -> AsyncIterator[ManifestRow]:
        yield row(1)

    environment = Environment(lambda: NOW, asyncio.sleep, lambda: "id")
    bugged = TaskPool(BatchOperationsSettings(), invoke, environment, lambda job, failure: None)
    with pytest.raises(ExceptionGroup):
        await bugged.run(job, rows(), None)


async def test_a_cancelled_job_is_not_redriven(job: BatchJob) -> None:
    class Stubborn(Function):
        async def __call__(self, arn: str, payload: bytes) -> InvokeResult:
            self.started_count += 1
            job.move(BatchJobStatus.CANCELLING, NOW)
            return InvokeResult(429, None, b"slow down")

    async def rows() -> AsyncIterator[ManifestRow]:
        yield row(1)

    function = Stubborn()
    settings = BatchOperationsSettings(redrive_delay_s=0)
    environment = Environment(lambda: NOW, asyncio.sleep, lambda: "id")
    await TaskPool(settings, function, environment, lambda job, failure: None).run(
        job, rows(), None
    )
    assert (function.started_count, job.failed_count) == (1, 1)
