"""Read, change by a pure function, write if nobody else did meanwhile; else again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from domain.job import Job
from ports.errors import Conflict
from ports.job_store import JobStore, OverlappingJob, TooManyPrefixes

# Writers of one job are few (an engine, a person, a finishing worker), so a conflict is rare and
# three in a row are not to be expected; the bound only keeps a bug from looping for ever.
_TRY_COUNT_MAX: Final = 10


async def update_job(jobs: JobStore, job_id: str, change: Callable[[Job], Job]) -> Job:
    """Return the job as stored after `change`; a change that returns the same job writes nothing.

    Raises:
        NotFound: there is no such job.
        Conflict: others kept changing it.
        OverlappingJob, TooManyPrefixes: the change takes up a job that had ended, and its prefixes
            are not to be had.
        DomainError: what `change` raises; nothing was written.
    """
    job = await jobs.get(job_id)
    for _ in range(_TRY_COUNT_MAX):
        changed = change(job)
        if changed is job or changed == job:
            return job
        try:
            return await (jobs.reopen if job.terminal and not changed.terminal else jobs.save)(
                changed
            )
        except (OverlappingJob, TooManyPrefixes):
            raise
        except Conflict:
            job = await jobs.get(job_id)
    raise Conflict(
        f"job {job_id} was changed by others {_TRY_COUNT_MAX} times in a row", resource=job_id
    )
