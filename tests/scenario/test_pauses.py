"""Jobs are paused and resumed at every stage: nothing is started in between, nothing is lost."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from application.processor.process_chunk import Delivery
from domain.chunk import ChunkStatus
from domain.discovery import Discovery
from domain.engine_work import NO_ATTEMPTS
from domain.errors import JobLeaseHeld, NotPausable
from domain.hold import HoldCause, hold_of
from domain.job import Job, JobStatus
from domain.packing import ChunkSizing
from domain.progress import progress_of
from ports.errors import Unavailable

KEYS = [f"{number:02}.jpg" for number in range(20)]
DAY_S = 86_400
# Workers and engine look at the job before each object and each page.
WATCHFUL = Tuning(
    sizing=ChunkSizing(object_count_max=5),
    manifest_part_bytes=1,
    ending_poll_s=0.0,
    hold_poll_s=0.0,
)


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    made = new_story(WATCHFUL)
    made.put(*KEYS)
    return made


async def pause(story: Any, job: Job) -> Job:
    paused: Job = await story.use_cases.pause_job().pause(job.job_id, reason="quiet", by="arn")
    return paused


async def resume(story: Any, job: Job) -> Job:
    resumed: Job = await story.use_cases.pause_job().resume(job.job_id)
    return resumed


async def pause_all(story: Any) -> None:
    await story.use_cases.pause_stage().pause(reason="quiet", by=None)


async def resume_all(story: Any) -> None:
    await story.use_cases.pause_stage().resume()


async def wait(story: Any, *, turns: int = 20, turn_s: float = DAY_S) -> None:
    """Let everything run, for weeks."""
    for _ in range(turns):
        await story.turn()
        story.ports.clock.advance(turn_s)


def after(story: Any, port: str, method: str, act: Callable[[int], Any]) -> None:
    """Call `act` with the number of each call, after it took effect."""
    target = getattr(story.ports, port)
    original, count = getattr(target, method), 0

    async def call(*arguments: Any, **named: Any) -> Any:
        nonlocal count
        result = await original(*arguments, **named)
        count += 1
        await act(count)
        return result

    async def pages(*arguments: Any, **named: Any) -> Any:
        nonlocal count
        async for page in original(*arguments, **named):
            count += 1
            await act(count)
            yield page

    setattr(target, method, pages if inspect.isasyncgenfunction(original) else call)


def ends_well(story: Any, job: Job) -> None:
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert story.writes()["CopyObject"] == len(KEYS)
    assert story.writes()["events"] == len(KEYS)


class TestChunks:
    async def test_their_messages_are_taken_from_the_queue(self, story: Any) -> None:
        """So they neither expire nor end in the dead-letter queue, however long the pause is."""
        job = await story.start()
        await story.run_engine()
        await pause(story, job)
        await wait(story)
        assert story.writes() == dict.fromkeys(story.writes(), 0)
        assert story.ports.queue.receive() == []
        assert {(c.status, c.parked, c.attempt_count) for c in story.chunks(job)} == {
            (ChunkStatus.QUEUED, True, 0)
        }
        await resume(story, job)
        await story.run_engine()
        await story.run_chunks()
        ends_well(story, await story.ports.jobs.get(job.job_id))

    async def test_a_worker_stops_before_its_next_object(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        after(story, "objects", "copy_in_place", lambda n: pause(story, job) if n == 2 else _no())
        await story.run_chunks()
        assert story.writes()["CopyObject"] < len(KEYS) / 2
        assert story.writes()["CopyObject"] == story.writes()["events"]
        assert all(chunk.lease is None for chunk in story.chunks(job))
        await wait(story)
        await resume(story, job)
        ends_well(story, await story.finish(job.job_id))

    async def test_pauses_without_number_are_no_attempts(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        job_id = job.job_id

        async def pause_at_once(_: int) -> None:
            await pause(story, job)

        after(story, "objects", "read_tags", pause_at_once)
        for _ in range(3 * story.tuning.chunk_attempt_count_max):
            await story.run_chunks()
            await resume(story, job)
            await story.run_engine()
        assert all(chunk.attempt_count <= 1 for chunk in story.chunks(job))
        assert not (await story.ports.jobs.get(job_id)).terminal

    async def test_a_dead_letter_is_taken_as_well(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        await pause(story, job)
        [message, *_] = story.ports.queue.receive()
        delivery = await story.use_cases.process_chunk().process_dead_letter(
            job.job_id, message.chunk_index, "why", story.deadline(), life=message.life
        )
        chunk = story.chunks(job)[message.chunk_index]
        assert (delivery, chunk.parked) == (Delivery.PARKED, True)
        assert (chunk.attempt_count, chunk.dead_letter_count) == (0, 0)

    async def test_the_chunk_of_a_dead_worker_is_parked(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        [message, *_] = story.ports.queue.receive()
        leases = story.use_cases.chunk_leases()
        await leases.acquire(job.job_id, message.chunk_index, story.deadline())
        await pause(story, job)
        await wait(story, turns=3)
        chunk = story.chunks(job)[message.chunk_index]
        assert (chunk.status, chunk.parked, chunk.lease) == (ChunkStatus.QUEUED, True, None)
        await resume(story, job)
        ends_well(story, await story.finish(job.job_id))

    async def test_one_that_is_parked_after_the_resume_is_sent_again(self, story: Any) -> None:
        """The worker read the job while it was paused, and the engine has looked already."""
        job = await story.start()
        await story.run_engine()
        await pause(story, job)

        async def resume_in_between(_: int) -> None:
            await resume(story, job)
            await story.run_engine()

        after(story, "jobs", "get", lambda n: resume_in_between(n) if n == 1 else _no())
        await story.run_chunks()
        assert not any(chunk.parked for chunk in story.chunks(job))
        await story.run_chunks()
        ends_well(story, await story.ports.jobs.get(job.job_id))

    async def test_one_that_is_parked_while_it_is_being_enqueued_stays_so(self, story: Any) -> None:
        """The engine marks what it has sent: a chunk that lost that message must not be marked."""
        job = await story.start()
        await pause(story, job)
        await resume(story, job)

        async def receive_at_once(_: int) -> None:
            await pause(story, job)
            await story.run_chunks()

        after(story, "queue", "send", receive_at_once)
        await story.run_engine()
        sent = [chunk for chunk in story.chunks(job) if chunk.status is ChunkStatus.QUEUED]
        assert sent
        assert all(chunk.parked for chunk in sent)

    async def test_the_last_settled_chunk_ends_a_paused_job(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        count = len(story.chunks(job))
        after(story, "chunks", "settle", lambda n: pause(story, job) if n == count else _no())
        ended = await story.finish(job.job_id)
        assert (ended.status, ended.pause) == (JobStatus.COMPLETED, None)

    async def test_the_sweep_sends_what_a_lost_resume_leaves(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        await pause(story, job)
        await story.run_chunks()
        await resume(story, job)
        story.ports.invoker.take()
        ends_well(story, await story.finish(job.job_id))


class TestEngine:
    async def test_a_listing_stops_with_a_checkpoint(self, story: Any) -> None:
        job = await story.start()
        after(story, "objects", "list_objects", lambda n: pause(story, job) if n == 2 else _no())
        await story.run_engine()
        assert story.ports.invoker.take() == []
        stopped = await story.ports.jobs.get(job.job_id)
        assert (stopped.work.lease, stopped.listing.objects_seen) == (None, 6)
        await wait(story)
        assert story.ports.invoker.take() == []
        assert (await story.ports.jobs.get(job.job_id)).listing == stopped.listing
        await resume(story, job)
        ended = await story.finish(job.job_id)
        ends_well(story, ended)
        assert await story.listed_keys(ended) == KEYS

    async def test_no_batch_job_is_created(self, story: Any) -> None:
        job = await story.start(discovery=Discovery.BATCH)
        after(story, "results", "complete_upload", lambda n: pause(story, job) if n == 1 else _no())
        await wait(story)
        stopped = await story.ports.jobs.get(job.job_id)
        assert (stopped.status, stopped.listed) == (JobStatus.DISCOVERING, True)
        assert not story.ports.batch_jobs.created
        await resume(story, job)
        ends_well(story, await story.finish(job.job_id))
        assert len(story.ports.batch_jobs.created) == 1

    async def test_a_batch_job_that_runs_only_reads_on(self, story: Any) -> None:
        job = await story.start(discovery=Discovery.BATCH)
        await story.run_engine()
        await pause(story, job)
        await wait(story)
        assert story.chunks(job) == []
        assert story.writes() == dict.fromkeys(story.writes(), 0)
        await resume(story, job)
        ends_well(story, await story.finish(job.job_id))

    async def test_a_cancel_of_a_held_job_stops_its_batch_job(self, story: Any) -> None:
        """It comes just after the engine has found the job held."""
        job = await story.start(discovery=Discovery.BATCH)
        await story.run_engine()
        await pause(story, job)

        async def cancel(number: int) -> None:
            if number == 1:
                await story.use_cases.cancel_job().cancel(job.job_id)

        after(story, "jobs", "get", cancel)
        await story.use_cases.engine().advance(job.job_id, story.deadline())
        ended = await story.finish(job.job_id)
        assert ended.status is JobStatus.CANCELLED
        [batch_job_id] = story.ports.batch_jobs.created
        batch_job = await story.ports.batch_jobs.describe(batch_job_id)
        assert batch_job.status in ("Cancelled", "Cancelling")

    async def test_its_attempts_are_not_used_up(self, story: Any) -> None:
        job = await story.start()
        await pause(story, job)
        for _ in range(2 * story.tuning.engine_attempt_count_max):
            await story.use_cases.engine().advance(job.job_id, story.deadline())
        stopped = await story.ports.jobs.get(job.job_id)
        assert (stopped.work.attempts, stopped.listing.objects_seen) == (NO_ATTEMPTS, 0)

    async def test_the_end_of_the_stages_pause_is_not_missed(self, story: Any) -> None:
        """It is written while an engine that has stopped still holds the job's lease."""
        job = await story.start()
        await pause_all(story)
        await resume_all(story)
        [job_id] = set(story.ports.invoker.take())

        async def pause_at(number: int) -> None:
            if number == 2:
                await pause_all(story)

        after(story, "objects", "list_objects", pause_at)
        story.ports.jobs.save = _acting_before_release(story, story.ports.jobs.save, resume_all)
        await story.use_cases.engine().advance(job_id, story.deadline())
        taken = story.ports.invoker.take()
        assert taken == [job_id]
        assert hold_of(await story.ports.jobs.get(job.job_id), story.ports.clock.now()) is None

    async def test_a_failed_read_of_the_job_is_an_error(self, story: Any) -> None:
        job = await story.start()
        original, count = story.ports.jobs.get, 0

        async def get(job_id: str) -> Job:
            nonlocal count
            count += 1
            if count == 3:
                raise Unavailable("simulated")
            found: Job = await original(job_id)
            return found

        story.ports.jobs.get = get
        with pytest.raises(Unavailable):
            await story.use_cases.engine().advance(job.job_id, story.deadline())
        story.ports.jobs.get = original
        ends_well(story, await story.finish(job.job_id))


class TestShares:
    async def test_they_stop_and_are_continued(self, new_story: Callable[..., Any]) -> None:
        tuning = replace(
            WATCHFUL,
            added_chunk_count=2,
            listing_streams=4,
            listing_pages_per_probe=1,
            listing_workers=4,
            listing_alone_objects=9,
        )
        story = new_story(tuning)
        keys = [f"{number:03}.jpg" for number in range(90)]
        story.put(*keys)
        job = await story.start()
        for job_id in story.ports.invoker.take():
            await story.use_cases.engine().advance(job_id, story.deadline())
        assert (await story.ports.jobs.get(job.job_id)).listing.sharing is not None
        after(story, "objects", "list_objects", lambda n: pause(story, job) if n == 1 else _no())
        [first, *others] = story.ports.invoker.take_shares()
        worker = story.use_cases.list_share()
        assert await worker.run(*first, story.deadline())
        assert story.ports.invoker.take_shares() == []
        assert [await worker.run(*each, story.deadline()) for each in others] == [
            False for _ in others
        ]
        shares = list(story.world.database.shares_of(job.job_id))
        assert not all(share.done for share in shares)
        assert all(share.lease is None for share in shares)
        await resume(story, job)
        for job_id in story.ports.invoker.take():
            await story.use_cases.engine().advance(job_id, story.deadline())
        # At once, and not after `stuck_after_s`.
        open_shares = [(job.job_id, share.number) for share in shares if not share.done]
        assert story.ports.invoker.take_shares() == open_shares
        await worker.run(*open_shares[0], story.deadline())
        ended = await story.finish(job.job_id)
        assert ended.status is JobStatus.COMPLETED
        assert set(story.kinds(ended)) == set(keys)


class TestStage:
    async def test_all_jobs_stop_and_later_ones_do_not_begin(self, story: Any) -> None:
        first = await story.start(prefixes=("0",))
        await story.run_engine()
        await pause_all(story)
        second = await story.start(prefixes=("1",))
        hold = hold_of(await story.ports.jobs.get(second.job_id), story.ports.clock.now())
        assert hold is not None
        assert hold.cause is HoldCause.STAGE_PAUSED
        await wait(story)
        assert story.writes() == dict.fromkeys(story.writes(), 0)
        assert (await story.ports.jobs.get(second.job_id)).listing.objects_seen == 0
        await resume_all(story)
        assert story.ports.invoker.take() == [first.job_id, second.job_id]
        for job in (first, second):
            assert (await story.finish(job.job_id)).status is JobStatus.COMPLETED
        assert story.writes()["CopyObject"] == len(KEYS)

    async def test_a_job_keeps_its_own_pause(self, story: Any) -> None:
        job = await story.start()
        await pause(story, job)
        await pause_all(story)
        await resume_all(story)
        current = await story.ports.jobs.get(job.job_id)
        hold = hold_of(current, story.ports.clock.now())
        assert hold is not None
        assert hold.cause is HoldCause.PAUSED
        assert current.resumes.number == 0
        await pause_all(story)
        await resume(story, job)
        hold = hold_of(await story.ports.jobs.get(job.job_id), story.ports.clock.now())
        assert hold is not None
        assert hold.cause is HoldCause.STAGE_PAUSED

    async def test_a_redrive_waits_for_it(self, story: Any) -> None:
        story.ports.bus.refuse = lambda event: Unavailable("simulated")
        job = await story.sync()
        assert job.status is JobStatus.COMPLETED_WITH_ERRORS
        story.ports.bus.refuse = lambda event: None
        await pause_all(story)
        await story.use_cases.redrive_job().redrive(job.job_id)
        await wait(story)
        assert story.writes()["events"] == 0
        await resume_all(story)
        ends_well(story, await story.finish(job.job_id))

    async def test_jobs_that_cannot_be_reached_are_continued_by_the_sweep(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        await pause_all(story)
        await story.run_chunks()
        await story.ports.jobs.pause_stage(None)  # and then the process dies
        ends_well(story, await story.finish(job.job_id))


class TestRules:
    async def test_a_paused_job_can_be_cancelled(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        await pause(story, job)
        await story.run_chunks()
        await story.use_cases.cancel_job().cancel(job.job_id)
        ended = await story.finish(job.job_id)
        assert (ended.status, ended.pause) == (JobStatus.CANCELLED, None)
        assert story.writes() == dict.fromkeys(story.writes(), 0)

    async def test_what_has_ended_cannot_be_paused(self, story: Any) -> None:
        job = await story.sync()
        with pytest.raises(NotPausable, match="COMPLETED"):
            await pause(story, job)
        assert (await resume(story, job)).status is JobStatus.COMPLETED

    async def test_repeated_requests(self, story: Any) -> None:
        job = await story.start()
        first = await pause(story, job)
        story.ports.clock.advance(60)
        assert await pause(story, job) == first
        again = await story.use_cases.pause_job().pause(job.job_id, reason="other", by=None)
        assert (again.pause.since, again.pause.reason) == (first.pause.since, "other")
        resumed = await resume(story, job)
        assert await resume(story, job) == resumed

    async def test_a_pause_does_not_slow_the_rate(self, story: Any) -> None:
        job = await story.start()
        await story.run_engine()
        [message, *_] = story.ports.queue.receive()
        story.ports.clock.advance(10)
        await story.use_cases.process_chunk().process(
            job.job_id, message.chunk_index, story.deadline()
        )
        clock = story.ports.clock
        before = progress_of(await story.ports.jobs.get(job.job_id), clock.now())
        await pause(story, job)
        clock.advance(DAY_S)
        held = progress_of(await story.ports.jobs.get(job.job_id), clock.now())
        assert (held.objects_per_second, held.eta_s) == (before.objects_per_second, None)
        await resume(story, job)
        assert progress_of(await story.ports.jobs.get(job.job_id), clock.now()) == before


async def _no() -> None:
    return None


def _acting_before_release(story: Any, save: Any, act: Callable[[Any], Any]) -> Any:
    """Return a `save` that acts once, just before the engine's lease is released."""
    done = False

    async def saving(job: Job) -> Job:
        nonlocal done
        stored = story.world.database.jobs.find(job.job_id)
        if job.work.lease is None and stored.work.lease is not None and not done:
            done = True
            await act(story)
            for job_id in set(story.ports.invoker.take()):
                with pytest.raises(JobLeaseHeld):
                    await story.use_cases.engine().advance(job_id, story.deadline())
        saved: Job = await save(job)
        return saved

    return saving
