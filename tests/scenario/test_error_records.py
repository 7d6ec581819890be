"""The error records of a chunk are those of its settlement, and not of a failed one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from faulty_ports import Crash

from application.results.failure_records import object_failures
from domain.batch_job import BatchJobStatus
from domain.chunk import ChunkStatus
from domain.discovery import Discovery
from domain.job import Job, JobStatus
from domain.outcome import Outcome, OutcomeKind, Statistics
from ports.errors import Unavailable

KEYS = [f"{number}.jpg" for number in range(3)]


def refuse(story: Any, *keys: str) -> None:
    """Make the bus refuse events of these objects permanently: their failures are not retryable."""
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key in keys else None


def die_once(story: Any) -> None:
    """Kill the worker in the next settlement."""
    settle = story.ports.chunks.settle

    async def dying(chunk: Any, change: Any) -> Any:
        story.ports.chunks.settle = settle
        raise Crash

    story.ports.chunks.settle = dying


async def started(story: Any, *refused: str) -> Job:
    """Return a job whose only chunk has one attempt left."""
    story.put(*KEYS)
    job: Job = await story.start()
    await story.run_engine()
    refuse(story, *refused)
    [chunk] = story.chunks(job)
    attempts = story.tuning.chunk_attempt_count_max - 1
    await story.ports.chunks.save(replace(chunk, attempt_count=attempts))
    return job


async def failing_settlement(story: Any, job: Job) -> None:
    """Kill a worker in the settlement of the chunk, and let its lease expire."""
    die_once(story)
    with pytest.raises(Crash):
        await story.run_chunks()
    assert await story.failures(job)
    refuse(story)
    story.ports.clock.advance(1_000)


async def test_none_are_left_of_a_settlement_that_failed(story: Any) -> None:
    job = await started(story, "0.jpg")
    await failing_settlement(story, job)
    [chunk] = story.chunks(job)
    # As an operator's change would: the next attempt may be any of the chunk's.
    await story.ports.chunks.save(replace(chunk, attempt_count=1))
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=3))
    assert await story.failures(job) == []


async def test_none_are_left_after_progress_that_starts_the_count_again(story: Any) -> None:
    job = await started(story, "0.jpg")
    await failing_settlement(story, job)
    [chunk] = story.chunks(job)
    await story.ports.chunks.save(replace(chunk, attempt_count=1))
    refuse(story, "1.jpg")
    story.ports.clock.advance(400)
    await story.use_cases.sweep().run(story.deadline())
    await story.run_chunks()
    assert story.chunks(job)[0].attempt_count == 0
    refuse(story)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=3))
    assert await story.failures(job) == []


async def test_a_failed_chunk_has_its_own_cause(story: Any) -> None:
    """And the known failures of its objects, as in its outcome file."""
    job = await started(story, "0.jpg")
    await failing_settlement(story, job)
    job = await story.finish(job.job_id)
    assert story.chunks(job)[0].status is ChunkStatus.FAILED
    failures = await story.failures(job)
    assert {f.key: f.error_class for f in failures} == {None: "GivenUp", "0.jpg": "Unavailable"}
    assert job.tally.statistics == Statistics(put=2, failed=1)


async def test_a_failed_chunk_names_the_final_failures(story: Any) -> None:
    story.put("full.jpg", tags={f"tag{number}": "value" for number in range(9)})
    job = await started(story, *KEYS)
    await story.run_chunks()
    [chunk] = story.chunks(job)
    assert chunk.status is ChunkStatus.COMPLETED_WITH_ERRORS
    assert {f.key: f.error_class for f in await story.failures(job)} == {
        "full.jpg": "TagLimitExceeded",
        **dict.fromkeys(KEYS, "Unavailable"),
    }


async def test_a_chunk_whose_failure_was_not_recorded_keeps_no_cause(story: Any) -> None:
    story.put(*KEYS)
    job = await story.start()
    await story.run_engine()
    [chunk] = story.chunks(job)
    attempts = story.tuning.chunk_attempt_count_max
    await story.ports.chunks.save(replace(chunk, attempt_count=attempts))
    await failing_settlement(story, job)
    # An operator allows one attempt more.
    [chunk] = story.chunks(job)
    await story.ports.chunks.save(replace(chunk, attempt_count=1))
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=3))
    assert await story.failures(job) == []


@pytest.mark.parametrize("place", ["before the request", "at the record"])
async def test_a_job_has_a_record_of_its_failure_only_if_it_fails(story: Any, place: str) -> None:
    """A cancel that arrives while the engine fails the job does not become a failure."""
    story.put(*KEYS)
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    [batch_job_id] = story.ports.batch_jobs.created
    batch_job = await story.ports.batch_jobs.describe(batch_job_id)
    story.ports.batch_jobs.set(replace(batch_job, status=BatchJobStatus.FAILED))
    port, method = (
        (story.ports.errors, "record") if place == "at the record" else (story.ports.jobs, "save")
    )
    sound = getattr(port, method)

    async def cancel_too(*args: Any) -> Any:
        # Its work lease is released just before its end is requested.
        if place == "at the record" or args[0].work.lease is None:
            setattr(port, method, sound)
            await story.use_cases.cancel_job().cancel(job.job_id)
        return await sound(*args)

    setattr(port, method, cancel_too)
    await story.use_cases.engine().advance(job.job_id, story.deadline())
    ended = await story.finish(job.job_id)
    failed = ended.status is JobStatus.FAILED
    assert ended.status in (JobStatus.FAILED, JobStatus.CANCELLED)
    assert len(await story.failures(job)) == int(failed)


@pytest.mark.parametrize("place", ["outcomes", "errors"])
@pytest.mark.parametrize("redriven", [False, True])
async def test_a_worker_that_died_in_its_settlement_before_the_cancel(
    story: Any, place: str, redriven: bool
) -> None:
    """The sweep cancels the chunk, and counts the worker's outcomes."""
    if redriven:
        job = await started(story, *KEYS[:2])
        await story.run_chunks()
        await story.use_cases.redrive_job().redrive(job.job_id)
        await story.run_engine()
        [chunk] = story.chunks(job)
        attempts = story.tuning.chunk_attempt_count_max - 1
        await story.ports.chunks.save(replace(chunk, attempt_count=attempts))
        refuse(story, "0.jpg")
    else:
        job = await started(story, "0.jpg")
    put, record = story.ports.results.put, story.ports.errors.record

    async def dying_put(key: str, content: bytes) -> None:
        await put(key, content)
        if "/outcomes/" in key and place == "outcomes":
            raise Crash

    async def dying_record(failures: Any) -> None:
        await record(failures)
        if place == "errors":
            raise Crash

    story.ports.results.put, story.ports.errors.record = dying_put, dying_record
    with pytest.raises(Crash):
        await story.run_chunks()
    story.ports.results.put, story.ports.errors.record = put, record
    await story.use_cases.cancel_job().cancel(job.job_id)
    story.ports.clock.advance(1_000)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (
        JobStatus.CANCELLED,
        Statistics(put=2, failed=1),
    )
    assert [f.key for f in await story.failures(job)] == ["0.jpg"]


async def test_the_records_of_a_redriven_chunk_without_an_attempt_stay(story: Any) -> None:
    job = await started(story, "0.jpg")
    await story.run_chunks()
    before = await story.failures(job)
    await story.use_cases.redrive_job().redrive(job.job_id)
    await story.run_engine()
    await story.use_cases.cancel_job().cancel(job.job_id)
    await story.run_engine()
    job = await story.ports.jobs.get(job.job_id)
    assert (job.status, job.tally.statistics.failed) == (JobStatus.CANCELLED, 1)
    assert await story.failures(job) == before


@pytest.mark.parametrize("place", ["outcomes", "errors"])
async def test_a_worker_whose_lease_is_over_records_nothing(story: Any, place: str) -> None:
    """It sleeps in its settlement, while another attempt settles the chunk without failures."""
    job = await started(story, "0.jpg")
    put, record = story.ports.results.put, story.ports.errors.record
    slept: list[str] = []

    async def others_work(here: str) -> None:
        if here != place or slept:
            return
        slept.append(here)
        refuse(story)
        story.ports.clock.advance(1_000)
        await story.use_cases.sweep().run(story.deadline())
        [chunk] = story.chunks(job)
        await story.ports.chunks.save(replace(chunk, attempt_count=1))
        await story.run_chunks()
        assert story.chunks(job)[0].status is ChunkStatus.COMPLETED

    async def slow_put(key: str, content: bytes) -> None:
        await put(key, content)
        if "/outcomes/" in key:
            await others_work("outcomes")

    async def slow_record(failures: Any) -> None:
        await record(failures)
        await others_work("errors")

    story.ports.results.put, story.ports.errors.record = slow_put, slow_record
    await story.run_chunks()
    assert slept
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED
    assert await story.failures(job) == []


async def test_a_redrive_keeps_the_failures_of_discovery(story: Any) -> None:
    """An unreadable report row is not a worker's; its record stays as long as it counts."""
    story.put("a.jpg", "b.jpg", "c.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    key = await story.run_batch_job_silently(job.job_id)
    story.ports.results.files[key] = story.ports.results.files[key].replace(b",200,", b",x,", 1)
    refuse(story, "a.jpg", "b.jpg", "c.jpg")
    await story.use_cases.engine().advance(job.job_id, story.deadline())
    job = await story.finish(job.job_id)
    before = await story.failures(job)
    assert sorted(f.error_class for f in before) == ["InvalidReport", "Unavailable", "Unavailable"]
    refuse(story)
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert job.tally.statistics == Statistics(put=2, failed=1)
    [left] = await story.failures(job)
    [discovered] = [f for f in before if f.error_class == "InvalidReport"]
    assert replace(left, occurred_at=discovered.occurred_at) == discovered


def test_a_key_that_an_invalid_report_names_twice_is_recorded_once(story: Any) -> None:
    """Otherwise its records would displace others: a chunk has a bounded number of them."""
    failed = [
        Outcome(key=key, kind=OutcomeKind.FAILED, reason="TagLimitExceeded", message=message)
        for key, message in (("0.jpg", "first"), ("1.jpg", "only"), ("0.jpg", "second"))
    ]
    now = story.ports.clock.now()
    failures = object_failures(failed, job_id="job-1", chunk_index=0, attempt_number=1, now=now)
    assert [(each.key, each.message) for each in failures] == [
        ("0.jpg", "second"),
        ("1.jpg", "only"),
    ]
