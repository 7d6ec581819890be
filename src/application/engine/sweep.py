"""The sweep: a scheduled pass that recovers what is stuck.

It checks every open job, and repairs what a lost message, a lost event or a dead process can leave
behind: statuses that were not published, a job that no engine works on, a batch job whose end was
not reported, chunks whose message was lost or whose worker died, a last settlement that did not end
the job. It decides by the records, the clock, and the depth of the processor queue. It is safe to
run it twice, or at the same time as any other process.

It is a loop over invocations: the next one continues with what this one did not reach. Its measure,
which decreases with each, is the number of stale chunks: each chunk that is sent or released gets
the present time before the next ones are, so a sweep that dies leaves fewer of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from application.engine.end_job import EndJob
from application.engine.ingest_watch import IngestWatch
from application.engine.lost_messages import WaitingChunks
from application.engine.repair_chunks import RepairChunks
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.results.failure_records import cause_of
from domain.job import Job
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker
from ports.job_store import JobStore
from ports.paging import Unreadable
from ports.telemetry import Telemetry

_ENDING_SHARE: Final = 0.25
"""The share of the remaining time that the sweep spends on ending one job."""


class Sweep:
    """The use case of the schedule."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        repair_chunks: RepairChunks,
        end_job: EndJob,
        status_publisher: StatusPublisher,
        invoker: EngineInvoker,
        clock: Clock,
        telemetry: Telemetry,
        ingest_watch: IngestWatch,
        tuning: Tuning,
    ) -> None:
        self._ingest_watch = ingest_watch
        self._jobs = jobs
        self._repair_chunks = repair_chunks
        self._end_job = end_job
        self._status_publisher = status_publisher
        self._invoker = invoker
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, deadline: Deadline) -> int:
        """Repair all open jobs, the oldest first; returns how many were checked.

        A job that cannot be repaired, or not even be read, does not stop the pass; the first error
        is raised at the end.

        Raises:
            Exception: a job could not be repaired; the next sweep tries again.
        """
        checked_count = 0
        waiting, first_error = await self._repair_chunks.read_queue_depth()
        async for job in self._jobs.open_jobs():
            if deadline.near(self._tuning.stop_margin_s):
                break
            checked_count += 1
            if isinstance(job, Unreadable):
                # No retry can fix this: an operator must act. An alarm watches this log event.
                self._telemetry.warning("job_not_repaired", job_id=job.record_id, cause=job.cause)
                continue
            try:
                await self._repair(job, waiting, deadline)
            except Exception as error:  # noqa: BLE001 - reported
                self._telemetry.warning(
                    "job_not_repaired", job_id=job.job_id, cause=cause_of(error)
                )
                first_error = first_error or error
        try:
            await self._repair_chunks.send_lost(waiting, deadline)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("messages_not_sent_again", cause=cause_of(error))
            first_error = first_error or error
        await self._ingest_watch.observe(deadline)
        if deadline.near(self._tuning.stop_margin_s):
            self._telemetry.warning("sweep_incomplete", checked_count=checked_count)
        self._telemetry.event("sweep_done", checked_count=checked_count)
        if first_error is not None:
            raise first_error
        return checked_count

    async def _repair(self, job: Job, waiting: WaitingChunks, deadline: Deadline) -> None:
        job = await self._status_publisher.publish_pending(job)
        if job.terminal:
            return
        if job.ending is not None:
            # Other jobs must not wait for one with many chunks; the next sweep continues with it.
            await self._end_job.drain(job, deadline.share(_ENDING_SHARE))
            return
        now = self._clock.now()
        await self._repair_chunks.repair(job, now, waiting, deadline)
        if job.settled:
            await self._status_publisher.finish_if_settled(job.job_id)
        elif _needs_engine(job) and self._idle(job, now):
            await self._invoker.advance(job.job_id)

    def _idle(self, job: Job, now: datetime) -> bool:
        if job.work.lease is not None:
            return not job.work.lease.live(now)
        return (now - job.times.updated_at).total_seconds() >= self._tuning.stuck_after_s


def _needs_engine(job: Job) -> bool:
    """Return whether the next step is the engine's, and not to wait for chunks."""
    return not job.splitting.done or job.redrive.active
