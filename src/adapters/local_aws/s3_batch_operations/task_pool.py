"""Runs the tasks of a job concurrently, out of order, with retries.

Workers share one iterator of rows, so memory is bounded by the number of workers and the shuffled
window, not by the size of the manifest. They stop as soon as the job leaves Active; tasks in
progress finish and are counted.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from adapters.local_aws.s3_batch_operations.environment import Environment
from adapters.local_aws.s3_batch_operations.errors import ManifestRejected
from adapters.local_aws.s3_batch_operations.invocation import Invoke
from adapters.local_aws.s3_batch_operations.job import BatchJob, JobFailure
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow
from adapters.local_aws.s3_batch_operations.report import ReportWriter
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.states import BatchJobStatus
from adapters.local_aws.s3_batch_operations.storage import StorageError
from adapters.local_aws.s3_batch_operations.task import (
    EMPTY_VERSION,
    TaskOutcome,
    task_id,
    task_outcome,
    task_payload,
)

Fail = Callable[[BatchJob, JobFailure], None]
"""Moves a job to Failing, and records each failure once."""

# FailureCodes are guesses: AWS publishes no list of them.
TOO_MANY_FAILED: Final = JobFailure("FailureThresholdExceeded", "Too many of the tasks failed")
REPORT_NOT_WRITABLE: Final = JobFailure("ReportNotWritable", "Writing the report failed")


class TaskPool:
    """Runs the tasks of one job per call; calls may overlap."""

    def __init__(
        self,
        settings: BatchOperationsSettings,
        invoke: Invoke,
        environment: Environment,
        fail: Fail,
    ) -> None:
        self._settings = settings
        self._invoke = invoke
        self._env = environment
        self._fail = fail

    async def run(
        self, job: BatchJob, rows: AsyncIterator[ManifestRow], writer: ReportWriter | None
    ) -> None:
        """Run tasks until there are no more rows or the job leaves Active.

        Raises:
            ExceptionGroup: A bug, here or in `invoke`.
        """
        order = random.Random(job.job_id)  # noqa: S311 - an order, not a secret
        reading = asyncio.Lock()
        async with aclosing(_shuffled(rows, self._settings.shuffle_rows, order)) as shuffled:

            async def work() -> None:
                while job.is_in(BatchJobStatus.ACTIVE):
                    async with reading:
                        row = await anext(shuffled, None)
                    # Reading the row may have waited for S3, so check again.
                    if row is None or not job.is_in(BatchJobStatus.ACTIVE):
                        return
                    await self._settle(job, row, writer)

            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.task_concurrency):
                    group.create_task(self._until_rejected(job, work))

    async def _until_rejected(self, job: BatchJob, work: Callable[[], Awaitable[None]]) -> None:
        """Stop only this worker if S3 fails, so that the others finish their tasks."""
        try:
            await work()
        except ManifestRejected as rejection:
            self._fail(job, JobFailure(rejection.code, rejection.reason))
        except StorageError:
            self._fail(job, REPORT_NOT_WRITABLE)

    async def _settle(self, job: BatchJob, row: ManifestRow, writer: ReportWriter | None) -> None:
        outcome = await self._run(job, row)
        job.settle(succeeded=outcome.succeeded)
        if job.is_in(BatchJobStatus.ACTIVE) and job.exceeds_threshold(
            self._settings.threshold_tasks_min, self._settings.threshold_failed_percent
        ):
            self._fail(job, TOO_MANY_FAILED)
        if writer is not None:
            await writer.add(row, outcome)

    async def _run(self, job: BatchJob, row: ManifestRow) -> TaskOutcome:
        if row.version_id == "":
            return EMPTY_VERSION
        outcome = await self._invoke_once(job, row)
        # A TemporaryFailure is retried before the job ends, and the report contains the result of
        # the last retry ("Invoke AWS Lambda function", S3 User Guide).
        for _ in range(self._settings.redrives_max):
            if not outcome.redrivable:
                break
            await self._env.sleep(self._settings.redrive_delay_s)
            if not job.is_in(BatchJobStatus.ACTIVE):
                break
            outcome = await self._invoke_once(job, row)
        return outcome

    async def _invoke_once(self, job: BatchJob, row: ManifestRow) -> TaskOutcome:
        operation = job.spec.operation
        payload = task_payload(job.job_id, self._env.new_id(), operation, row)
        result = await self._invoke(operation.function_arn, payload)
        return task_outcome(result, operation.schema_version, task_id(job.job_id, row))


async def _shuffled(
    rows: AsyncIterator[ManifestRow], size: int, order: random.Random
) -> AsyncGenerator[ManifestRow, None]:
    """Yield rows in random order within a window of `size` rows."""
    window: list[ManifestRow] = []
    async for row in rows:
        window.append(row)
        if len(window) >= size:
            index = order.randrange(len(window))
            window[index], window[-1] = window[-1], window[index]
            yield window.pop()
    order.shuffle(window)
    for row in window:
        yield row
