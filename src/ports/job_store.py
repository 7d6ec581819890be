"""The job table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from domain.item_sizes import ACTIVE_PREFIX_BYTES_MAX
from domain.job import Job, JobStatus
from ports.errors import Conflict
from ports.paging import Page, Unreadable


class OverlappingJob(Conflict):
    """An active job covers some of the same prefixes of the bucket; `job_id` is its id."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} is active on overlapping prefixes", resource=job_id)
        self.job_id = job_id


class TooManyPrefixes(Conflict):
    """The prefixes of the active jobs of the bucket are more than are kept for one bucket."""

    def __init__(self, bucket_name: str, size_bytes: int) -> None:
        super().__init__(
            f"the prefixes of the active jobs of bucket {bucket_name} would come to"
            f" {size_bytes:,} bytes, {ACTIVE_PREFIX_BYTES_MAX:,} are allowed",
            resource=bucket_name,
        )


class JobStore(Protocol):
    """Keeps jobs. Reads by id see the last write; lists may lag behind it.

    Every method may raise the Retryable and Fatal errors of `ports.errors`. After TimedOut a write
    was done whole or not at all.
    """

    async def create(self, job: Job) -> Job:
        """Record a new job and mark its prefixes of the bucket as taken, in one step.

        Returns the job as stored, with `version` 1. A bucket's active jobs (those not terminal), of
        whatever connector, never overlap (`domain.prefixes.overlap`): two racing calls, one wins.

        Raises:
            AlreadyExists: a job has this id.
            OverlappingJob: an active job of the bucket overlaps.
            TooManyPrefixes: with those of this job, `domain.item_sizes.active_prefix_bytes` of the
                bucket's active jobs is above ACTIVE_PREFIX_BYTES_MAX.
        """
        ...

    async def get(self, job_id: str) -> Job:
        """Return the job.

        Raises:
            NotFound: there is none.
            CorruptData: it cannot be read back.
        """
        ...

    async def save(self, job: Job) -> Job:
        """Write the job over the version that it carries; returns it with its new version.

        Every field but `tally` is written; the tally returned is the stored one. A job that became
        terminal gives its prefixes free in the same step; one that was terminal is
        taken up again by `reopen` only.

        Raises:
            Conflict: the stored version is another, or there is no such job.
        """
        ...

    async def reopen(self, job: Job) -> Job:
        """Like `save`, for a job that was terminal and is not any more: takes its prefixes again.

        Raises:
            Conflict: the stored version is another, or there is no such job.
            OverlappingJob: another active job of the bucket overlaps; may be raised in place of
                Conflict where both hold.
            TooManyPrefixes: as `create`; may be raised in place of Conflict as well.
        """
        ...

    async def list_page(
        self,
        *,
        connector_id: str | None = None,
        status: JobStatus | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> Page[Job]:
        """Return up to `limit` jobs, the newest first; a page may be short and not the last.

        One that cannot be read back is `unreadable` and keeps no other from being shown.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...

    def open_jobs(self) -> AsyncIterator[Job | Unreadable]:
        """Yield the jobs that are not terminal or have unpublished notices, the oldest first.

        In the place of one that cannot be read back it yields an Unreadable.
        """
        ...
