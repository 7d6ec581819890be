"""Runs a job from New to a terminal status.

Only the runner advances a job. API requests can only confirm or cancel it (`service`); the runner
reacts at its next step.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from adapters.local_aws.s3_batch_operations.environment import Environment
from adapters.local_aws.s3_batch_operations.errors import ManifestRejected
from adapters.local_aws.s3_batch_operations.event_publisher import JobEventPublisher, job_event
from adapters.local_aws.s3_batch_operations.invocation import Invoke
from adapters.local_aws.s3_batch_operations.job import BatchJob, JobFailure
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow, manifest_rows
from adapters.local_aws.s3_batch_operations.report import ReportWriter
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.states import BatchJobStatus, is_terminal
from adapters.local_aws.s3_batch_operations.storage import (
    ManifestObject,
    StorageError,
    manifest_blocks,
    open_manifest,
)
from adapters.local_aws.s3_batch_operations.task_pool import REPORT_NOT_WRITABLE, TaskPool

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

logger = logging.getLogger(__name__)

_SECONDS_PER_DAY: Final = 86_400

# FailureCodes are guesses: AWS publishes no list of them.
_INTERNAL: Final = JobFailure("InternalError", "The emulator failed; see its log")
_NOT_CONFIRMED: Final = JobFailure("SuspendedTooLong", "The job was not confirmed in time")

_END_OF: Final = {
    BatchJobStatus.COMPLETING: BatchJobStatus.COMPLETE,
    BatchJobStatus.CANCELLING: BatchJobStatus.CANCELLED,
    BatchJobStatus.FAILING: BatchJobStatus.FAILED,
}


class BatchJobRunner:
    """Runs jobs with one S3 client, each job in its own asyncio task."""

    def __init__(
        self,
        settings: BatchOperationsSettings,
        s3: "S3Client",
        invoke: Invoke,
        publisher: JobEventPublisher,
        environment: Environment,
    ) -> None:
        self._settings = settings
        self._s3 = s3
        self._publisher = publisher
        self._env = environment
        self._pool = TaskPool(settings, invoke, environment, self._fail)

    def move(self, job: BatchJob, status: BatchJobStatus) -> None:
        """Change the status of a job and publish the event.

        Raises:
            IllegalTransition: `status` may not follow the current one.
        """
        now = self._env.clock()
        job.move(status, now)
        self._publisher.publish(job_event("JobStatusChanged", job, now, self._env.new_id))

    async def run(self, job: BatchJob) -> None:
        """Run a new job to a terminal status, unless the task is cancelled."""
        try:
            await self._drive(job)
        except Exception:
            # A bug here or in `invoke`: the job must fail visibly.
            logger.exception("job %s failed in the emulator", job.job_id)
            if not is_terminal(job.status):
                self._fail(job, _INTERNAL)
                self.move(job, BatchJobStatus.FAILED)

    async def _drive(self, job: BatchJob) -> None:
        manifest = await self._prepare(job)
        if manifest is None or not job.is_in(BatchJobStatus.READY):
            if not is_terminal(job.status):
                self.move(job, _END_OF[job.status])
            return
        await self._env.sleep(self._settings.step_delay_s)
        if job.is_in(BatchJobStatus.READY):
            self.move(job, BatchJobStatus.ACTIVE)
        writer = (
            ReportWriter(self._s3, job.spec.report, job.job_id, self._settings)
            if job.spec.report
            else None
        )
        try:
            await self._pool.run(job, self._rows(manifest), writer)
            await self._end(job, writer)
        finally:
            if writer is not None:
                writer.close()

    async def _prepare(self, job: BatchJob) -> ManifestObject | None:
        """Advance the job to Ready, or return None."""
        await self._env.sleep(self._settings.step_delay_s)
        if not job.is_in(BatchJobStatus.NEW):
            return None
        self.move(job, BatchJobStatus.PREPARING)
        await self._env.sleep(self._settings.step_delay_s)
        try:
            manifest = await open_manifest(self._s3, job.spec.manifest)
            job.task_count = await self._count(manifest)
        except ManifestRejected as rejection:
            # No task ran, so there is no report.
            self._fail(job, JobFailure(rejection.code, rejection.reason))
            return None
        if not job.is_in(BatchJobStatus.PREPARING):
            return None
        if job.spec.confirmation_required:
            await self._await_confirmation(job)
        else:
            self.move(job, BatchJobStatus.READY)
        return manifest

    async def _count(self, manifest: ManifestObject) -> int:
        count = 0
        async for _ in self._rows(manifest):
            count += 1
        if count == 0:
            # A guess: what AWS does with an empty manifest is unconfirmed.
            raise ManifestRejected("InvalidManifestContent", "The manifest has no rows")
        return count

    async def _await_confirmation(self, job: BatchJob) -> None:
        """Wait in Suspended until UpdateJobStatus requests Ready or Cancelled."""
        self.move(job, BatchJobStatus.SUSPENDED)
        waits = {
            asyncio.ensure_future(job.woken.wait()),
            asyncio.ensure_future(
                self._env.sleep(self._settings.suspended_days_max * _SECONDS_PER_DAY)
            ),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if job.is_in(BatchJobStatus.SUSPENDED):
            # "Creating an S3 Batch Operations job" (S3 User Guide): after 30 days.
            self._fail(job, _NOT_CONFIRMED)

    def _rows(self, manifest: ManifestObject) -> AsyncGenerator[ManifestRow, None]:
        blocks = manifest_blocks(self._s3, manifest, self._settings.manifest_block_bytes)
        return manifest_rows(blocks, manifest.spec.fields, self._settings.key_field_measure)

    async def _end(self, job: BatchJob, writer: ReportWriter | None) -> None:
        """Write the report and enter the terminal status, in the order of the settings.

        A failed or cancelled job also has a report ("Examples: S3 Batch Operations completion
        reports", S3 User Guide). Complete means that every task has run, not that all succeeded.
        """
        if job.is_in(BatchJobStatus.ACTIVE):
            self.move(job, BatchJobStatus.COMPLETING)
        if writer is not None and self._settings.report_lag_s == 0:
            try:
                await writer.finish(self._env.clock())
            except StorageError:
                # A guess: what AWS does with such a job is unconfirmed.
                self._fail(job, REPORT_NOT_WRITABLE)
        self.move(job, _END_OF[job.status])
        if writer is not None and self._settings.report_lag_s > 0:
            await self._env.sleep(self._settings.report_lag_s)
            try:
                await writer.finish(self._env.clock())
            except StorageError:
                logger.exception("report of job %s lost", job.job_id)

    def _fail(self, job: BatchJob, failure: JobFailure) -> None:
        if failure not in job.failures:
            logger.warning("job %s fails: %s: %s", job.job_id, failure.code, failure.reason)
            job.failures.append(failure)
        if not job.is_in(BatchJobStatus.FAILING):
            self.move(job, BatchJobStatus.FAILING)
