"""No copies are started while the system's ingest queue is too long; they go on automatically."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.connector import Trigger
from domain.discovery import Discovery
from domain.hold import HoldCause, hold_of
from domain.job import JobStatus
from domain.message import IngestMessage
from domain.packing import ChunkSizing
from domain.queue_limit import QueueLimit
from ports.errors import AccessDenied

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/210987654321/ingest.fifo"
KEYS = [f"{number:02}.jpg" for number in range(20)]
WATCHFUL = Tuning(sizing=ChunkSizing(object_count_max=5), manifest_part_bytes=1, ending_poll_s=0.0)
LIMIT = 10


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    made = new_story(
        WATCHFUL,
        ingest={"queue_url": QUEUE_URL},
        connector={"queue_limit": QueueLimit(depth_max=LIMIT)},
    )
    made.put(*KEYS)
    return made


def fill(story: Any, count: int) -> None:
    """Let the system have so many messages to work on, and no others."""
    story.ports.ingest_queue.drain(QUEUE_URL)
    for number in range(count):
        message = IngestMessage(
            job_id="other",
            bucket_name="other",
            object_key=f"{number}",
            version_id=None,
            e_tag="e",
            size_bytes=1,
        )
        story.ports.ingest_queue.notify(QUEUE_URL, message)


def nothing_written(story: Any) -> bool:
    return story.writes() == dict.fromkeys(story.writes(), 0)


async def hold(story: Any, job: Any) -> Any:
    return hold_of(await story.ports.jobs.get(job.job_id), story.ports.clock.now())


async def test_they_wait_and_go_on_automatically(story: Any) -> None:
    fill(story, LIMIT + 1)
    job = await story.start()
    for _ in range(10):
        await story.turn()
    waits = await hold(story, job)
    assert (waits.cause, waits.reason) == (
        HoldCause.INGEST_BEHIND,
        "the ingest queue holds 11 messages, more than 10; goes on at 5",
    )
    assert nothing_written(story)
    assert all(chunk.parked and not chunk.attempt_count for chunk in story.chunks(job))
    # The listing does not wait.
    assert (await story.ports.jobs.get(job.job_id)).splitting.done
    # Below the limit, and not yet at half of it.
    fill(story, LIMIT // 2 + 1)
    await story.turn()
    assert (await hold(story, job)).reason.startswith("the ingest queue holds 6 messages")
    assert (await hold(story, job)).since == waits.since
    assert nothing_written(story)
    fill(story, LIMIT // 2)
    ended = await story.finish(job.job_id)
    assert ended.status is JobStatus.COMPLETED
    assert story.kinds(ended) == dict.fromkeys(KEYS, "PUT")
    assert story.writes()["CopyObject"] == len(KEYS)
    assert (ended.backlog, ended.resumes.number) == (None, 1)


async def test_a_worker_stops_when_it_finds_that_out(story: Any) -> None:
    job = await story.start()
    await story.run_engine()
    original = story.ports.objects.copy_in_place

    async def copy(*arguments: Any) -> Any:
        fill(story, LIMIT + 1)
        return await original(*arguments)

    story.ports.objects.copy_in_place = copy
    await story.run_chunks()
    assert 0 < story.writes()["CopyObject"] < len(KEYS)
    assert story.writes()["CopyObject"] == story.writes()["events"]
    assert (await hold(story, job)).cause is HoldCause.INGEST_BEHIND
    story.ports.objects.copy_in_place = original
    fill(story, 0)
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED
    assert story.writes()["CopyObject"] == len(KEYS)


async def test_a_queue_at_its_limit_is_not_above_it(story: Any) -> None:
    fill(story, LIMIT)
    assert (await story.sync()).resumes.number == 0


async def test_a_queue_that_cannot_be_read_counts_as_too_long(story: Any) -> None:
    """The job says so, and goes on when it can be read."""
    job = await story.start()
    await story.run_engine()
    original = story.ports.ingest_queue.depth

    async def denied(_: str) -> int:
        raise AccessDenied("not allowed", vendor_code="AccessDenied")

    story.ports.ingest_queue.depth = denied
    await story.turn()
    assert nothing_written(story)
    assert "cannot be read" in (await hold(story, job)).reason
    assert "not allowed" in (await hold(story, job)).reason
    story.ports.ingest_queue.depth = original
    assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED


async def test_a_queue_that_stays_unreadable_fails_the_job(story: Any) -> None:
    job = await story.start()
    await story.run_engine()

    async def denied(_: str) -> int:
        raise AccessDenied("not allowed")

    story.ports.ingest_queue.depth = denied
    started_at = story.ports.clock.now()
    ended = await story.finish(job.job_id)
    assert ended.status is JobStatus.FAILED
    assert "remove the limit" in ended.status_reason
    assert ended.times.ended_at - started_at >= timedelta(seconds=story.tuning.end_patience_s)
    assert nothing_written(story)


async def test_a_dry_run_does_not_wait(story: Any) -> None:
    fill(story, LIMIT + 1)
    assert (await story.sync(dry_run=True)).status is JobStatus.COMPLETED


async def test_a_job_that_waits_can_be_cancelled(story: Any) -> None:
    fill(story, LIMIT + 1)
    job = await story.start()
    await story.turn()
    await story.use_cases.cancel_job().cancel(job.job_id)
    ended = await story.finish(job.job_id)
    assert (ended.status, ended.backlog) == (JobStatus.CANCELLED, None)


@pytest.mark.parametrize("discovery", list(Discovery))
async def test_discovery_does_not_wait(story: Any, discovery: Discovery) -> None:
    fill(story, LIMIT + 1)
    job = await story.start(discovery=discovery)
    for _ in range(4):
        await story.turn()
    found = await story.ports.jobs.get(job.job_id)
    assert found.splitting.done
    assert found.tally.chunks_total
    assert nothing_written(story)


async def test_the_messages_of_the_job_itself_count(new_story: Callable[..., Any]) -> None:
    """With trigger `queue` a job fills the queue, and waits for the system to empty it."""
    tuning = replace(WATCHFUL, sizing=ChunkSizing(object_count_max=2))
    story = new_story(
        tuning,
        trigger=Trigger.QUEUE,
        connector={"queue_limit": QueueLimit(depth_max=4)},
    )
    story.put(*KEYS)
    job = await story.start()
    deepest = 0
    for _ in range(60):
        await story.turn()
        deepest = max(deepest, await story.ports.ingest_queue.depth(QUEUE_URL))
        if (await story.ports.jobs.get(job.job_id)).terminal:
            break
        if (await hold(story, job)) is not None:
            story.ports.ingest_queue.drain(QUEUE_URL)
    assert (await story.ports.jobs.get(job.job_id)).status is JobStatus.COMPLETED
    # What a chunk has under way is not taken back.
    assert deepest <= 4 + 2


async def test_connectors_without_a_limit_ask_nothing(new_story: Callable[..., Any]) -> None:
    story = new_story(WATCHFUL, ingest={"queue_url": QUEUE_URL})
    story.put(*KEYS)
    job = await story.start()
    await story.run_engine()
    asked = []
    original = story.ports.ingest_queue.depth

    async def depth(url: str) -> int:
        asked.append(url)
        found: int = await original(url)
        return found

    story.ports.ingest_queue.depth = depth
    await story.run_chunks()
    assert (await story.ports.jobs.get(job.job_id)).terminal
    assert asked == []


class TestEdits:
    """An edit of the connector holds for jobs that run."""

    async def edit(self, story: Any, **changes: Any) -> None:
        await story.use_cases.connectors().edit("c1", lambda each: replace(each, **changes))

    async def waiting(self, story: Any) -> Any:
        fill(story, LIMIT + 1)
        job = await story.start()
        for _ in range(4):
            await story.turn()
        assert (await hold(story, job)).cause is HoldCause.INGEST_BEHIND
        return job

    @pytest.mark.parametrize("limit", [None, QueueLimit(depth_max=LIMIT + 1)])
    async def test_a_job_that_waits_goes_on_by_a_higher_limit(
        self, story: Any, limit: QueueLimit | None
    ) -> None:
        """At once: without a sweep."""
        job = await self.waiting(story)
        story.ports.clock.advance(60)
        await self.edit(story, queue_limit=limit)
        assert await hold(story, job) is None
        await story.run_engine()
        await story.run_chunks()
        ended = await story.finish(job.job_id)
        assert ended.status is JobStatus.COMPLETED
        assert story.writes()["CopyObject"] == len(KEYS)
        assert not any(chunk.attempt_count > 1 for chunk in story.chunks(ended))
        assert ended.resumes.held_s >= 60

    async def test_a_job_that_waits_waits_on_by_a_lower_limit(self, story: Any) -> None:
        job = await self.waiting(story)
        await self.edit(story, queue_limit=QueueLimit(depth_max=4))
        await story.run_engine()
        await story.run_chunks()
        waits = await hold(story, job)
        assert waits.reason == "the ingest queue holds 11 messages, more than 4; goes on at 2"
        assert nothing_written(story)

    async def test_a_job_that_runs_gets_a_limit(self, new_story: Callable[..., Any]) -> None:
        story = new_story(WATCHFUL, ingest={"queue_url": QUEUE_URL})
        story.put(*KEYS)
        job = await story.start()
        await story.run_engine()
        fill(story, LIMIT + 1)
        original = story.ports.objects.copy_in_place

        async def copy(*arguments: Any) -> Any:
            story.ports.objects.copy_in_place = original
            await self.edit(story, queue_limit=QueueLimit(depth_max=LIMIT))
            return await original(*arguments)

        story.ports.objects.copy_in_place = copy
        await story.run_chunks()
        assert 0 < story.writes()["CopyObject"] < len(KEYS)
        assert (await hold(story, job)).cause is HoldCause.INGEST_BEHIND
        fill(story, 0)
        assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED

    async def test_a_job_waits_for_the_connectors_present_queue(self, story: Any) -> None:
        other = QUEUE_URL.replace("ingest", "other")
        story.ports.ingest_queue.create(other)
        job = await self.waiting(story)
        connector = story.world.database.connectors["c1"]
        await self.edit(story, ingest=replace(connector.ingest, queue_url=other))
        assert await hold(story, job) is None
        assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED

    async def test_a_job_that_sends_to_a_queue_waits_for_that_one(
        self, new_story: Callable[..., Any]
    ) -> None:
        story = new_story(
            WATCHFUL,
            trigger=Trigger.QUEUE,
            connector={"queue_limit": QueueLimit(depth_max=LIMIT)},
        )
        story.put(*KEYS)
        other = QUEUE_URL.replace("ingest", "other")
        story.ports.ingest_queue.create(other)
        job = await self.waiting(story)
        connector = story.world.database.connectors["c1"]
        await self.edit(
            story,
            ingest=replace(connector.ingest, queue_url=other),
            queue_limit=QueueLimit(depth_max=LIMIT - 1),
        )
        await story.run_engine()
        await story.run_chunks()
        assert "more than 9" in (await hold(story, job)).reason
        await self.edit(story, queue_limit=None)
        assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED
        assert await story.ports.ingest_queue.depth(other) == 0

    async def test_what_an_edit_does_not_reach_the_sweep_does(self, story: Any) -> None:
        job = await self.waiting(story)
        connector = story.world.database.connectors["c1"]
        story.world.database.connectors["c1"] = replace(connector, queue_limit=None)
        assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED

    async def test_a_look_at_the_queue_before_an_edit_holds_nothing(self, story: Any) -> None:
        """The worker looked at the old queue, and its job was then given another one."""
        other = QUEUE_URL.replace("ingest", "other")
        story.ports.ingest_queue.create(other)
        job = await story.start()
        await story.run_engine()
        fill(story, LIMIT + 1)
        original = story.ports.ingest_queue.depth

        async def depth(url: str) -> int:
            story.ports.ingest_queue.depth = original
            found: int = await original(url)
            ingest = story.world.database.connectors["c1"].ingest
            await self.edit(story, ingest=replace(ingest, queue_url=other))
            return found

        story.ports.ingest_queue.depth = depth
        await story.run_chunks()
        assert await hold(story, job) is None
        assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED


class TestAge:
    """The age of the oldest message is a limit like the number of messages."""

    @pytest.fixture
    def story(self, new_story: Callable[..., Any]) -> Any:
        made = new_story(
            WATCHFUL,
            ingest={"queue_url": QUEUE_URL},
            connector={"queue_limit": QueueLimit(age_max_s=1_000)},
        )
        made.put(*KEYS)
        return made

    async def test_copies_wait_while_the_oldest_message_is_too_old(self, story: Any) -> None:
        fill(story, 1)
        story.ports.clock.advance(1_001)
        job = await story.start()
        for _ in range(3):
            await story.run_engine()
            await story.run_chunks()
        assert (await hold(story, job)).reason == (
            "the oldest message of the ingest queue is 1,001 s old, more than 1,000 s; goes on at"
            " 500 s"
        )
        assert nothing_written(story)
        # A younger one that is not young enough, and then one that is.
        fill(story, 1)
        story.ports.clock.advance(501)
        await story.use_cases.sweep().run(story.deadline())
        assert (await hold(story, job)) is not None
        fill(story, 1)
        story.ports.clock.advance(500)
        await story.use_cases.sweep().run(story.deadline())
        assert (await hold(story, job)) is None
        assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED

    async def test_at_its_limit_it_is_not_above_it(self, story: Any) -> None:
        async def thousand(_: str) -> int:
            return 1_000

        fill(story, 1)
        story.ports.ingest_queue.oldest_age_s = thousand
        job = await story.start()
        await story.run_engine()
        await story.run_chunks()
        assert (await story.ports.jobs.get(job.job_id)).terminal

    async def test_an_empty_queue_is_asked_for_no_age(self, story: Any) -> None:
        story.ports.ingest_queue.oldest_age_s = self.fails
        assert (await story.sync()).resumes.number == 0

    async def fails(self, _: str) -> int:
        raise AccessDenied("grant cloudwatch:GetMetricData on *")

    async def unknown(self, _: str) -> None:
        return None

    async def test_an_age_that_cannot_be_read_is_neither_young_nor_old(self, story: Any) -> None:
        """The job says what to grant, and fails after an hour."""
        fill(story, 1)
        story.ports.ingest_queue.oldest_age_s = self.fails
        job = await story.start()
        await story.run_engine()
        await story.run_chunks()
        assert "grant cloudwatch:GetMetricData on *" in (await hold(story, job)).reason
        assert nothing_written(story)
        assert (await story.finish(job.job_id)).status is JobStatus.FAILED
        assert nothing_written(story)

    async def test_no_age_of_a_queue_with_messages_is_not_read(self, story: Any) -> None:
        fill(story, 1)
        story.ports.ingest_queue.oldest_age_s = self.unknown
        job = await story.start()
        await story.run_engine()
        await story.run_chunks()
        assert "CloudWatch has no ApproximateAgeOfOldestMessage" in (await hold(story, job)).reason
        assert nothing_written(story)

    async def test_messages_are_not_older_than_the_emptiness_of_their_queue(
        self, story: Any
    ) -> None:
        """A queue that was idle has no age for some minutes, and is young for so long."""
        story.ports.ingest_queue.oldest_age_s = self.unknown
        job = await story.start()
        await story.run_engine()
        fill(story, 1)
        story.ports.clock.advance(900)
        await story.run_chunks()
        assert (await story.ports.jobs.get(job.job_id)).terminal
        late = await story.start(retrigger=True)
        fill(story, 1)
        await story.run_engine()
        story.ports.clock.advance(1_001)
        await story.run_chunks()
        assert "CloudWatch has no" in (await hold(story, late)).reason

    async def test_either_limit_holds(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        limit = QueueLimit(depth_max=LIMIT, age_max_s=1_000)
        await story.use_cases.connectors().edit("c1", lambda c: replace(c, queue_limit=limit))
        fill(story, LIMIT + 1)
        await story.run_chunks()
        assert "holds 11 messages" in (await hold(story, job)).reason
        assert "oldest" not in (await hold(story, job)).reason
        fill(story, LIMIT // 2)
        story.ports.clock.advance(1_001)
        await story.use_cases.sweep().run(story.deadline())
        assert "is 1,001 s old" in (await hold(story, job)).reason
        assert "holds" not in (await hold(story, job)).reason
        fill(story, 0)
        assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED

    async def test_the_emptiness_of_another_queue_says_nothing(self, story: Any) -> None:
        other = QUEUE_URL.replace("ingest", "other")
        story.ports.ingest_queue.create(other)
        story.ports.ingest_queue.oldest_age_s = self.unknown
        job = await story.start()
        await story.run_engine()
        assert (await story.ports.jobs.get(job.job_id)).findings.queue.empty_at is not None
        ingest = replace(story.world.database.connectors["c1"].ingest, queue_url=other)
        await story.use_cases.connectors().edit("c1", lambda c: replace(c, ingest=ingest))
        message = IngestMessage(
            job_id="o", bucket_name="o", object_key="o", version_id=None, e_tag="e", size_bytes=1
        )
        story.ports.ingest_queue.notify(other, message)
        await story.run_chunks()
        assert "CloudWatch has no" in (await hold(story, job)).reason
