"""Discovery by S3 Batch Operations: creating the batch job, and finding its report."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from application.engine.chunk_sources import Source, report_source
from application.engine.job_lease import JobLease
from application.execution.tuning import Tuning
from application.results.files import report_index_key, report_prefix
from domain.batch_job import ENDED, BatchJob, failure_of, parse_report_index
from domain.errors import DomainError, LeaseLost
from domain.job import Job
from ports.batch_jobs import BatchJobs
from ports.clock import Clock
from ports.errors import NotFound
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

# A report is there when its job is Complete, or shortly after; what takes longer the sweep finds.
_REPORT_POLL_DELAYS_S: Final = (1.0, 2.0, 4.0)


class DiscoveryFailed(DomainError):
    """The batch job failed, or all of its tasks did, or its report is missing."""


class BatchDiscovery:
    """What the engine does with the batch job of a job."""

    def __init__(
        self,
        *,
        batch_jobs: BatchJobs,
        results: ResultsStore,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._batch_jobs = batch_jobs
        self._results = results
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def begin(self, job: Job, lease: JobLease) -> Job:
        """Create the batch job, once however often this is called, and note its id."""
        batch_job_id = await self._batch_jobs.create(job, report_prefix=report_prefix(job.job_id))
        self._telemetry.event("batch_job_created", job_id=job.job_id, batch_job_id=batch_job_id)
        try:
            return await lease.update(job.job_id, lambda j: replace(j, batch_job_id=batch_job_id))
        except LeaseLost:
            # If the job is ending, its record does not name this batch job. If not, another engine
            # has the job, and S3 answered its order with the same batch job.
            try:
                if await lease.job_ends(job.job_id):
                    await self._batch_jobs.cancel(batch_job_id)
            except Exception as error:  # noqa: BLE001 - reported
                self._telemetry.warning("end_step_failed", job_id=job.job_id, cause=str(error))
            raise

    async def report(self, job: Job, lease: JobLease) -> Source | None:
        """Return the finished discovery's report, or None while it is not there yet.

        It is waited for as far as the deadline allows.

        Raises:
            DiscoveryFailed: there will be none that can be used.
            InvalidReport: its index is not S3's.
        """
        batch_job_id = job.batch_job_id or ""
        try:
            batch_job = await self._batch_jobs.describe(batch_job_id)
        except NotFound:
            # Right after its creation S3 may not know a job yet (S3 User Guide, "Troubleshooting
            # Batch Operations"); and 90 days after its end not any more.
            return None
        if batch_job.status not in ENDED:
            return None
        cause = failure_of(batch_job)
        if cause is not None:
            raise DiscoveryFailed(cause)
        index = await self._index(job, lease, batch_job)
        if index is None:
            return None
        return report_source(parse_report_index(index), dry_run=job.options.dry_run)

    async def _index(self, job: Job, lease: JobLease, batch_job: BatchJob) -> bytes | None:
        key = report_index_key(job.job_id, batch_job.batch_job_id)
        for delay_s in _REPORT_POLL_DELAYS_S:
            try:
                return await self._results.get(key)
            except NotFound:
                if lease.deadline.near(self._tuning.stop_margin_s + delay_s):
                    break
                await self._clock.sleep(delay_s)
        try:
            return await self._results.get(key)
        except NotFound:
            ended_at = batch_job.ended_at or job.updated_at
            waited_s = (self._clock.now() - ended_at).total_seconds()
            if waited_s < self._tuning.report_wait_s:
                return None
            raise DiscoveryFailed(
                f"S3 batch job {batch_job.batch_job_id} ended {waited_s:.0f} s ago and its report"
                f" {key} is not there; check the batch role's right to write to the bucket"
            ) from None
