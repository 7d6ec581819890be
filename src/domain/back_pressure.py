"""Back-pressure: no copies are started while the system's ingest queue is too long, or too old.

The connector has limits, which an edit also changes for jobs that run. A job stops above one of
them, and goes on at half of each, so that one message does not make it stop and start. A queue that
cannot be read counts as above its limit: starting more copies could flood the system. But no job
waits for that forever: it fails after some time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.errors import IngestQueueUnreadable
from domain.job import Job
from domain.pause import Backlog, resumes_after
from domain.queue_limit import QueueLook, WatchedQueue


def watched_queue(job: Job) -> WatchedQueue | None:
    """Return the queue above whose limits the job starts nothing; None if it is not limited."""
    return None if job.request.options.dry_run else job.watched_queue


def goes_on_at(limit: int) -> int:
    """Return the depth, or the age, at which a job goes on that has stopped."""
    return limit // 2


def age_bound_s(job: Job, now: datetime) -> int | None:
    """Return an age that no message of the watched queue exceeds; None if none is known.

    A message is not older than the time at which the queue was empty, which the job knows of its
    start.
    """
    queue, empty_at = watched_queue(job), job.findings.queue.empty_at
    if queue is None or empty_at is None or queue.url != job.request.ingest.queue_url:
        return None
    return max(0, round((now - empty_at).total_seconds()))


def with_look(job: Job, look: QueueLook | str, now: datetime) -> Job:
    """Return the job after a look at the queue; `look` is a text if it could not be read: why.

    A job that is not limited is returned unchanged. So is one that goes on, or still waits with the
    same figures.
    """
    queue = watched_queue(job)
    if queue is None or job.terminal or job.ending is not None:
        return job
    before = job.backlog
    since = now if before is None else before.since
    if isinstance(look, str):
        unread_since = now if before is None else before.unread_since or now
        backlog = Backlog(since=since, depth=None, cause=look, unread_since=unread_since)
    elif not _above(queue, look, waits=before is not None):
        return job if before is None else caught_up(job, now)
    else:
        backlog = Backlog(since=since, depth=look.depth, age_s=look.age_s)
    if backlog == job.backlog:
        return job
    return replace(job, backlog=backlog, times=replace(job.times, updated_at=now))


def check_readable(job: Job, now: datetime, patience_s: float) -> None:
    """Check that the queue could be read at some time in the last `patience_s` seconds.

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
            " ingestQueueMaxDepth or ingestQueueMaxAgeSeconds: allow the processor and the engine"
            " to read the queue, or remove the limit, and start a new sync: objects that are done"
            " are skipped"
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
        return f"the ingest queue cannot be read: {cause}"
    look = QueueLook(depth=backlog.depth, age_s=backlog.age_s)
    parts = []
    if (limit := queue.limit.depth_max) is not None and look.depth > goes_on_at(limit):
        parts.append(
            f"the ingest queue holds {look.depth:,} messages, more than {limit:,}; goes on at"
            f" {goes_on_at(limit):,}"
        )
    age_max_s = queue.limit.age_max_s
    if age_max_s is not None and look.age_s is not None and look.age_s > goes_on_at(age_max_s):
        parts.append(
            f"the oldest message of the ingest queue is {look.age_s:,} s old, more than"
            f" {age_max_s:,} s; goes on at {goes_on_at(age_max_s):,} s"
        )
    return ", and ".join(parts)


def _above(queue: WatchedQueue, look: QueueLook, *, waits: bool) -> bool:
    """Return whether one of the limits is exceeded, or, for a job that waits, half of it."""
    pairs = ((look.depth, queue.limit.depth_max), (look.age_s, queue.limit.age_max_s))
    return any(
        value > (goes_on_at(limit) if waits else limit)
        for value, limit in pairs
        if value is not None and limit is not None
    )
