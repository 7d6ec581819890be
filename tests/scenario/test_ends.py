"""How jobs end: completed, failed, cancelled, redriven; and that they end despite any failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.jobs.start_sync import IdempotencyKeyReused
from application.results.files import chunk_key
from domain.batch_job import BatchJobStatus
from domain.chunk import ChunkStatus
from domain.discovery import Discovery
from domain.errors import ConnectorDisabled, InvalidMessage, InvalidRequest, NotRedrivable
from domain.job import JobStatus
from domain.outcome import Statistics
from domain.sync_request import SyncOptions
from ports.errors import NotFound, Throttled, Unavailable
from ports.job_store import OverlappingJob

BUCKET = "media"
DISCOVERIES = pytest.mark.parametrize("discovery", list(Discovery))


@DISCOVERIES
async def test_an_empty_bucket_completes_at_once(story: Any, discovery: Discovery) -> None:
    job = await story.start(discovery=discovery)
    await story.run_engine()
    job = await story.ports.jobs.get(job.job_id)
    assert (job.status, job.discovery.batch_job_id) == (JobStatus.COMPLETED, None)
    assert story.statuses(job) == ["INITIALIZING", "COMPLETED"]
    assert story.summary(job)["progress"]["percent"] == 100.0
    assert story.ports.results.open_uploads == []


@DISCOVERIES
async def test_a_bucket_that_does_not_exist_fails_the_job(
    new_story: Callable[..., Any], discovery: Discovery
) -> None:
    story = new_story(bucket_exists=False)
    job = await story.sync(discovery=discovery)
    assert job.status is JobStatus.FAILED
    assert "no bucket" in job.status_reason
    assert [f.error_class for f in await story.failures(job)] == ["Misconfigured"]
    assert story.statuses(job)[-1] == "FAILED"


@DISCOVERIES
async def test_a_bucket_that_denies_access_fails_the_job(story: Any, discovery: Discovery) -> None:
    story.put("a.jpg")
    story.buckets.denied.add(BUCKET)
    job = await story.sync(discovery=discovery)
    assert job.status is JobStatus.FAILED
    assert [f.error_class for f in await story.failures(job)] == ["AccessDenied"]
    assert job.status_reason.endswith(f"(in the role {job.request.bucket.role_arn})")
    assert story.ports.results.open_uploads == []


# Starts.


async def test_an_overlapping_job_is_refused_and_another_is_not(story: Any) -> None:
    story.put("a/1.jpg", "b/1.jpg")
    first = await story.start(prefixes=("a/",))
    for prefixes in [("a/",), ("a/deep/",), (), ("b/", "a/x")]:
        with pytest.raises(OverlappingJob) as refused:
            await story.start(prefixes=prefixes)
        assert refused.value.job_id == first.job_id
    second = await story.start(prefixes=("b/",))
    await story.finish(first.job_id)
    await story.finish(second.job_id)
    assert (await story.sync()).status is JobStatus.COMPLETED


async def test_an_idempotency_key_starts_one_job(story: Any) -> None:
    story.put("a.jpg")
    first = await story.start(key="k")
    assert (await story.start(key="k")).job_id == first.job_id
    with pytest.raises(IdempotencyKeyReused):
        await story.start(key="k", dry_run=True)
    await story.finish(first.job_id)
    assert (await story.start(key="k")).job_id == first.job_id


async def test_wrong_requests_are_refused(story: Any) -> None:
    with pytest.raises(NotFound):
        await story.use_cases.start_sync().start("unknown", SyncOptions())
    await story.sync()
    with pytest.raises(InvalidRequest) as refused:
        await story.start(prefixes=("a/", "a/b/", ""))
    assert {fault.path for fault in refused.value.issues} == {"prefixes.1", "prefixes.2"}
    connectors = story.world.database.connectors
    connectors["c1"] = replace(connectors["c1"], prefixes=("a/",))
    with pytest.raises(InvalidRequest, match="not within"):
        await story.start(prefixes=("b/",))
    connectors["c1"] = replace(connectors["c1"], status="DISABLED")
    with pytest.raises(ConnectorDisabled):
        await story.start()


# Cancelling.


@DISCOVERIES
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_a_job_can_be_cancelled_in_each_state(
    story: Any, discovery: Discovery, turns: int
) -> None:
    story.put(*(f"{number}.jpg" for number in range(12)))
    job = await story.start(discovery=discovery)
    steps = [story.run_engine, story.run_batch_jobs, story.run_engine]
    for step in steps[:turns]:
        await step()
    await story.use_cases.cancel_job().cancel(job.job_id)
    written = story.writes()
    job = await story.finish(job.job_id)
    assert (job.status, job.status_reason) == (JobStatus.CANCELLED, "cancelled by request")
    assert story.writes() == written
    assert all(chunk.status is ChunkStatus.CANCELLED for chunk in story.chunks(job))
    assert story.statuses(job)[-1] == "CANCELLED"
    assert story.ports.results.open_uploads == []
    if job.discovery.batch_job_id is not None and turns == 1:
        batch_job = await story.ports.batch_jobs.describe(job.discovery.batch_job_id)
        assert batch_job.status is BatchJobStatus.CANCELLED


async def test_a_cancelled_job_keeps_what_was_done(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(page_object_count=5)
    story.put(*(f"{number}.jpg" for number in range(12)))
    job = await story.start()
    await story.run_engine()
    message = story.ports.queue.messages[0]
    deadline = story.deadline()
    await story.use_cases.process_chunk().process(job.job_id, message.chunk_index, deadline)
    await story.use_cases.cancel_job().cancel(job.job_id)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert job.tally.statistics == Statistics(put=5)
    assert set(story.kinds(job).values()) == {"PUT"}
    assert (job.tally.chunks_completed, job.tally.chunks_cancelled) == (1, 2)


async def test_a_worker_stops_after_a_cancel_and_keeps_its_counts(
    new_story: Callable[..., Any],
) -> None:
    story = new_story()
    story.put(*(f"{number}.jpg" for number in range(5)))
    job = await story.start()
    await story.run_engine()
    read_tags, count = story.ports.objects.read_tags, 0

    async def read_tags_and_cancel(bucket: Any, key: str) -> Any:
        nonlocal count
        count += 1
        if count == 1:
            await story.use_cases.cancel_job().cancel(job.job_id)
            story.ports.clock.advance(10)
        return await read_tags(bucket, key)

    story.ports.objects.read_tags = read_tags_and_cancel
    await story.run_chunks()
    job = await story.ports.jobs.get(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert story.writes()["CopyObject"] == 0


async def test_what_has_ended_is_not_cancelled(story: Any) -> None:
    job = await story.sync()
    assert (await story.use_cases.cancel_job().cancel(job.job_id)).status is JobStatus.COMPLETED
    with pytest.raises(NotFound):
        await story.use_cases.cancel_job().cancel("unknown")


async def test_cancelling_a_redrive_keeps_the_failures(story: Any) -> None:
    story.put("a.jpg", "b.jpg")
    story.buckets.denied |= {(BUCKET, "a.jpg")}
    job = await story.sync()
    await story.use_cases.redrive_job().redrive(job.job_id)
    await story.run_engine()
    await story.use_cases.cancel_job().cancel(job.job_id)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert story.kinds(job) == {"a.jpg": "FAILED", "b.jpg": "PUT"}
    assert job.tally.statistics == Statistics(failed=1, put=1)


@pytest.mark.parametrize("failing", [False, True])
async def test_a_cancel_that_comes_too_late_cancels_nothing(story: Any, failing: bool) -> None:
    """The last chunk is settled, and the job's end is not recorded yet."""
    story.put("a.jpg", "b.jpg")
    if failing:
        story.buckets.denied.add((BUCKET, "a.jpg"))
    job = await story.start()
    await story.run_engine()
    settle = story.ports.chunks.settle

    async def settle_and_cancel(chunk: Any, change: Any) -> Any:
        settled = await settle(chunk, change)
        await story.use_cases.cancel_job().cancel(job.job_id)
        return settled

    story.ports.chunks.settle = settle_and_cancel
    await story.run_chunks()
    story.ports.chunks.settle = settle
    job = await story.finish(job.job_id)
    assert job.status is (JobStatus.COMPLETED_WITH_ERRORS if failing else JobStatus.COMPLETED)
    assert job.tally.chunks_cancelled == 0
    assert story.statuses(job)[-1] == job.status
    assert job.status_reason == ("1 of 2 objects failed" if failing else None)
    if not failing:
        return
    story.buckets.denied.clear()
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert (job.status, job.status_reason) == (JobStatus.COMPLETED, None)
    assert story.kinds(job) == {"a.jpg": "PUT", "b.jpg": "PUT"}


# Redrive.


async def test_only_failures_can_be_redriven(story: Any) -> None:
    job = await story.sync()
    with pytest.raises(NotRedrivable):
        await story.use_cases.redrive_job().redrive(job.job_id)


async def test_a_redrive_of_covered_prefixes_waits_for_the_other_job(story: Any) -> None:
    story.put("a.jpg")
    story.buckets.denied.add((BUCKET, "a.jpg"))
    job = await story.sync()
    other = await story.start()
    with pytest.raises(OverlappingJob) as refused:
        await story.use_cases.redrive_job().redrive(job.job_id)
    assert refused.value.job_id == other.job_id


# Chunks that cannot be processed.


async def test_a_dead_letter_without_attempts_left_fails_its_chunk_and_the_job_ends(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(page_object_count=5)
    story.put(*(f"{number}.jpg" for number in range(7)))
    job = await story.start()
    await story.run_engine()
    dead, *_ = story.ports.queue.receive()
    chunk = await story.ports.chunks.get(job.job_id, dead.chunk_index)
    attempts = story.tuning.chunk_attempt_count_max
    await story.ports.chunks.save(replace(chunk, attempt_count=attempts))
    dead_letter = story.use_cases.process_chunk().process_dead_letter
    await dead_letter(job.job_id, dead.chunk_index, "received 5 times", story.deadline())
    await dead_letter(job.job_id, dead.chunk_index, "received 5 times", story.deadline())
    story.ports.clock.advance(4_000)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert job.tally.statistics == Statistics(put=2, failed=5)
    assert (job.tally.chunks_completed, job.tally.chunks_failed) == (1, 1)
    failures = await story.failures(job)
    assert {f.message for f in failures} == {"received 5 times"}
    assert len({f.key for f in failures}) == len(failures) == 6
    await story.use_cases.redrive_job().redrive(job.job_id)
    job = await story.finish(job.job_id)
    assert (job.status, job.tally.statistics) == (JobStatus.COMPLETED, Statistics(put=7))


async def test_a_message_of_an_unknown_job_is_malformed(story: Any) -> None:
    job = await story.sync()
    process = story.use_cases.process_chunk()
    for job_id, index in [("unknown", 0), (job.job_id, 99)]:
        with pytest.raises(InvalidMessage):
            await process.process(job_id, index, story.deadline())
        with pytest.raises(InvalidMessage):
            await process.process_dead_letter(job_id, index, "why", story.deadline())


@pytest.mark.parametrize("content", [b"not,a,row\n", b"\xff\xfe\n", None], ids=repr)
async def test_a_broken_chunk_file_fails_its_chunk_only(story: Any, content: bytes | None) -> None:
    story.put(*(f"{number}.jpg" for number in range(7)))
    job = await story.start()
    await story.run_engine()
    key = chunk_key(story.chunks(job)[0])
    if content is None:
        del story.ports.results.files[key]
    else:
        story.ports.results.files[key] = content
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert job.tally.statistics == Statistics(put=2, failed=5)
    assert job.tally.chunks_failed == 1
    assert len(await story.failures(job)) == 1


async def test_an_unavailable_catalog_is_not_an_empty_one(story: Any) -> None:
    """Objects fail after several attempts, and are never treated as unknown."""
    story.put("a.jpg", "b.jpg")

    async def look_up(identities: Any) -> Any:
        raise Throttled("too many requests")

    sound, story.ports.catalog.look_up = story.ports.catalog.look_up, look_up
    job = await story.sync()
    assert story.kinds(job) == {"a.jpg": "FAILED", "b.jpg": "FAILED"}
    assert story.chunks(job)[0].attempt_count == story.tuning.chunk_attempt_count_max
    assert sum(story.writes().values()) == 0
    story.ports.catalog.look_up = sound
    await story.use_cases.redrive_job().redrive(job.job_id)
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED


async def test_an_unavailable_bus_delays_the_event_and_repeats_no_copy(story: Any) -> None:
    story.put("a.jpg")
    story.ports.bus.refuse = lambda _: Unavailable("no bus")
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    assert (story.requests["CopyObject"], story.ports.bus.events) == (1, [])
    story.ports.bus.refuse = lambda _: None
    job = await story.finish(job.job_id)
    assert story.kinds(job) == {"a.jpg": "PUT"}
    assert (story.requests["CopyObject"], len(story.ports.bus.events)) == (1, 1)


# Batch jobs without a valid discovery.


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (BatchJobStatus.FAILED, "failed: no such role"),
        (BatchJobStatus.CANCELLED, "cancelled outside"),
    ],
)
async def test_a_failed_batch_job_fails_the_job(
    story: Any, status: BatchJobStatus, words: str
) -> None:
    story.put("a.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    (batch_job_id,) = story.ports.batch_jobs.created
    batch_job = await story.ports.batch_jobs.describe(batch_job_id)
    ended = replace(batch_job, status=status, failure_reasons=("no such role",))
    story.ports.batch_jobs.set(ended)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert words in job.status_reason
    assert [f.error_class for f in await story.failures(job)] == ["DiscoveryFailed"]


async def test_a_batch_job_without_a_successful_task_fails_the_job(story: Any) -> None:
    story.put("a.jpg", "b.jpg")

    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    (batch_job_id,) = story.ports.batch_jobs.created

    async def denied(event: Any) -> Any:
        return {"results": [{"resultCode": "PermanentFailure", "resultString": "403"}]}

    await story.ports.batch_jobs.run(batch_job_id, denied)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "all of its 2 tasks failed" in job.status_reason


async def test_objects_whose_task_failed_are_decided_by_their_chunk(story: Any) -> None:
    story.put("a.jpg", "b.jpg", "c.jpg")
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    (batch_job_id,) = story.ports.batch_jobs.created

    async def sometimes(event: Any) -> Any:
        if event["tasks"][0]["s3Key"] == "b.jpg":
            return {"results": [{"resultCode": "TemporaryFailure", "resultString": "503"}]}
        return await story.task_of(job.job_id)(event)

    await story.ports.batch_jobs.run(batch_job_id, sometimes)
    job = await story.finish(job.job_id)
    assert story.kinds(job) == {"a.jpg": "PUT", "b.jpg": "PUT", "c.jpg": "PUT"}


async def test_an_unreadable_report_row_fails_alone(story: Any) -> None:
    story.put("a.jpg", "b.jpg", "c.jpg")
    job, key = await _discovered(story)
    story.ports.results.files[key] = story.ports.results.files[key].replace(b",200,", b",x,", 1)
    await story.use_cases.engine().advance(job.job_id, story.deadline())
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert job.tally.statistics == Statistics(put=2, failed=1)
    assert [f.error_class for f in await story.failures(job)] == ["InvalidReport"]


@pytest.mark.parametrize("more", [False, True])
async def test_a_report_with_other_objects_than_listed_fails_the_job(
    story: Any, more: bool
) -> None:
    story.put("a.jpg", "b.jpg", "c.jpg")
    job, key = await _discovered(story)
    rows = story.ports.results.files[key].splitlines(keepends=True)
    story.ports.results.files[key] = b"".join([*rows, rows[0]] if more else rows[1:])
    await story.use_cases.engine().advance(job.job_id, story.deadline())
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "3 were listed" in job.status_reason


@pytest.mark.parametrize("time_s", [900.0, 20.5])
@pytest.mark.parametrize("instead", [b"a.jpg", b"other.jpg"])
async def test_a_report_that_lacks_one_object_and_has_another_twice_fails_the_job(
    story: Any, instead: bytes, time_s: float
) -> None:
    """The numbers are equal, and one object would be processed twice, another not at all."""
    story.put(*(f"{letter}.jpg" for letter in "abcdefghijklm"))
    job, key = await _discovered(story)
    report = story.ports.results.files[key]
    assert report.count(b"b.jpg") == 1
    story.ports.results.files[key] = report.replace(b"b.jpg", instead)
    story.time_s = time_s
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "some are missing" in job.status_reason


async def test_a_job_listed_by_a_version_without_sums_compares_the_number(
    story: Any,
) -> None:
    story.put("a.jpg", "b.jpg", "c.jpg")
    job, _ = await _discovered(story)
    stored = await story.ports.jobs.get(job.job_id)
    await story.ports.jobs.save(
        replace(
            stored,
            listing=replace(stored.listing, key_sum=None),
            splitting=replace(stored.splitting, key_sum=None),
        )
    )
    assert (await story.finish(job.job_id)).tally.statistics.put == 3


async def test_a_missing_report_fails_the_job(story: Any) -> None:
    story.put("a.jpg")
    job, _ = await _discovered(story)
    for name in [name for name in story.ports.results.files if "/reports/" in name]:
        del story.ports.results.files[name]
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "report" in job.status_reason


@pytest.mark.parametrize("left_s", [0, 2, 5, 100])
async def test_a_report_is_waited_for_within_the_deadline(story: Any, left_s: float) -> None:
    story.put("a.jpg")
    job, _ = await _discovered(story)
    files = story.ports.results.files
    held = {name: files.pop(name) for name in list(files) if "/reports/" in name}
    story.time_s = story.tuning.stop_margin_s + left_s
    deadline = story.deadline()
    await story.use_cases.engine().advance(job.job_id, deadline)
    assert deadline.remaining_s() >= story.tuning.stop_margin_s - 1
    files.update(held)
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED


# The results bucket.


async def test_a_late_part_of_a_dead_attempt_restarts_the_listing(story: Any) -> None:
    """S3 received the same part twice; the upload differs from the record."""
    story.put("a.jpg", "b.jpg")
    complete = story.ports.results.complete_upload
    late: list[str] = []

    async def complete_after_a_late_part(key: str, upload_id: str, e_tags: Any) -> str:
        if not late:
            late.append(upload_id)
            await story.ports.results.upload_part(key, upload_id, 1, b"media,old.jpg,1,\n")
        return await complete(key, upload_id, e_tags)

    story.ports.results.complete_upload = complete_after_a_late_part
    job = await story.sync()
    assert story.kinds(job) == {"a.jpg": "PUT", "b.jpg": "PUT"}
    assert story.ports.results.open_uploads == []


async def test_lost_progress_does_not_keep_a_cancelled_job_from_ending(
    new_story: Callable[..., Any],
) -> None:
    story = new_story()
    story.put("a.jpg", "b.jpg")
    story.ports.bus.refuse = lambda e: Unavailable("no bus") if e.object_key == "a.jpg" else None
    job = await story.start()
    await story.run_engine()
    await story.run_chunks()
    for name in [name for name in story.ports.results.files if "/progress/" in name]:
        del story.ports.results.files[name]
    await story.use_cases.cancel_job().cancel(job.job_id)
    assert (await story.finish(job.job_id)).status is JobStatus.CANCELLED


async def _discovered(story: Any) -> tuple[Any, str]:
    """Return a job whose batch job has run without its event, and the key of its report file."""
    job = await story.start(discovery=Discovery.BATCH)
    await story.run_engine()
    return job, await story.run_batch_job_silently(job.job_id)
