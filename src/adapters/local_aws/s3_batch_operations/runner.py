"""Takes one job from New to its end.

The runner is the only one that moves a job forward; from outside a job can only be
confirmed or told to cancel (`service`), which the runner notices at its next step.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from adapters.local_aws.s3_batch_operations.environment import Environment
from adapters.local_aws.s3_batch_operations.errors import ManifestRejected
from adapters.local_aws.s3_batch_operations.event_publisher import Announcer, job_event
from adapters.local_aws.s3_batch_operations.invocation import Invoke
from adapters.local_aws.s3_batch_operations.job import Job, JobFailure
from adapters.local_aws.s3_batch_operations.manifest import ManifestRow, manifest_rows
from adapters.local_aws.s3_batch_operations.report import ReportWriter
from adapters.local_aws.s3_batch_operations.settings import BatchOperationsSettings
from adapters.local_aws.s3_batch_operations.states import JobStatus, is_terminal
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
    JobStatus.COMPLETING: JobStatus.COMPLETE,
    JobStatus.CANCELLING: JobStatus.CANCELLED,
    JobStatus.FAILING: JobStatus.FAILED,
}


class JobRunner:
    """Runs jobs, each in a task of its own, over one S3 client."""

    def __init__(
        self,
        settings: BatchOperationsSettings,
        s3: "S3Client",
        invoke: Invoke,
        announcer: Announcer,
        environment: Environment,
    ) -> None:
        self._settings = settings
        self._s3 = s3
        self._announcer = announcer
        self._env = environment
        self._pool = TaskPool(settings, invoke, environment, self._fail)

    def move(self, job: Job, status: JobStatus) -> None:
        """Move a job and announce it.

        Raises:
            IllegalMove: `status` may not follow the present one.
        """
        now = self._env.clock()
        job.move(status, now)
        self._announcer.announce(job_event("JobStatusChanged", job, now, self._env.new_id))

    async def run(self, job: Job) -> None:
        """Run a new job to its end. Only cancellation leaves it elsewhere."""
        try:
            await self._drive(job)
        except Exception:
            # A bug here or in `invoke`: the job has to end all the same, visibly.
            logger.exception("job %s failed in the emulator", job.job_id)
            if not is_terminal(job.status):
                self._fail(job, _INTERNAL)
                self.move(job, JobStatus.FAILED)

    async def _drive(self, job: Job) -> None:
        manifest = await self._prepare(job)
        if manifest is None or not job.is_in(JobStatus.READY):
            if not is_terminal(job.status):
                self.move(job, _END_OF[job.status])
            return
        await self._env.sleep(self._settings.step_delay_s)
        if job.is_in(JobStatus.READY):
            self.move(job, JobStatus.ACTIVE)
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

    async def _prepare(self, job: Job) -> ManifestObject | None:
        """Go as far as Ready, or stop on the way there."""
        await self._env.sleep(self._settings.step_delay_s)
        if not job.is_in(JobStatus.NEW):
            return None
        self.move(job, JobStatus.PREPARING)
        await self._env.sleep(self._settings.step_delay_s)
        try:
            manifest = await open_manifest(self._s3, job.spec.manifest)
            job.task_count = await self._count(manifest)
        except ManifestRejected as rejection:
            # A job that fails here ran no task, hence has no report.
            self._fail(job, JobFailure(rejection.code, rejection.reason))
            return None
        if not job.is_in(JobStatus.PREPARING):
            return None
        if job.spec.confirmation_required:
            await self._await_confirmation(job)
        else:
            self.move(job, JobStatus.READY)
        return manifest

    async def _count(self, manifest: ManifestObject) -> int:
        count = 0
        async for _ in self._rows(manifest):
            count += 1
        if count == 0:
            # A guess: what AWS makes of a manifest without rows is unconfirmed.
            raise ManifestRejected("InvalidManifestContent", "The manifest has no rows")
        return count

    async def _await_confirmation(self, job: Job) -> None:
        """Wait in Suspended until UpdateJobStatus says Ready or Cancelled."""
        self.move(job, JobStatus.SUSPENDED)
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
        if job.is_in(JobStatus.SUSPENDED):
            # "Creating an S3 Batch Operations job" (S3 User Guide): after 30 days.
            self._fail(job, _NOT_CONFIRMED)

    def _rows(self, manifest: ManifestObject) -> AsyncGenerator[ManifestRow, None]:
        blocks = manifest_blocks(self._s3, manifest, self._settings.manifest_block_bytes)
        return manifest_rows(blocks, manifest.spec.fields, self._settings.key_field_measure)

    async def _end(self, job: Job, writer: ReportWriter | None) -> None:
        """Write the report and enter the terminal state, in the order settings ask for.

        The report of a failed or cancelled job is written as well ("Examples: S3 Batch
        Operations completion reports", S3 User Guide). Complete says only that every
        task has run, not how.
        """
        if job.is_in(JobStatus.ACTIVE):
            self.move(job, JobStatus.COMPLETING)
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

    def _fail(self, job: Job, failure: JobFailure) -> None:
        if failure not in job.failures:
            logger.warning("job %s fails: %s: %s", job.job_id, failure.code, failure.reason)
            job.failures.append(failure)
        if not job.is_in(JobStatus.FAILING):
            self.move(job, JobStatus.FAILING)
