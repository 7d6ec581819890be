"""Changing a job by optimistic locking: read, change, write, and retry on conflict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from domain.connector import Connector
from domain.job import Job
from ports.errors import Conflict
from ports.job_store import ConnectorChanged, JobStore, OverlappingJob, TooManyPrefixes

# A job has few writers (the engine, a caller, a worker that settles the last chunk), so conflicts
# are rare. The bound only keeps a bug from looping forever.
_MAX_TRIES: Final = 10


async def update_job(
    jobs: JobStore,
    job_id: str,
    change: Callable[[Job], Job],
    *,
    connector: Connector | None = None,
) -> Job:
    """Return the job as stored after `change`; a change that returns the same job writes nothing.

    A change that reopens a job needs its connector as it was read.

    Raises:
        NotFound: there is no such job.
        Conflict: other processes kept changing it.
        OverlappingJob, TooManyPrefixes: the change reopens a job that had ended, and its prefixes
            are not available.
        ConnectorChanged: the change reopens the job, and `connector` is not as it was read.
        DomainError: raised by `change`; nothing was written.
    """
    job = await jobs.get(job_id)
    for _ in range(_MAX_TRIES):
        changed = change(job)
        if changed is job or changed == job:
            return job
        try:
            if job.terminal and not changed.terminal:
                return await jobs.reopen(changed, connector=connector)
            return await jobs.save(changed)
        except (OverlappingJob, TooManyPrefixes, ConnectorChanged):
            raise
        except Conflict:
            job = await jobs.get(job_id)
    raise Conflict(
        f"job {job_id} was changed by other processes {_MAX_TRIES} times in a row", resource=job_id
    )
