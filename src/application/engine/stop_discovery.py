"""Stops what the discovery of an ending job has: its batch job, its upload, and its shares."""

from __future__ import annotations

from collections.abc import Sequence

from application.execution.tuning import Tuning
from application.results.failure_records import cause_of, is_unknown
from application.results.files import known_key, manifest_key
from domain.discovery import Discovery
from domain.job import Job
from domain.job_control import end_may_wait
from ports.batch_jobs import BatchJobs
from ports.clock import Clock
from ports.errors import Retryable
from ports.results_store import ResultsStore
from ports.share_store import ShareStore
from ports.telemetry import Telemetry


class StopDiscovery:
    """Cancels the batch job, aborts the upload, and removes the shares of the listing.

    None of these blocks the end of the job for long.
    """

    def __init__(
        self,
        *,
        batch_jobs: BatchJobs,
        results: ResultsStore,
        shares: ShareStore,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._batch_jobs = batch_jobs
        self._results = results
        self._shares = shares
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job: Job) -> Exception | None:
        """Stop all of it; returns an error that should be retried."""
        left: Exception | None = None
        for step in (self._cancel_batch_job, self._abort_manifest, self._discard_shares):
            try:
                await step(job)
            except Exception as error:  # noqa: BLE001 - reported, and raised once all is tried
                self._telemetry.warning("end_step_failed", job_id=job.job_id, cause=cause_of(error))
                retryable = isinstance(error, Retryable) or is_unknown(error)
                now = self._clock.now()
                if retryable and end_may_wait(job, now, self._tuning.end_patience_s):
                    left = error
        return left

    async def _cancel_batch_job(self, job: Job) -> None:
        """Cancel the batch job; search for one that the record does not name yet."""
        if job.request.options.discovery is not Discovery.BATCH or job.splitting.done:
            return
        found: Sequence[str] = []
        if job.discovery.batch_job_id is not None:
            found = [job.discovery.batch_job_id]
        elif job.discovery.manifest is not None:
            found = await self._batch_jobs.find(job.job_id)
        for batch_job_id in found:
            await self._batch_jobs.cancel(batch_job_id)

    async def _abort_manifest(self, job: Job) -> None:
        for key, upload in (
            (manifest_key(job.job_id), job.listing.manifest),
            (known_key(job.job_id), job.listing.known),
        ):
            if upload.upload_id is not None:
                await self._results.abort_upload(key, upload.upload_id)

    async def _discard_shares(self, job: Job) -> None:
        """Remove the shares: a worker that has one can record nothing more, and stops."""
        if job.listing.sharing is not None:
            await self._shares.discard(job.job_id, job.listing.sharing.share_count)
