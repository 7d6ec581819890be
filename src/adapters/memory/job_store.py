"""The job table in memory. The reserved prefixes are those of the active jobs themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC

from adapters.memory.database import MemoryDatabase, Write, page_of
from adapters.memory.schedule_runs import runs_write
from domain.connector import Connector
from domain.index_work import wants_index
from domain.item_sizes import ACTIVE_PREFIX_BYTES_MAX, active_prefix_bytes
from domain.job import Job, JobStatus, wants_comparison, wants_orphans
from domain.pause import Pause
from domain.prefixes import overlap
from domain.schedule_runs import ScheduleRuns
from ports.errors import AlreadyExists, Conflict, NotFound
from ports.job_store import ConnectorChanged, JobStore, OverlappingJob, TooManyPrefixes
from ports.paging import Page, Unreadable


class MemoryJobStore:
    """Stores jobs in a `MemoryDatabase`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def create(
        self,
        job: Job,
        *,
        connector: Connector | None = None,
        runs: ScheduleRuns | None = None,
    ) -> Job:
        if self._database.jobs.find(job.job_id) is not None:
            raise AlreadyExists(f"job {job.job_id} exists", resource=job.job_id)
        self._check_connector(connector)
        self._check_prefixes(job)
        created = replace(job, version=1, stage_pause=None)
        writes = [self._database.jobs.write(job.job_id, created, expected_version=None)]
        if connector is not None and runs is not None:
            writes.append(runs_write(self._database, connector, runs))
        try:
            self._database.commit(*writes)
        except Conflict as error:
            # The job does not exist: that was checked.
            raise ConnectorChanged(job.request.connector_id) from error
        return replace(created, stage_pause=job.stage_pause)

    async def get(self, job_id: str) -> Job:
        job = self._database.jobs.find(job_id)
        if job is None:
            raise NotFound(f"there is no job {job_id}", resource=job_id)
        self._database.check_readable(job_id)
        return self._with_stage(job)

    async def save(self, job: Job) -> Job:
        saved, write = job_write(self._database, job)
        self._database.commit(write)
        return replace(saved, stage_pause=job.stage_pause)

    async def reopen(self, job: Job, *, connector: Connector | None = None) -> Job:
        saved, write = job_write(self._database, job)
        self._check_connector(connector)
        self._check_prefixes(job)
        self._database.commit(write)
        return replace(saved, stage_pause=job.stage_pause)

    async def list_page(
        self,
        *,
        connector_id: str | None = None,
        status: JobStatus | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> Page[Job]:
        """See `JobStore.list_page`; the status is filtered after the page was cut."""
        of_connector = (
            job
            for job in self._database.jobs
            if connector_id is None or job.request.connector_id == connector_id
        )
        page = page_of(
            of_connector,
            position=_age,
            descending=True,
            list_name=f"jobs of {connector_id!r} in {status}",
            limit=limit,
            cursor=cursor,
        )
        found = (self._database.readable(j.job_id, self._with_stage(j)) for j in page.items)
        jobs = [j for j in found if isinstance(j, Unreadable) or status in (None, j.status)]
        return Page.of(jobs, page.cursor)

    async def open_jobs(self) -> AsyncIterator[Job | Unreadable]:
        for listed in sorted(self._database.jobs, key=_age):
            # The consumer may have changed it since the list was made.
            job = self._database.jobs.find(listed.job_id)
            if job is not None and _is_open(job):
                yield self._database.readable(job.job_id, self._with_stage(job))

    async def stage_pause(self) -> Pause | None:
        return self._database.stage_pause

    async def pause_stage(self, pause: Pause | None) -> None:
        self._database.stage_pause = pause

    def _with_stage(self, job: Job) -> Job:
        pause = self._database.stage_pause
        return job if pause is None else replace(job, stage_pause=pause)

    def _check_connector(self, connector: Connector | None) -> None:
        if connector is None:
            return
        stored = self._database.connectors.get(connector.connector_id)
        if stored is None or stored.revision != connector.revision:
            raise ConnectorChanged(connector.connector_id)

    def _check_prefixes(self, job: Job) -> None:
        if job.terminal:
            return
        active = [
            other
            for other in self._database.jobs
            if other.request.bucket.name == job.request.bucket.name
            and other.job_id != job.job_id
            and not other.terminal
        ]
        for other in active:
            if overlap(other.request.options.prefixes, job.request.options.prefixes):
                raise OverlappingJob(other.job_id)
        size_bytes = active_prefix_bytes(each.request.options.prefixes for each in (*active, job))
        if size_bytes > ACTIVE_PREFIX_BYTES_MAX:
            raise TooManyPrefixes(job.request.bucket.name, size_bytes)


def job_write(database: MemoryDatabase, job: Job) -> tuple[Job, Write]:
    """Return the job as a save stores it (next version, the stored tally), and that write.

    Raises:
        Conflict: The stored version differs, or there is no such job.
    """
    stored = database.jobs.find(job.job_id)
    if stored is None or stored.version != job.version:
        raise Conflict(f"job {job.job_id} is not at version {job.version}", resource=job.job_id)
    saved = replace(job, version=job.version + 1, tally=stored.tally, stage_pause=None)
    return saved, database.jobs.write(job.job_id, saved, expected_version=job.version)


def _is_open(job: Job) -> bool:
    pending = not job.terminal or bool(job.notices.pending)
    return pending or wants_index(job) or wants_comparison(job) or wants_orphans(job)


def _age(job: Job) -> tuple[str, str]:
    # In UTC and of fixed width, the text sorts like the time.
    return job.times.created_at.astimezone(UTC).isoformat(timespec="microseconds"), job.job_id


_: type[JobStore] = MemoryJobStore
