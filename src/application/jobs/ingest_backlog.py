"""Whether the system's ingest is behind: looked at by workers before they start, and by the sweep.

A worker only finds that the queue is too long or too old, and says so in the job; then all workers
of the job stop. The sweep finds that it no longer is.
"""

from __future__ import annotations

from datetime import datetime

from application.jobs.update_job import update_job
from application.results.failure_records import cause_of
from domain.back_pressure import age_bound_s, watched_queue, with_look
from domain.job import Job
from domain.limits import AGE_METRIC, AGE_METRIC_LAG_S
from domain.queue_limit import QueueLook, WatchedQueue
from ports.clock import Clock
from ports.ingest_queue import IngestQueue
from ports.job_store import JobStore
from ports.telemetry import Telemetry


class IngestBacklog:
    """Looks at the ingest queue of a job that has a limit; others cost no request."""

    def __init__(
        self, *, jobs: JobStore, queue: IngestQueue, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._jobs = jobs
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry

    async def before_starting(self, job: Job) -> Job:
        """Return the job, with its backlog if its queue is above a limit or cannot be read.

        Raises:
            Retryable, Fatal: the job's record cannot be written.
        """
        queue = watched_queue(job)
        if queue is None or job.backlog is not None or job.terminal:
            return job
        look, now = await self._look(job, queue), self._clock.now()
        if with_look(job, look, now) is job:
            return job
        held = await update_job(
            self._jobs,
            job.job_id,
            lambda j: j if j.backlog is not None else _with_look(j, queue, look, now),
        )
        if held.backlog is not None:
            self._telemetry.event("ingest_behind", job_id=job.job_id, cause=str(look))
        return held

    async def while_waiting(self, job: Job) -> Job:
        """Return a job that waits for ingest with the present figures, or without its backlog.

        Raises:
            Retryable, Fatal: the job's record cannot be written.
        """
        queue = watched_queue(job)
        if queue is None or job.backlog is None:
            return job
        look, now = await self._look(job, queue), self._clock.now()
        moved = await update_job(self._jobs, job.job_id, lambda j: _with_look(j, queue, look, now))
        if moved.backlog is None:
            self._telemetry.event("ingest_caught_up", job_id=job.job_id, cause=str(look))
        return moved

    async def _look(self, job: Job, queue: WatchedQueue) -> QueueLook | str:
        """Return what the queue holds; or why it cannot be read, which the job shows."""
        try:
            depth = await self._queue.depth(queue.url)
            if queue.limit.age_max_s is None or not depth:
                return QueueLook(depth=depth)
            age_s = await self._queue.oldest_age_s(queue.url)
            if age_s is not None:
                return QueueLook(depth=depth, age_s=age_s)
            bound_s = age_bound_s(job, self._clock.now())
            if bound_s is not None and bound_s <= queue.limit.age_max_s:
                return QueueLook(depth=depth, age_s=bound_s)
            cause = (
                f"CloudWatch has no {AGE_METRIC} of {queue.url} of the last"
                f" {AGE_METRIC_LAG_S // 60} minutes, and the queue holds {depth:,} messages; there"
                " is none for a queue of another account, nor for messages that are received again"
                " and again: use ingestQueueMaxDepth there"
            )
        except Exception as error:  # noqa: BLE001 - reported, and shown in the job
            cause = cause_of(error)
        self._telemetry.warning(
            "ingest_queue_not_read", connector_id=job.request.connector_id, cause=cause
        )
        return cause


def _with_look(job: Job, queue: WatchedQueue, look: QueueLook | str, now: datetime) -> Job:
    """Return the job after the look, unless it was given another queue or limit since then."""
    return with_look(job, look, now) if job.watched_queue == queue else job
