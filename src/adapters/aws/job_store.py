"""The job table on DynamoDB: one item per job, and the guards of the prefixes that jobs reserve.

The stage's pause is one more item, which is read in the same request as a job.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.attributes import Item, read_or_report, reading, to_item
from adapters.aws.backoff import Backoff, Sleep
from adapters.aws.connector_item import also_at_version, at_version
from adapters.aws.cursors import to_cursor, to_position
from adapters.aws.dynamo_reads import batch_get, batches, first, query
from adapters.aws.dynamo_writes import ConditionsFailed, DynamoWriter, Request, put, update
from adapters.aws.errors import map_aws_errors
from adapters.aws.job_item import (
    ALL_JOBS,
    OPEN,
    is_open,
    job_key,
    job_values,
    new_job_item,
    to_job,
)
from adapters.aws.listing_item import is_share
from adapters.aws.pause_item import is_stage, stage_item, stage_key, to_stage_pause
from adapters.aws.prefix_guard import (
    PrefixGuard,
    guard_ids,
    is_active,
    is_guard,
    read_guard,
    release,
)
from adapters.aws.schedule_runs import runs_request
from adapters.aws.slot_store import is_slot
from domain.connector import Connector
from domain.item_sizes import ACTIVE_PREFIX_BYTES_MAX
from domain.job import Job, JobStatus
from domain.pause import Pause
from domain.schedule_runs import ScheduleRuns
from ports.errors import AlreadyExists, NotFound
from ports.job_store import ConnectorChanged, JobStore, OverlappingJob, TooManyPrefixes
from ports.paging import Page, Unreadable

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

# The first action of a transaction is the job; its guards follow.
_JOB: Final = 0


class DynamoJobStore:
    """Stores jobs in the table `resources.JOBS_TABLE`."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        *,
        connector_table_name: str,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._client = client
        self._table_name = table_name
        self._connector_table_name = connector_table_name
        self._sleep = sleep
        self._writer = DynamoWriter(client, sleep=sleep)

    async def create(
        self,
        job: Job,
        *,
        connector: Connector | None = None,
        runs: ScheduleRuns | None = None,
    ) -> Job:
        created = replace(job, version=1)
        request = put(self._table_name, new_job_item(created), absent="jobId")
        try:
            await self._write_reserving(created, request, self._with_connector(connector, runs))
        except (OverlappingJob, TooManyPrefixes):
            if await self._find(job.job_id) is not None:
                raise _exists(job) from None
            raise
        except ConditionsFailed as failed:
            raise _exists(job) from failed
        return created

    async def get(self, job_id: str) -> Job:
        other = is_guard(job_id) or is_share(job_id) or is_stage(job_id) or is_slot(job_id)
        job = None if other else await self._find(job_id)
        if job is None:
            raise NotFound(f"there is no job {job_id}", resource=job_id)
        return job

    async def save(self, job: Job) -> Job:
        request = save_request(self._table_name, job)
        guards = guard_ids(job) if job.terminal else ()
        while guards:
            frees = [{"Update": release(self._table_name, guard, job)} for guard in guards]
            try:
                await self._writer.transact([{"Update": request}, *frees])
            except ConditionsFailed as failed:
                if _JOB in failed.positions:
                    raise
                # There is no such guard, so there is no reservation to release.
                guards = tuple(
                    guard
                    for position, guard in enumerate(guards, start=_JOB + 1)
                    if position not in failed.positions
                )
            else:
                return await self._saved(job)
        return replace(
            job, version=job.version + 1, tally=to_job(await self._writer.update(request)).tally
        )

    async def reopen(self, job: Job, *, connector: Connector | None = None) -> Job:
        request = save_request(self._table_name, job)
        await self._write_reserving(job, request, self._with_connector(connector))
        return await self._saved(job)

    async def list_page(
        self,
        *,
        connector_id: str | None = None,
        status: JobStatus | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> Page[Job]:
        """See `JobStore.list_page`; the status is filtered after the page was read."""
        name = f"jobs of {connector_id!r} in {status}"
        if connector_id is None:
            partition = ("ByCreatedIndex", "listing", ALL_JOBS)
        else:
            partition = ("ByConnectorIndex", "connectorId", connector_id)
        request = self._index_request(*partition) | {"ScanIndexForward": False, "Limit": limit + 1}
        if cursor is not None:
            created_at, job_id = to_position(name, cursor, str, str)
            _, attribute, value = partition
            request["ExclusiveStartKey"] = to_item(
                {"jobId": job_id, "createdAt": created_at, attribute: value}
            )
        entries, more = await first(query(self._client, request), limit)
        jobs = [
            job
            for job in await self._read(entries)
            if isinstance(job, Unreadable) or status in (None, job.status)
        ]
        return Page.of(jobs, _cursor_after(name, entries[-1]) if more else None)

    async def open_jobs(self) -> AsyncIterator[Job | Unreadable]:
        """See `JobStore.open_jobs`; a job not yet in the index is returned next time."""
        request = self._index_request("OpenIndex", "open", OPEN)
        async for entries in batches(query(self._client, request)):
            for job in await self._read(entries):
                # The index may lag behind.
                if isinstance(job, Unreadable) or is_open(job):
                    yield job

    async def stage_pause(self) -> Pause | None:
        return (await self._items([]))[1]

    async def pause_stage(self, pause: Pause | None) -> None:
        with map_aws_errors("dynamodb", operation="PutItem", resource=f"table/{self._table_name}"):
            await self._client.put_item(TableName=self._table_name, Item=stage_item(pause))

    def _with_connector(
        self, connector: Connector | None, runs: ScheduleRuns | None = None
    ) -> list[dict[str, Request]]:
        """Return the action on the connector: that it is as it was read, with its new runs."""
        if connector is None:
            return []
        table_name = self._connector_table_name
        if runs is None:
            return [{"ConditionCheck": at_version(table_name, connector)}]
        # An item can have one action in a transaction.
        request = runs_request(table_name, connector, runs)
        return [{"Update": also_at_version(request, connector)}]

    async def _write_reserving(
        self, job: Job, request: Request, of_connector: list[dict[str, Request]]
    ) -> None:
        """Write the job and reserve its prefixes; an ended one reserves none.

        With the action on its connector, only if that succeeds.
        """
        written = {"Put" if "Item" in request else "Update": request}
        if job.terminal:
            await self._writer.transact([written])
            return
        backoff = Backoff(
            self._sleep, operation="TransactWriteItems", resource=f"table/{self._table_name}"
        )
        while True:
            guards = [await self._guard(guard_id, job) for guard_id in guard_ids(job)]
            size_bytes = max(guard.size_bytes(job) for guard in guards)
            if size_bytes > ACTIVE_PREFIX_BYTES_MAX:
                raise TooManyPrefixes(job.request.bucket.name, size_bytes)
            takes = [{"Put": guard.reserve(self._table_name, job)} for guard in guards]
            try:
                await self._writer.transact([written, *takes, *of_connector])
            except ConditionsFailed as failed:
                if _JOB in failed.positions:
                    raise
                if len(takes) + 1 in failed.positions:
                    raise ConnectorChanged(job.request.connector_id) from failed
            else:
                return
            await backoff.wait("another job of the bucket interfered")

    async def _guard(self, guard_id: str, job: Job) -> PrefixGuard:
        """Return the guard, without stale entries that conflict with the job.

        Raises:
            OverlappingJob: An active job conflicts.
        """
        guard = await read_guard(self._client, self._table_name, guard_id)
        overlapping = guard.overlapping(job)
        for job_id in overlapping:
            if await is_active(self._client, self._table_name, job_id):
                raise OverlappingJob(job_id)
        return guard.without(overlapping)

    async def _find(self, job_id: str) -> Job | None:
        items, stage_pause = await self._items([job_key(job_id)])
        for item in items:
            return replace(to_job(item), stage_pause=stage_pause)
        return None

    async def _items(self, keys: Sequence[Item]) -> tuple[list[Item], Pause | None]:
        """Return the items of the jobs with these keys, and the stage's pause."""
        found = await batch_get(
            self._client,
            self._table_name,
            [*keys, stage_key()],
            sleep=self._sleep,
            options={"ConsistentRead": True},
        )
        jobs: list[Item] = []
        stage_pause = None
        with reading("a list of jobs"):
            for item in found:
                if is_stage(item["jobId"]["S"]):
                    stage_pause = to_stage_pause(item)
                else:
                    jobs.append(item)
        return jobs, stage_pause

    async def _saved(self, job: Job) -> Job:
        """Return the job as a transaction wrote it; transactions return no values."""
        return replace(job, version=job.version + 1, tally=(await self.get(job.job_id)).tally)

    async def _read(self, entries: Sequence[Item]) -> list[Job | Unreadable]:
        """Return the jobs of these index entries, in the same order, in their current state."""
        with reading("a list of jobs"):
            keys = [{"jobId": entry["jobId"]} for entry in entries]
        items, stage_pause = await self._items(keys)

        def read(item: Item) -> Job:
            return replace(to_job(item), stage_pause=stage_pause)

        with reading("a list of jobs"):
            jobs = {item["jobId"]["S"]: read_or_report(item, "jobId", read) for item in items}
            ids = [entry["jobId"]["S"] for entry in entries]
        return [jobs[job_id] for job_id in ids if job_id in jobs]

    def _index_request(self, index_name: str, attribute: str, value: str) -> dict[str, Any]:
        values: Mapping[str, str] = {":value": value}
        return {
            "TableName": self._table_name,
            "IndexName": index_name,
            "KeyConditionExpression": "#attribute = :value",
            "ExpressionAttributeNames": {"#attribute": attribute},
            "ExpressionAttributeValues": to_item(values),
        }


def save_request(table_name: str, job: Job, *, add: Mapping[str, int] | None = None) -> Request:
    """Return the Update of all but the tally over the job's version; `add` changes the tally."""
    return update(
        table_name, job_key(job.job_id), job_values(job), version=job.version, add=add or {}
    )


def _cursor_after(list_name: str, entry: Item) -> str:
    with reading("a list of jobs"):
        return to_cursor(list_name, (entry["createdAt"]["S"], entry["jobId"]["S"]))


def _exists(job: Job) -> AlreadyExists:
    return AlreadyExists(f"job {job.job_id} exists", resource=job.job_id)


_: type[JobStore] = DynamoJobStore
