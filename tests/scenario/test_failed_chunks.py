"""A failed chunk keeps the known outcomes of its objects: its counts and its files agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from application.execution.tuning import Tuning
from application.results.files import chunk_key
from domain.chunk import ChunkStatus
from domain.job import Job, JobStatus
from domain.outcome import Statistics, counts_by_name
from ports.errors import AccessDenied, Throttled, Unavailable

KEYS = [f"{number}.jpg" for number in range(5)]


def agree(story: Any, job: Job) -> None:
    """Check that the counts of a job are those of its files; failures without a line are more."""
    kinds = Counter(story.kinds(job).values())
    counts = {name: count for name, count in counts_by_name(job.tally.statistics).items() if count}
    failed = counts.pop("failed", 0)
    assert failed >= kinds.pop("FAILED", 0)
    assert counts == {kind.lower(): count for kind, count in kinds.items()}
    assert job.tally.statistics.total == job.listing.objects_listed


def refuse(story: Any, key: str | None) -> None:
    """Make the bus refuse one object's event, or none."""
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key == key else None


def deny_reads(story: Any, *folders: str) -> Callable[[], None]:
    """Make the results bucket deny reads in some folders; return the function that ends this."""
    stream = story.ports.results.stream

    def denied(key: str, *, position: int = 0) -> Any:
        if key.split("/")[2] in folders:
            raise AccessDenied("kms:Decrypt", resource=key)
        return stream(key, position=position)

    story.ports.results.stream = denied

    def end() -> None:
        story.ports.results.stream = stream

    return end


def remove(story: Any, folder: str) -> None:
    """Remove files, as a lifecycle rule does."""
    for name in [name for name in story.ports.results.files if name.split("/")[2] == folder]:
        del story.ports.results.files[name]


async def settled_with_one_failure(story: Any) -> Job:
    story.put(*KEYS)
    refuse(story, "4.jpg")
    job: Job = await story.sync()
    refuse(story, None)
    assert job.tally.statistics == Statistics(put=4, failed=1)
    return job


async def released(story: Any) -> Job:
    """Return a job whose chunk was released with four outcomes."""
    story.put(*KEYS)
    refuse(story, "4.jpg")
    job: Job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    assert story.chunks(job)[0].progress_key is not None
    refuse(story, None)
    return job


async def test_a_redriven_chunk_whose_own_file_is_deleted(story: Any) -> None:
    job = await settled_with_one_failure(story)
    remove(story, "chunks")
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert job.tally.statistics == Statistics(put=4, failed=1)
    assert story.kinds(job) == dict.fromkeys(KEYS[:4], "PUT") | {"4.jpg": "FAILED"}


@pytest.mark.parametrize("content", [b"not,a,row\n", None], ids=repr)
async def test_a_released_chunk_that_cannot_be_read(story: Any, content: bytes | None) -> None:
    job = await released(story)
    key = chunk_key(story.chunks(job)[0])
    if content is None:
        remove(story, "chunks")
    else:
        story.ports.results.files[key] = content
    job = await story.finish(job.job_id)
    assert story.chunks(job)[0].status is ChunkStatus.FAILED
    assert job.tally.statistics == Statistics(put=4, failed=1)
    assert story.kinds(job) == dict.fromkeys(KEYS[:4], "PUT")


async def test_a_denied_chunk_is_counted_by_its_progress(story: Any) -> None:
    job = await released(story)
    allow = deny_reads(story, "chunks")
    job = await story.finish(job.job_id)
    assert job.tally.statistics == Statistics(put=4, failed=1)
    agree(story, job)
    allow()
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=5))
    agree(story, job)
    # Nothing is announced twice.
    assert Counter(event.object_key for event in story.ports.bus.events) == Counter(KEYS)


async def test_deleted_progress_leaves_the_settled_outcomes(story: Any) -> None:
    job = await settled_with_one_failure(story)
    refuse(story, "4.jpg")
    await story.use_cases.redrive_job().redrive(job.job_id)
    await story.run_engine()
    await story.run_chunks()
    remove(story, "progress")
    job = await story.finish(job.job_id)
    assert job.tally.statistics == Statistics(put=4, failed=1)
    assert story.outcomes(job)["4.jpg"]["reason"] == "Unavailable"
    agree(story, job)


async def test_counts_stay_while_all_files_are_denied(story: Any) -> None:
    job = await settled_with_one_failure(story)
    allow = deny_reads(story, "chunks", "progress", "outcomes")
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert story.chunks(job)[0].status is ChunkStatus.FAILED
    assert job.tally.statistics == Statistics(put=4, failed=1)
    allow()
    agree(story, job)
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=5))
    agree(story, job)


async def test_a_cancelled_chunk_keeps_its_counts_while_its_files_are_denied(
    new_story: Callable[..., Any],
) -> None:
    one_by_one = Tuning(window_object_count=1, windows_in_flight=1, manifest_part_bytes=1)
    story = new_story(one_by_one)
    story.put(*KEYS)
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key >= "3" else None
    job = await story.sync()
    assert job.tally.statistics == Statistics(put=3, failed=2)
    await story.use_cases.redrive_job().redrive(job.job_id)
    await story.run_engine()

    async def cancelled(bucket: Any, key: str) -> Any:
        await story.use_cases.cancel_job().cancel(job.job_id)
        deny_reads(story, "chunks", "progress", "outcomes")
        story.ports.clock.advance(60)
        raise Throttled("slow down")

    story.ports.objects.read_tags = cancelled
    await story.run_chunks()
    job = await story.ports.jobs.get(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert job.tally.statistics == Statistics(put=3, failed=1)
    assert story.kinds(job) == dict.fromkeys(KEYS[:3], "PUT") | {"3.jpg": "FAILED"}


@pytest.mark.parametrize("redriven", [False, True])
async def test_a_read_only_results_bucket_does_not_keep_the_job_from_its_end(
    story: Any, redriven: bool
) -> None:
    if redriven:
        job = await settled_with_one_failure(story)
        await story.use_cases.redrive_job().redrive(job.job_id)
    else:
        story.put(*KEYS)
        job = await story.start()
    await story.run_engine()
    put = story.ports.results.put

    async def denied(key: str, content: bytes) -> None:
        if key.split("/")[2] in ("outcomes", "progress"):
            raise AccessDenied("s3:PutObject", resource=key)
        await put(key, content)

    story.ports.results.put = denied
    for _ in range(story.tuning.chunk_attempt_count_max):
        await story.run_chunks()
        assert story.chunks(job)[0].status is ChunkStatus.QUEUED
        story.ports.clock.advance(1_000)
    job = await story.finish(job.job_id)
    agree(story, job)
    assert job.tally.statistics == (
        Statistics(put=4, failed=1) if redriven else Statistics(failed=5)
    )
    messages = " ".join(failure.message for failure in await story.failures(job))
    assert "s3:PutObject" in messages
    story.ports.results.put = put
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=5))
    agree(story, job)
