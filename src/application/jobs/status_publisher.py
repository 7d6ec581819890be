"""Publishing a job's pending status notifications, and recording that they were published."""

from __future__ import annotations

import json
from typing import Final

from application.execution.tuning import Tuning
from application.jobs.update_job import update_job
from application.results.failure_records import cause_of
from application.results.files import summary_key
from application.results.stored_e_tag import stored_e_tag
from domain.index_work import with_index_wanted
from domain.job import TERMINAL, Job, JobStatus, StatusNotice, without_notices
from domain.job_control import finish_if_settled
from domain.message import status_message
from domain.outcome import counts_by_name
from domain.pricing.costing import Costing
from domain.views import job_view
from ports.clock import Clock
from ports.errors import Conflict, Retryable, Unavailable
from ports.job_store import JobStore
from ports.results_store import ResultsStore
from ports.status_notifier import StatusNotifier
from ports.telemetry import Metric, Telemetry

_SUMMARY_ATTEMPT_COUNT: Final = 3


class StatusPublisher:
    """Publishes the notifications of a job's record to the status topic, each at least once."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        results: ResultsStore,
        notifier: StatusNotifier,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
        costing: Costing,
    ) -> None:
        self._costing = costing
        self._jobs = jobs
        self._results = results
        self._notifier = notifier
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def publish_pending(self, job: Job) -> Job:
        """Publish the job's pending notifications in order, and remove the published ones.

        Before the notification of its end, the job's summary is written. A notification that cannot
        be published stays in the record, where the sweep finds it: a topic that is unavailable
        delays the notifications and not the job. A summary that cannot be written delays them by
        `end_patience_s` at most, and not at all if access is denied or the bucket does not exist.
        """
        if not job.notices.pending:
            return job
        published: set[int] = set()
        try:
            for notice in job.notices.pending:
                if notice.status in TERMINAL:
                    await self._write_summary(job, notice)
                await self._notifier.publish(status_message(job, notice))
                published.add(notice.number)
                self._telemetry.event("job_status", job_id=job.job_id, status=notice.status)
                if notice.status in TERMINAL:
                    self._telemetry.count(Metric.JOBS_ENDED)
                    self._trace(job, notice)
                if notice.status is JobStatus.FAILED:
                    self._telemetry.count(Metric.JOBS_FAILED)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning(
                "status_not_published", job_id=job.job_id, cause=cause_of(error)
            )
        if not published:
            return job
        try:
            done = frozenset(published)
            return await update_job(self._jobs, job.job_id, lambda job: without_notices(job, done))
        except Exception as error:  # noqa: BLE001 - reported
            # The sweep publishes them again; the topic has at-least-once delivery.
            self._telemetry.warning("status_not_recorded", job_id=job.job_id, cause=cause_of(error))
            return job

    def _trace(self, job: Job, notice: StatusNotice) -> None:
        self._telemetry.job_span(
            job.job_id,
            began_at=job.times.created_at,
            ended_at=notice.occurred_at,
            connector_id=job.request.connector_id,
            status=notice.status,
            redrive_number=job.redrive.number,
            chunks=job.tally.chunks_total,
            **counts_by_name(job.tally.statistics),
        )

    async def _write_summary(self, job: Job, notice: StatusNotice) -> None:
        """Write the final record of the job; the API shows the same.

        Raises:
            Retryable: it could not be written, and the notification may still wait for it.
        """
        try:
            await self._replace_summary(job.job_id, notice)
        except Exception as error:
            waited_s = (self._clock.now() - notice.occurred_at).total_seconds()
            if isinstance(error, Retryable) and waited_s < self._tuning.end_patience_s:
                raise
            self._telemetry.warning("summary_not_written", job_id=job.job_id, cause=cause_of(error))

    async def _replace_summary(self, job_id: str, notice: StatusNotice) -> None:
        """Write the summary unless another process has published the notice.

        The ETag is read before the record. So a write of this process that arrives late, after the
        summary of a later end, names an ETag that the file no longer has.
        """
        key = summary_key(job_id)
        for _ in range(_SUMMARY_ATTEMPT_COUNT):
            e_tag = await stored_e_tag(self._results, key)
            job = await self._jobs.get(job_id)
            if all(pending.number != notice.number for pending in job.notices.pending):
                return
            summary = json.dumps(job_view(job, self._clock.now(), self._costing), indent=2)
            try:
                await self._results.replace(key, summary.encode(), e_tag=e_tag)
            except Conflict:
                continue
            return
        raise Unavailable(
            f"{key} was written by another process {_SUMMARY_ATTEMPT_COUNT} times in a row",
            resource=key,
        )

    async def finish_if_settled(self, job_id: str) -> Job:
        """Complete the job if its last chunk is settled, and publish its status.

        Raises:
            NotFound: there is no such job.
        """
        job = await update_job(self._jobs, job_id, self._finished)
        return await self.publish_pending(job)

    def _finished(self, job: Job) -> Job:
        ended = finish_if_settled(job, self._clock.now())
        wants = ended is not job and self._tuning.outcome_indexes
        return with_index_wanted(ended) if wants else ended
