"""The engine dies between creating a batch job and recording its id; then a user cancels."""

from __future__ import annotations

from typing import Any

import pytest

from domain.batch_job import BatchJobStatus
from domain.discovery import Discovery
from domain.job import JobStatus
from ports.errors import AccessDenied

SWEEP_S = 300


class Died(BaseException):
    """The process is killed."""


async def forgotten(story: Any) -> Any:
    """Return a job whose engine died right after it created a batch job."""
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    create = story.ports.batch_jobs.create

    async def create_and_die(ordered: Any, *, report_prefix: str) -> str:
        await create(ordered, report_prefix=report_prefix)
        raise Died

    story.ports.batch_jobs.create = create_and_die
    with pytest.raises(Died):
        await story.run_engine()
    story.ports.batch_jobs.create = create
    job = await story.ports.jobs.get(job.job_id)
    assert (job.status, job.discovery.batch_job_id) == (JobStatus.DISCOVERING, None)
    return job


async def ended(story: Any, job: Any) -> Any:
    """Run engine and sweep, and no batch job; return the job at its end."""
    for _ in range(10):
        await story.run_engine()
        job = await story.ports.jobs.get(job.job_id)
        if job.terminal:
            return job
        story.ports.clock.advance(SWEEP_S)
        await story.use_cases.sweep().run(story.deadline())
    pytest.fail(f"{job} does not end")


async def batch_statuses(story: Any) -> list[BatchJobStatus]:
    """Return the states of all batch jobs."""
    made = story.ports.batch_jobs.created
    return [(await story.ports.batch_jobs.describe(batch_job_id)).status for batch_job_id in made]


async def test_a_batch_job_that_the_record_does_not_name_is_cancelled(story: Any) -> None:
    job = await forgotten(story)
    await story.use_cases.cancel_job().cancel(job.job_id)
    job = await ended(story, job)
    assert job.status is JobStatus.CANCELLED
    assert await batch_statuses(story) == [BatchJobStatus.CANCELLED]


async def test_a_job_is_not_cancelled_while_its_engine_may_create_a_batch_job(story: Any) -> None:
    """Otherwise the batch job would be created after the last search for it."""
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    create = story.ports.batch_jobs.create

    async def late(ordered: Any, *, report_prefix: str) -> str:
        await story.use_cases.cancel_job().cancel(job.job_id)
        await story.use_cases.engine().advance(job.job_id, story.deadline())
        assert not (await story.ports.jobs.get(job.job_id)).terminal
        await create(ordered, report_prefix=report_prefix)
        raise Died

    story.ports.batch_jobs.create = late
    with pytest.raises(Died):
        await story.run_engine()
    ended_job = await ended(story, job)
    assert ended_job.status is JobStatus.CANCELLED
    assert await batch_statuses(story) == [BatchJobStatus.CANCELLED]


async def test_an_engine_that_lost_its_lease_leaves_the_batch_job_to_its_successor(
    story: Any,
) -> None:
    """S3 returns one batch job for both requests: the first engine gets its response late."""
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    create = story.ports.batch_jobs.create

    async def answered_late(ordered: Any, *, report_prefix: str) -> str:
        story.ports.batch_jobs.create = create
        batch_job_id: str = await create(ordered, report_prefix=report_prefix)
        story.ports.clock.advance(2_000)
        await story.use_cases.engine().advance(job.job_id, story.deadline())
        return batch_job_id

    story.ports.batch_jobs.create = answered_late
    await story.run_engine()
    job = await story.finish(job.job_id)
    assert (job.status, job.status_reason) == (JobStatus.COMPLETED, None)
    assert await batch_statuses(story) == [BatchJobStatus.COMPLETE]


@pytest.mark.parametrize("place", ["describe", "release", "lost order"])
async def test_a_cancel_while_the_engine_ends_its_work_cancels_the_batch_job(
    story: Any, place: str
) -> None:
    """The engine that holds the lease reads the request last; no process checks the job later."""
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    name = "save" if place == "release" else "describe"
    port = story.ports.jobs if place == "release" else story.ports.batch_jobs
    sound = getattr(port, name)

    async def cancel_first(first: Any) -> Any:
        if place != "release" or (
            first.work.lease is None and first.discovery.batch_job_id is not None
        ):
            setattr(port, name, sound)
            await story.use_cases.cancel_job().cancel(job.job_id)
            if place == "lost order":
                story.ports.invoker.take()
        return await sound(first)

    setattr(port, name, cancel_first)
    await story.run_engine()
    job = await ended(story, job)
    assert job.status is JobStatus.CANCELLED
    assert await batch_statuses(story) == [BatchJobStatus.CANCELLED]


async def test_a_job_that_was_not_cancelled_resumes_its_batch_job(story: Any) -> None:
    job = await forgotten(story)
    story.ports.clock.advance(2_000)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert await batch_statuses(story) == [BatchJobStatus.COMPLETE]


async def test_a_denied_search_does_not_block_the_cancel(story: Any) -> None:
    async def denied(job_id: str) -> list[str]:
        raise AccessDenied("no s3:ListJobs")

    job = await forgotten(story)
    story.ports.batch_jobs.find = denied
    await story.use_cases.cancel_job().cancel(job.job_id)
    assert (await ended(story, job)).status is JobStatus.CANCELLED


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_no_batch_job_is_searched_where_none_can_exist(
    story: Any, discovery: Discovery
) -> None:
    """A job without a manifest, or with discovery `direct`, has no batch job."""
    looked: list[str] = []

    async def find(job_id: str) -> list[str]:
        looked.append(job_id)
        return []

    story.ports.batch_jobs.find = find
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=discovery)
    await story.use_cases.cancel_job().cancel(job.job_id)
    assert (await ended(story, job)).status is JobStatus.CANCELLED
    other = await story.start(discovery=discovery)
    await story.run_engine()
    await story.use_cases.cancel_job().cancel(other.job_id)
    assert (await ended(story, other)).status is JobStatus.CANCELLED
    assert looked == []
