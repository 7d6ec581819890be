"""Whether the system's ingest is behind: looked at by workers before they start, and by the sweep.

A worker only finds that the queue is too long, and says so in the job; then all workers of the job
stop. The sweep finds that it no longer is.
"""

from __future__ import annotations

from datetime import datetime

from application.jobs.update_job import update_job
from application.results.failure_records import cause_of
from domain.back_pressure import watched_queue, with_depth
from domain.job import Job
from domain.queue_limit import WatchedQueue
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
        """Return the job, with its backlog if its queue is too long or cannot be read.

        Raises:
            Retryable, Fatal: the job's record cannot be written.
        """
        queue = watched_queue(job)
        if queue is None or job.backlog is not None or job.terminal:
            return job
        depth, now = await self._depth(job, queue), self._clock.now()
        if with_depth(job, depth, now) is job:
            return job
        held = await update_job(
            self._jobs,
            job.job_id,
            lambda j: j if j.backlog is not None else _with_depth(j, queue, depth, now),
        )
        if held.backlog is not None:
            self._telemetry.event("ingest_behind", job_id=job.job_id, cause=str(depth))
        return held

    async def while_waiting(self, job: Job) -> Job:
        """Return a job that waits for ingest with the present depth, or without its backlog.

        Raises:
            Retryable, Fatal: the job's record cannot be written.
        """
        queue = watched_queue(job)
        if queue is None or job.backlog is None:
            return job
        depth, now = await self._depth(job, queue), self._clock.now()
        moved = await update_job(
            self._jobs, job.job_id, lambda j: _with_depth(j, queue, depth, now)
        )
        if moved.backlog is None:
            self._telemetry.event("ingest_caught_up", job_id=job.job_id, cause=str(depth))
        return moved

    async def _depth(self, job: Job, queue: WatchedQueue) -> int | str:
        """Return the depth; or why it cannot be read, which the job shows while it waits."""
        try:
            return await self._queue.depth(queue.url)
        except Exception as error:  # noqa: BLE001 - reported, and shown in the job
            cause = cause_of(error)
            self._telemetry.warning(
                "ingest_queue_not_read", connector_id=job.request.connector_id, cause=cause
            )
            return cause


def _with_depth(job: Job, queue: WatchedQueue, depth: int | str, now: datetime) -> Job:
    """Return the job after the look, unless it was given another queue or limit since then."""
    return with_depth(job, depth, now) if job.watched_queue == queue else job
