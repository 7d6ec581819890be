"""The limits of a job: those that its connector has now, which change while it runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.back_pressure import caught_up
from domain.connector import Connector, Trigger
from domain.job import Job
from domain.queue_limit import WatchedQueue
from domain.sync_request import SyncRequest


def watched_queue_for(request: SyncRequest, connector: Connector) -> WatchedQueue | None:
    """Return the queue that a job of the connector waits for; None if it waits for none.

    It is the connector's present one. A job whose trigger sends to a queue keeps that one, and
    waits for no other.
    """
    own = request.ingest
    url = own.queue_url if own.trigger is Trigger.QUEUE else connector.ingest.queue_url
    limit = connector.queue_limit
    return None if limit is None or url is None else WatchedQueue(url=url, limit=limit)


def has_limits_of(job: Job, connector: Connector) -> bool:
    """Return whether the job's limits are those that its connector has."""
    watched = watched_queue_for(job.request, connector)
    return job.limits == connector.limits and job.watched_queue == watched


def with_limits(job: Job, connector: Connector, now: datetime) -> Job:
    """Return the job with its connector's limits; one that has them, or has ended, is unchanged.

    It counts as a resume: chunks that were parked may go on now, so the engine sends them. A job
    that waits for an ingest queue with another limit waits no longer: its workers look at the queue
    before they start anything.
    """
    if job.terminal or has_limits_of(job, connector):
        return job
    watched = watched_queue_for(job.request, connector)
    if job.backlog is not None and job.watched_queue != watched:
        job = caught_up(job, now)
    else:
        job = replace(job, resumes=replace(job.resumes, number=job.resumes.number + 1))
    times = replace(job.times, updated_at=now)
    return replace(job, limits=connector.limits, watched_queue=watched, times=times)


def slot_count(job: Job) -> int | None:
    """Return how many workers of the job's connector may work at once; None for any number.

    A job that is ending needs no slot: its workers only record that.
    """
    if job.limits is None or job.terminal or job.ending is not None:
        return None
    return job.limits.slot_count


def slot_rate(job: Job) -> float | None:
    """Return how many objects per second a worker of the job may start; None for any number."""
    return None if job.limits is None else job.limits.slot_rate
