"""The job table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from domain.connector import Connector
from domain.item_sizes import ACTIVE_PREFIX_BYTES_MAX
from domain.job import Job, JobStatus
from domain.pause import Pause
from domain.schedule_runs import ScheduleRuns
from ports.errors import Conflict
from ports.paging import Page, Unreadable


class OverlappingJob(Conflict):
    """An active job covers some of the same prefixes of the bucket; `job_id` is its id."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} is active on overlapping prefixes", resource=job_id)
        self.job_id = job_id


class TooManyPrefixes(Conflict):
    """The prefixes of the bucket's active jobs exceed the maximum for one bucket."""

    def __init__(self, bucket_name: str, size_bytes: int) -> None:
        super().__init__(
            f"the prefixes of the active jobs of bucket {bucket_name} would have"
            f" {size_bytes:,} bytes, and {ACTIVE_PREFIX_BYTES_MAX:,} are allowed",
            resource=bucket_name,
        )


class ConnectorChanged(Conflict):
    """The job's connector is not as it was read: edited, disabled, removed, or its runs changed."""

    def __init__(self, connector_id: str) -> None:
        super().__init__(
            f"connector {connector_id} was changed in the meantime", resource=connector_id
        )


class JobStore(Protocol):
    """Stores jobs. Reads by id are strongly consistent; lists may lag behind.

    Each job that is read has the stage's pause at that time as its `stage_pause`, also in a list;
    no write of a job changes it.

    Every method may raise the Retryable and Fatal errors of `ports.errors`. After TimedOut a write
    was done completely or not at all.
    """

    async def create(
        self,
        job: Job,
        *,
        connector: Connector | None = None,
        runs: ScheduleRuns | None = None,
    ) -> Job:
        """Record a new job and reserve its prefixes of the bucket, atomically.

        With `connector`, only if that is stored at this version, in the same step. With `runs` as
        well, these are written in that step over their version, as `ScheduleRunStore.save` does.
        They are ignored without `connector`.

        Returns the job as stored, with `version` 1. A bucket's active jobs (those not terminal), of
        any connector, never overlap (`domain.prefixes.overlap`): of two concurrent calls, one wins.

        Raises:
            AlreadyExists: A job has this id.
            OverlappingJob: An active job of the bucket overlaps.
            TooManyPrefixes: With those of this job, `domain.item_sizes.active_prefix_bytes` of the
                bucket's active jobs is above ACTIVE_PREFIX_BYTES_MAX.
            ConnectorChanged: The stored connector differs (version, `same_as`), or there is none;
                or the version of its runs differs from that of `runs`.
                If another of these errors holds as well, either may be raised.
        """
        ...

    async def get(self, job_id: str) -> Job:
        """Return the job.

        Raises:
            NotFound: There is none.
            CorruptData: It cannot be read.
        """
        ...

    async def save(self, job: Job) -> Job:
        """Write the job over its version; return it with its new version.

        Every field except `tally` and `stage_pause` is written; the tally returned is the stored
        one. A job that
        became terminal releases its prefixes in the same step. Only `reopen` writes a job that was
        terminal.

        Raises:
            Conflict: The stored version differs, or there is no such job.
        """
        ...

    async def reopen(self, job: Job, *, connector: Connector | None = None) -> Job:
        """Like `save`, for a job that was terminal and no longer is: reserve its prefixes again.

        Raises:
            Conflict: The stored version differs, or there is no such job.
            OverlappingJob: Another active job of the bucket overlaps; may be raised instead of
                Conflict if both hold.
            TooManyPrefixes: As in `create`; may also be raised instead of Conflict.
            ConnectorChanged: As in `create`, with the same condition.
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
        """Return up to `limit` jobs, the newest first; a short page need not be the last.

        A record that cannot be read is `unreadable`, and does not prevent others from being listed.

        Raises:
            InvalidCursor: `cursor` is not one of this list.
        """
        ...

    def open_jobs(self) -> AsyncIterator[Job | Unreadable]:
        """Yield the jobs that are open, the oldest first.

        These are not terminal, have unpublished notices, want an index, or must be compared with
        the sync before (`domain.job.wants_comparison`), or whose orphans must be
        searched (`domain.job.wants_orphans`).

        For a record that cannot be read it yields an Unreadable.
        """
        ...

    async def stage_pause(self) -> Pause | None:
        """Return the pause of the whole stage, None if it is not paused."""
        ...

    async def pause_stage(self, pause: Pause | None) -> None:
        """Pause all jobs of the stage, also those that do not exist yet; None ends the pause.

        Each job that is read after this returned has this pause.
        """
        ...
