"""The notification of a job's end, and its cause, are correct and published despite any failure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.job import JobStatus
from ports.errors import AccessDenied, Misconfigured, PortError, Throttled, Unavailable

SWEEP_S = 300


def refuse_summaries(story: Any, error: PortError) -> None:
    """Make writes of summaries fail."""
    put = story.ports.results.put

    async def refused(key: str, content: bytes) -> None:
        if key.endswith("/summary.json"):
            raise error
        await put(key, content)

    story.ports.results.put = refused


def write_summaries(story: Any) -> None:
    """Let summaries be written again."""
    del story.ports.results.put


async def swept(story: Any, job: Any, count: int = 1) -> list[str]:
    """Run the sweep `count` times; return the published notifications of the job."""
    for _ in range(count):
        story.ports.clock.advance(SWEEP_S)
        await story.use_cases.sweep().run(story.deadline())
    statuses: list[str] = story.statuses(job)
    return statuses


@pytest.mark.parametrize("error", [AccessDenied("no s3:PutObject"), Misconfigured("no bucket")])
async def test_an_end_is_announced_without_its_summary(story: Any, error: PortError) -> None:
    refuse_summaries(story, error)
    job = await story.sync()
    assert job.status is JobStatus.COMPLETED
    assert story.statuses(job) == ["INITIALIZING", "COMPLETED"]
    assert (await story.ports.jobs.get(job.job_id)).notices.pending == ()
    assert "summary_not_written" in {e.name for e in story.ports.telemetry.warnings}


@pytest.mark.parametrize("error", [Throttled("slow down"), Unavailable("503")])
async def test_an_end_waits_for_its_summary_for_an_hour(story: Any, error: PortError) -> None:
    refuse_summaries(story, error)
    job = await story.start()
    await story.run_engine()
    assert await swept(story, job, 11) == ["INITIALIZING"]
    assert await swept(story, job) == ["INITIALIZING", "COMPLETED"]
    assert await swept(story, job) == ["INITIALIZING", "COMPLETED"]


async def test_a_late_summary_is_written_before_the_notification(story: Any) -> None:
    refuse_summaries(story, Unavailable("503"))
    job = await story.start()
    await story.run_engine()
    write_summaries(story)
    assert await swept(story, job) == ["INITIALIZING", "COMPLETED"]
    assert story.summary(job)["status"] == "COMPLETED"


async def test_a_cancel_while_listing_leaves_no_error(story: Any) -> None:
    """The end aborts the upload that the listing still sends to."""
    story.put("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    list_objects = story.ports.objects.list_objects
    job = await story.start()

    async def cancelled_between(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        async for page in list_objects(bucket, **place):
            await story.use_cases.cancel_job().cancel(job.job_id)
            await story.use_cases.engine().advance(job.job_id, story.deadline())
            yield page

    story.ports.objects.list_objects = cancelled_between
    await story.run_engine()
    job = await story.finish(job.job_id)
    assert (job.status, job.status_reason) == (JobStatus.CANCELLED, "cancelled by request")
    assert await story.failures(job) == []
    assert "job_failed" not in {e.name for e in story.ports.telemetry.warnings}


async def test_an_engine_whose_lease_ran_out_fails_no_job(story: Any) -> None:
    """Its successor restarted the listing; the old one's failed calls do not fail the job."""
    story.put("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    list_objects = story.ports.objects.list_objects
    job = await story.start()

    async def late(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        async for page in list_objects(bucket, **place):
            yield page
            if story.ports.objects.list_objects is late:
                story.ports.objects.list_objects = list_objects
                story.ports.clock.advance(2_000)
                await story.use_cases.engine().advance(job.job_id, story.deadline())

    story.ports.objects.list_objects = late
    await story.run_engine()
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert set(story.kinds(job).values()) == {"PUT"}
    assert await story.failures(job) == []
