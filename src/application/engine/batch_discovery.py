"""Discovery by S3 Batch Operations: creating the batch job, and finding its report."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from application.engine.chunk_sources import Source, known_source, report_source
from application.engine.job_lease import JobLease
from application.execution.tuning import Tuning
from application.results.failure_records import cause_of
from application.results.files import known_key, report_index_key, report_prefix
from domain.batch_job import ENDED, BatchJob, failure_of, parse_report_index
from domain.errors import DomainError, LeaseLost
from domain.job import Job
from ports.batch_jobs import BatchJobs
from ports.clock import Clock
from ports.errors import NotFound
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry

# The report exists when its job is Complete, or shortly after; the sweep picks up later ones.
_REPORT_POLL_DELAYS_S: Final = (1.0, 2.0, 4.0)


class DiscoveryFailed(DomainError):
    """The batch job failed, or all of its tasks did, or its report is missing."""


class BatchDiscovery:
    """Creates the batch job of a sync job, and reads its result."""

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
        """Create the batch job and record its id; idempotent."""
        batch_job_id = await self._batch_jobs.create(job, report_prefix=report_prefix(job.job_id))
        self._telemetry.event("batch_job_created", job_id=job.job_id, batch_job_id=batch_job_id)
        try:
            return await lease.update(
                job.job_id,
                lambda j: replace(j, discovery=replace(j.discovery, batch_job_id=batch_job_id)),
            )
        except LeaseLost:
            # If the job is ending, its record does not name this batch job. If not, another engine
            # has the job, and S3 returned the same batch job to it.
            try:
                if await lease.job_ends(job.job_id):
                    await self._batch_jobs.cancel(batch_job_id)
            except Exception as error:  # noqa: BLE001 - reported
                self._telemetry.warning("end_step_failed", job_id=job.job_id, cause=cause_of(error))
            raise

    async def report(self, job: Job, lease: JobLease) -> Source | None:
        """Return the report of the finished discovery, or None while there is none.

        Waits for it as long as the deadline allows.

        Raises:
            DiscoveryFailed: there will be no usable report.
            InvalidReport: its index does not have S3's format.
        """
        batch_job_id = job.discovery.batch_job_id or ""
        try:
            batch_job = await self._batch_jobs.describe(batch_job_id)
        except NotFound:
            # Right after its creation S3 may not know a job yet (S3 User Guide, "Troubleshooting
            # Batch Operations"); 90 days after its end it no longer knows it.
            return None
        if batch_job.status not in ENDED:
            return None
        cause = failure_of(batch_job)
        if cause is not None:
            raise DiscoveryFailed(cause)
        index = await self._index(job, lease, batch_job)
        if index is None:
            return None
        known = known_source(known_key(job.job_id)) if job.listing.objects_known else None
        return report_source(
            parse_report_index(index), dry_run=job.request.options.dry_run, known=known
        )

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
            ended_at = batch_job.ended_at or job.times.updated_at
            waited_s = (self._clock.now() - ended_at).total_seconds()
            if waited_s < self._tuning.report_wait_s:
                return None
            raise DiscoveryFailed(
                f"S3 batch job {batch_job.batch_job_id} ended {waited_s:.0f} s ago, but its report"
                f" {key} does not exist; check that the batch role may write to the bucket"
            ) from None
