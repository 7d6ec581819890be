"""Guards of prefixes on DynamoDB, where jobs of version 0.1 and of this one are active at once.

Version 0.1 has one guard per connector, and knows of no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.aws.dynamo_reads import scan
from adapters.aws.job_item import new_job_item
from adapters.aws.prefix_guard import is_guard
from adapters.aws.resources import JOBS_TABLE
from domain.job import Job, JobCancelled, evolve
from ports.job_store import JobStore, OverlappingJob

MakeJob = Callable[..., Job]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class FirstVersion:
    """Writes the job table as version 0.1 does."""

    def __init__(self, tables: Any) -> None:
        self.client = tables.client
        self.table_name = tables.name(JOBS_TABLE)

    async def create(self, job: Job) -> None:
        """Record a job, and the guard of its connector."""
        item = new_job_item(replace(job, version=1))
        await self.client.put_item(TableName=self.table_name, Item=item)
        prefixes = {"L": [{"S": prefix} for prefix in job.request.options.prefixes]}
        await self.client.put_item(
            TableName=self.table_name,
            Item={
                "jobId": {"S": f"connector#{job.request.connector_id}"},
                "active": {"M": {job.job_id: prefixes}},
                "version": {"N": "1"},
            },
        )

    async def end(self, job: Job) -> None:
        """Record a job's end, and free its prefixes in the guard of its connector."""
        item = new_job_item(replace(ended(job), version=job.version + 1))
        await self.client.put_item(TableName=self.table_name, Item=item)
        await self.client.update_item(
            TableName=self.table_name,
            Key={"jobId": {"S": f"connector#{job.request.connector_id}"}},
            UpdateExpression="REMOVE #active.#job ADD #version :one",
            ExpressionAttributeNames={
                "#active": "active",
                "#job": job.job_id,
                "#version": "version",
            },
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    async def active(self) -> dict[str, set[str]]:
        """Return the ids of jobs that have entries, by the guard."""
        return {
            item["jobId"]["S"]: set(item["active"]["M"])
            async for item in scan(self.client, {"TableName": self.table_name})
            if is_guard(item["jobId"]["S"])
        }


@pytest.fixture
def first(tables: Any) -> FirstVersion:
    return FirstVersion(tables)


@pytest.fixture
def jobs(dynamo: Any) -> JobStore:
    store: JobStore = dynamo.jobs
    return store


def ended(job: Job) -> Job:
    return evolve(job, JobCancelled(reason="enough"), NOW)


async def test_an_active_job_of_the_version_before_keeps_its_prefixes(
    first: FirstVersion, jobs: JobStore, make_job: MakeJob
) -> None:
    await first.create(make_job("job-1", "a/"))
    with pytest.raises(OverlappingJob) as caught:
        await jobs.create(make_job("job-2", "a/b/"))
    assert caught.value.job_id == "job-1"
    await jobs.create(make_job("job-3", "b/"))

    # It ends under this version: there is nothing of it in the bucket's guard.
    await jobs.save(ended(await jobs.get("job-1")))
    assert await first.active() == {"bucket#media": {"job-3"}, "connector#con-1": {"job-3"}}
    await jobs.create(make_job("job-4", "a/"))


async def test_the_only_job_of_the_version_before_ends_without_a_guard_of_the_bucket(
    first: FirstVersion, jobs: JobStore, make_job: MakeJob
) -> None:
    await first.create(make_job("job-1", "a/"))
    await jobs.save(ended(await jobs.get("job-1")))
    assert await first.active() == {"connector#con-1": set()}


async def test_the_version_before_sees_jobs_of_this_one(
    first: FirstVersion, jobs: JobStore, make_job: MakeJob
) -> None:
    job = await jobs.create(make_job("job-1", "a/"))
    assert (await first.active())["connector#con-1"] == {"job-1"}
    await jobs.save(ended(job))
    assert await first.active() == {"bucket#media": set(), "connector#con-1": set()}


async def test_a_job_that_the_previous_version_ended_blocks_no_other(
    first: FirstVersion, jobs: JobStore, make_job: MakeJob
) -> None:
    await first.end(await jobs.create(make_job("job-1", "a/")))
    assert await first.active() == {"bucket#media": {"job-1"}, "connector#con-1": set()}
    await jobs.create(make_job("job-2", "a/", connector_id="con-2"))
    assert (await first.active())["bucket#media"] == {"job-2"}


async def test_a_job_that_an_operator_removed_blocks_no_other(
    first: FirstVersion, jobs: JobStore, make_job: MakeJob
) -> None:
    await jobs.create(make_job("job-1", "a/"))
    await first.client.delete_item(TableName=first.table_name, Key={"jobId": {"S": "job-1"}})
    await jobs.create(make_job("job-2", "a/"))
    assert set(map(frozenset, (await first.active()).values())) == {frozenset({"job-2"})}


async def test_a_job_that_cannot_be_read_keeps_its_prefixes(
    dynamo: Any, jobs: JobStore, make_job: MakeJob
) -> None:
    await jobs.create(make_job("job-1", "a/"))
    await dynamo.spoil("job-1")
    with pytest.raises(OverlappingJob) as caught:
        await jobs.create(make_job("job-2", "a/"))
    assert caught.value.job_id == "job-1"
