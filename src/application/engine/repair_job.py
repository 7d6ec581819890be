"""Recovers one open job: what a lost message, a lost event or a dead process left behind."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from application.engine.end_job import EndJob
from application.engine.lost_messages import WaitingChunks
from application.engine.repair_chunks import RepairChunks
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.jobs.ingest_backlog import IngestBacklog
from application.jobs.status_publisher import StatusPublisher
from domain.back_pressure import check_readable
from domain.errors import IngestQueueUnreadable
from domain.hold import pause_of
from domain.index_work import wants_index
from domain.job import Job
from ports.clock import Clock
from ports.engine_invoker import EngineInvoker

_ENDING_SHARE: Final = 0.25
"""The share of the remaining time that the sweep spends on ending one job."""


class RepairJob:
    """The part of the sweep that repairs a job."""

    def __init__(
        self,
        *,
        repair_chunks: RepairChunks,
        end_job: EndJob,
        status_publisher: StatusPublisher,
        ingest_backlog: IngestBacklog,
        invoker: EngineInvoker,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._repair_chunks = repair_chunks
        self._end_job = end_job
        self._status_publisher = status_publisher
        self._backlog = ingest_backlog
        self._invoker = invoker
        self._clock = clock
        self._tuning = tuning

    async def run(self, job: Job, waiting: WaitingChunks, deadline: Deadline) -> None:
        """Publish its statuses, continue its end, and repair its chunks and its engine's work."""
        job = await self._status_publisher.publish_pending(job)
        if job.orphans is not None and job.orphans.needs_engine(self._clock.now()):
            await self._invoker.orphans(job.job_id)
        if job.terminal:
            if wants_index(job):
                await self._invoker.advance(job.job_id)
            elif job.removals is not None and job.removals.needs_engine(self._clock.now()):
                await self._invoker.removals(job.job_id)
            return
        if job.ending is not None:
            # Other jobs must not wait for one with many chunks; the next sweep continues with it.
            await self._end_job.drain(job, deadline.share(_ENDING_SHARE))
            return
        job = await self._backlog.while_waiting(job)
        now = self._clock.now()
        try:
            check_readable(job, now, self._tuning.end_patience_s)
        except IngestQueueUnreadable as error:
            await self._end_job.fail(job.job_id, error, deadline.share(_ENDING_SHARE))
            return
        await self._repair_chunks.repair(job, now, waiting, deadline)
        if job.settled:
            await self._status_publisher.finish_if_settled(job.job_id)
        elif pause_of(job, now) is not None:
            return
        elif (not job.splitting.done or job.redrive.active) and self._idle(job, now):
            await self._invoker.advance(job.job_id)

    def _idle(self, job: Job, now: datetime) -> bool:
        if job.work.lease is not None:
            return not job.work.lease.live(now)
        return (now - job.times.updated_at).total_seconds() >= self._tuning.stuck_after_s
