"""Errors during a job's end are logged and skipped: the end has priority."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from domain.batch_job import BatchJobStatus
from domain.discovery import Discovery
from domain.job import JobStatus
from ports.errors import (
    AccessDenied,
    Misconfigured,
    PortError,
    Throttled,
    Unavailable,
)

SWEEP_S = 300
DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))
RESULTS_METHODS = (
    "put",
    "get",
    "create_upload",
    "upload_part",
    "complete_upload",
    "abort_upload",
    "e_tag",
)


def refuse(port: Any, method: str, error: Exception, *, where: str = "") -> None:
    """Make every call of a method fail whose first argument contains `where`."""
    sound = getattr(port, method)

    async def refused(first: Any, *others: Any, **more: Any) -> Any:
        if where in str(first):
            raise error
        return await sound(first, *others, **more)

    setattr(port, method, refused)


def lose_results(story: Any, error: Exception) -> None:
    """Make the results bucket unavailable."""

    async def no_stream(key: str, *, position: int = 0) -> Any:
        raise error
        yield b""

    for method in RESULTS_METHODS:
        refuse(story.ports.results, method, error)
    story.ports.results.stream = no_stream


async def sweeps(story: Any, job: Any, count: int, *, idle: bool = False) -> Any:
    """Run everything for `count` sweeps, despite failures; return the job then.

    With `idle` no chunk message arrives and no batch job runs.
    """
    others = () if idle else (story.run_chunks, story.run_batch_jobs)
    for _ in range(count):
        for step in (story.run_engine, *others):
            with suppress(PortError):  # the runtime tries again
                await step()
        story.ports.clock.advance(SWEEP_S)
        with suppress(PortError):
            await story.use_cases.sweep().run(story.deadline())
    return await story.ports.jobs.get(job.job_id)


def warned(story: Any) -> set[str]:
    """Return the names of the warnings in the log."""
    return {entry.name for entry in story.ports.telemetry.warnings}


@contextmanager
def listing_stopped(story: Any) -> Iterator[None]:
    """Make invocations too short for more than one page."""
    time_s, story.time_s = story.time_s, story.tuning.stop_margin_s - 1
    yield
    story.time_s = time_s


async def test_a_cancel_does_not_need_the_permission_to_cancel_the_batch_job(story: Any) -> None:
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    refuse(story.ports.batch_jobs, "cancel", AccessDenied("no s3:UpdateJobStatus"))
    await story.use_cases.cancel_job().cancel(job.job_id)
    await story.run_engine()
    job = await story.ports.jobs.get(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert story.statuses(job)[-1] == "CANCELLED"
    assert "end_step_failed" in warned(story)
    again = await story.sync()
    assert again.status is JobStatus.COMPLETED


@pytest.mark.parametrize("error", [Throttled("slow down"), Unavailable("503")])
async def test_a_batch_job_that_cannot_be_cancelled_now_is_cancelled_later(
    story: Any, error: Exception
) -> None:
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    sound = story.ports.batch_jobs.cancel
    refuse(story.ports.batch_jobs, "cancel", error)
    await story.use_cases.cancel_job().cancel(job.job_id)
    with pytest.raises(type(error)):
        await story.run_engine()
    assert (await story.ports.jobs.get(job.job_id)).status is JobStatus.DISCOVERING
    story.ports.batch_jobs.cancel = sound
    job = await sweeps(story, job, 1, idle=True)
    assert job.status is JobStatus.CANCELLED
    batch_job = await story.ports.batch_jobs.describe(job.discovery.batch_job_id)
    assert batch_job.status is BatchJobStatus.CANCELLED


async def test_a_batch_job_that_can_never_be_cancelled_is_skipped(story: Any) -> None:
    story.put("a.jpg", "b.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    refuse(story.ports.batch_jobs, "cancel", Unavailable("503"))
    await story.use_cases.cancel_job().cancel(job.job_id)
    assert not (await sweeps(story, job, 11, idle=True)).terminal
    job = await sweeps(story, job, 2, idle=True)
    assert job.status is JobStatus.CANCELLED


@pytest.mark.parametrize(
    ("error", "cancelled"),
    [
        (Misconfigured("no bucket"), False),
        (Misconfigured("no bucket"), True),
        (AccessDenied("no"), False),
        (AccessDenied("no"), True),
        # A temporary outage is waited for, until a user cancels.
        (Unavailable("503"), True),
    ],
)
async def test_a_results_bucket_that_is_lost_while_listing_ends_the_job(
    story: Any, error: Exception, cancelled: bool
) -> None:
    story.put(*(f"{number}.jpg" for number in range(12)))
    job = await story.start(discovery=Discovery.BATCH)
    with listing_stopped(story):
        await story.run_engine()
    assert story.ports.results.open_uploads
    lose_results(story, error)
    if cancelled:
        await story.use_cases.cancel_job().cancel(job.job_id)
    job = await sweeps(story, job, 30)
    assert job.status is (JobStatus.CANCELLED if cancelled else JobStatus.FAILED)
    assert (await story.start()).job_id != job.job_id


@DISCOVERIES
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "error", [Misconfigured("no bucket"), AccessDenied("no"), Unavailable("503")]
)
async def test_a_lost_results_bucket_does_not_keep_a_cancelled_job_from_its_end(
    story: Any, discovery: Discovery, steps: int, error: Exception
) -> None:
    story.put(*(f"{number}.jpg" for number in range(12)))
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key == "0.jpg" else None
    job = await story.start(discovery=discovery)
    for step in [story.run_engine, story.run_batch_jobs, story.run_engine, story.run_chunks][
        :steps
    ]:
        await step()
    lose_results(story, error)
    await story.use_cases.cancel_job().cancel(job.job_id)
    job = await sweeps(story, job, 30)
    assert job.terminal


async def test_the_progress_of_a_cancelled_chunk_is_waited_for(story: Any) -> None:
    """Access to a key may be restored: for an hour, the end waits for the counts."""
    story.put("a.jpg", "b.jpg")
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key == "a.jpg" else None
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    sound = story.ports.results.stream
    refuse_reading = AccessDenied("kms:Decrypt")

    async def denied(key: str, *, position: int = 0) -> Any:
        raise refuse_reading
        yield b""

    story.ports.results.stream = denied
    await story.use_cases.cancel_job().cancel(job.job_id)
    job = await sweeps(story, job, 3, idle=True)
    assert not job.terminal
    story.ports.results.stream = sound
    job = await sweeps(story, job, 1, idle=True)
    assert job.status is JobStatus.CANCELLED
    assert story.kinds(job) == {"b.jpg": "PUT"}
    assert job.tally.statistics.put == 1


async def test_a_failure_that_cannot_be_recorded_is_a_failure(story: Any) -> None:
    story.put("a.jpg")
    refuse(story.ports.errors, "record", AccessDenied("no dynamodb:BatchWriteItem"))
    story.buckets.denied.add("media")
    job = await story.start()
    job = await sweeps(story, job, 1)
    assert job.status is JobStatus.FAILED
    assert story.statuses(job)[-1] == "FAILED"


@pytest.mark.parametrize("method", ["record", "clear"])
async def test_a_denied_error_table_keeps_no_chunk_from_its_end(story: Any, method: str) -> None:
    """Its failures are in its outcome file, and are counted."""
    story.put("a.jpg", "b.jpg")
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key == "a.jpg" else None
    refuse(story.ports.errors, method, AccessDenied("no right on the error table"))
    job = await story.start()
    job = await sweeps(story, job, 12)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert story.kinds(job) == {"a.jpg": "FAILED", "b.jpg": "PUT"}
    assert "errors_not_recorded" in warned(story)


@pytest.mark.parametrize("error", [AccessDenied("no"), Unavailable("503")])
async def test_an_empty_listing_ends_without_the_permission_to_abort_its_upload(
    story: Any, error: Exception
) -> None:
    refuse(story.ports.results, "abort_upload", error)
    job = await sweeps(story, await story.start(), 1)
    assert job.status is JobStatus.COMPLETED


async def test_an_engine_that_lost_its_lease_does_not_need_the_permission_to_cancel(
    story: Any,
) -> None:
    """The cancel arrives between the creation of the batch job and the record of its id."""
    story.put("a.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    create = story.ports.batch_jobs.create

    async def create_and_cancel(ordered: Any, *, report_prefix: str) -> str:
        made: str = await create(ordered, report_prefix=report_prefix)
        await story.use_cases.cancel_job().cancel(job.job_id)
        return made

    story.ports.batch_jobs.create = create_and_cancel
    refuse(story.ports.batch_jobs, "cancel", AccessDenied("no s3:UpdateJobStatus"))
    await story.run_engine()
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert await story.failures(job) == []
