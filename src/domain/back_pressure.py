"""Back-pressure: no copies are started while the system's ingest queue is too long.

The connector has a limit, which an edit also changes for jobs that run. A job stops above it, and
goes on at half of it, so that one message does not make it stop and start. A queue whose depth
cannot be read counts as too long: starting more copies could flood the system. But no job waits for
that forever: it fails after some time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.errors import IngestQueueUnreadable
from domain.job import Job
from domain.pause import Backlog, resumes_after
from domain.queue_limit import WatchedQueue


def watched_queue(job: Job) -> WatchedQueue | None:
    """Return the queue above whose limit the job starts nothing; None if it is not limited."""
    return None if job.request.options.dry_run else job.watched_queue


def goes_on_at(limit: int) -> int:
    """Return the depth at which a job goes on that has stopped."""
    return limit // 2


def with_depth(job: Job, depth: int | str, now: datetime) -> Job:
    """Return the job after a look at the queue; `depth` is a text if it could not be read: why.

    A job that is not limited is returned unchanged. So is one that goes on, or still waits at the
    same depth.
    """
    queue = watched_queue(job)
    if queue is None or job.terminal or job.ending is not None:
        return job
    limit, before = queue.limit.depth_max, job.backlog
    since = now if before is None else before.since
    if isinstance(depth, str):
        unread_since = now if before is None else before.unread_since or now
        backlog = Backlog(since=since, depth=None, cause=depth, unread_since=unread_since)
    elif depth <= (limit if before is None else goes_on_at(limit)):
        return job if before is None else caught_up(job, now)
    else:
        backlog = Backlog(since=since, depth=depth)
    if backlog == job.backlog:
        return job
    return replace(job, backlog=backlog, times=replace(job.times, updated_at=now))


def check_readable(job: Job, now: datetime, patience_s: float) -> None:
    """Check that the queue's depth could be read at some time in the last `patience_s` seconds.

    Raises:
        IngestQueueUnreadable: It could not.
    """
    backlog = job.backlog
    if backlog is None or backlog.unread_since is None:
        return
    waited_s = (now - backlog.unread_since).total_seconds()
    if waited_s >= patience_s:
        raise IngestQueueUnreadable(
            f"{backlog_text(job)}. It was tried for {waited_s:.0f} s, and the connector has"
            " ingestQueueMaxDepth: allow the processor and the engine to read the queue, or remove"
            " the limit, and start a new sync: objects that are done are skipped"
        )


def caught_up(job: Job, now: datetime) -> Job:
    """Return the job without its backlog: its parked chunks may go on."""
    since = job.backlog.since if job.backlog else now
    counted_from = max(since, job.times.processing_at or job.times.created_at)
    resumes = resumes_after(job.resumes, counted_from, now)
    times = replace(job.times, updated_at=now)
    return replace(job, backlog=None, resumes=resumes, times=times)


def backlog_text(job: Job) -> str:
    """Return why the job waits, with the figures."""
    queue, backlog = watched_queue(job), job.backlog
    if queue is None or backlog is None or backlog.depth is None:
        cause = backlog.cause if backlog else None
        return f"the depth of the ingest queue cannot be read: {cause}"
    limit = queue.limit.depth_max
    return (
        f"the ingest queue holds {backlog.depth:,} messages, more than {limit:,}; goes on at"
        f" {goes_on_at(limit):,}"
    )
