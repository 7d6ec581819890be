"""Limits of connectors hold across workers, survive crashes, and follow edits of running jobs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.hold import HoldCause, hold_of
from domain.job import Job, JobStatus
from domain.lease import Lease
from domain.packing import ChunkSizing
from domain.waiting import waiting_for
from domain.work_limits import TimeWindow, WorkLimits
from ports.errors import Unavailable

KEYS = [f"{number:02}.jpg" for number in range(20)]
TUNING = Tuning(
    sizing=ChunkSizing(object_count_max=2),
    manifest_part_bytes=1,
    ending_poll_s=0.0,
    hold_poll_s=0.0,
)
TWO = WorkLimits(concurrency=2)
_WORKER: ContextVar[int] = ContextVar("worker", default=0)
# The world begins at midnight.
NIGHTS = WorkLimits(windows=(TimeWindow(start=time(20), end=time(6)),))
DAYS = WorkLimits(windows=(TimeWindow(start=time(6), end=time(20)),))


@pytest.fixture
def begin(new_story: Callable[..., Any]) -> Callable[..., Any]:
    def make(limits: WorkLimits | None, *, tuning: Tuning = TUNING, **options: Any) -> Any:
        story = new_story(tuning, connector={"limits": limits}, **options)
        story.put(*KEYS)
        return story

    return make


async def edit(story: Any, limits: WorkLimits | None) -> None:
    await story.use_cases.connectors().edit("c1", lambda c: replace(c, limits=limits))


class Workers:
    """Processes that work at the same time, and how many objects are written at once."""

    def __init__(self, story: Any) -> None:
        self.story = story
        self.working: set[int] = set()
        self.most = 0
        self.writes: list[datetime] = []
        original = story.ports.objects.copy_in_place

        async def copy(*arguments: Any) -> Any:
            self.writes.append(story.ports.clock.now())
            self.working.add(_WORKER.get())
            self.most = max(self.most, len(self.working))
            for _ in range(20):
                await asyncio.sleep(0)
            try:
                return await original(*arguments)
            finally:
                self.working.discard(_WORKER.get())

        story.ports.objects.copy_in_place = copy
        self._number = 0

    async def run(self) -> None:
        """Deliver all messages that are due to workers of their own."""
        messages = self.story.ports.queue.receive()

        async def work(message: Any) -> None:
            self._number += 1
            _WORKER.set(self._number)
            process = self.story.use_cases.process_chunk().process
            await process(message.job_id, message.chunk_index, self.story.deadline())

        await asyncio.gather(*(asyncio.create_task(work(message)) for message in messages))

    async def finish(self, job: Job, *, rounds: int = 60) -> Job:
        """Run engine, workers and sweep until the job has ended."""
        for _ in range(rounds):
            found: Job = await self.story.ports.jobs.get(job.job_id)
            if found.terminal:
                return found
            await self.story.run_engine()
            await self.run()
            self.story.ports.clock.advance(400)
            await self.story.use_cases.sweep().run(self.story.deadline())
        pytest.fail(f"{job.job_id} does not end")


def ends_well(story: Any, job: Job) -> None:
    assert job.status is JobStatus.COMPLETED
    assert story.kinds(job) == dict.fromkeys(KEYS, "PUT")
    assert story.writes()["CopyObject"] == len(KEYS)
    assert story.writes()["events"] == len(KEYS)
    assert not any(chunk.attempt_count > 1 for chunk in story.chunks(job))


class TestConcurrency:
    async def test_no_more_work_at_once(self, begin: Callable[..., Any]) -> None:
        story = begin(TWO)
        workers = Workers(story)
        ended = await workers.finish(await story.start())
        assert workers.most == 2
        ends_well(story, ended)

    async def test_without_limits_all_do(self, begin: Callable[..., Any]) -> None:
        """So the other tests could fail."""
        story = begin(None)
        workers = Workers(story)
        ended = await workers.finish(await story.start())
        assert workers.most == len(story.chunks(ended))

    async def test_it_is_seen_that_a_job_waits_for_a_slot(self, begin: Callable[..., Any]) -> None:
        """Of two jobs with one slot, the other one waits; jobs without a cap cost no read."""
        story = begin(WorkLimits(concurrency=1))
        queries, job = story.use_cases.queries(), await story.start()
        await story.run_engine()
        job = await story.ports.jobs.get(job.job_id)
        assert await queries.slot_holders([job]) == {"c1": []}
        now = story.ports.clock.now()
        await story.ports.slots.take("c1", 1, _lease("other", now, days=9), now, job_id="job-9")
        await story.run_chunks()
        waits = waiting_for(job, now, (await queries.slot_holders([job]))["c1"])
        assert waits is not None
        assert "(job-9)" in waits.text
        story.ports.slots.holders = _fail
        assert await queries.slot_holders([replace(job, limits=None)]) == {}

    async def test_who_ends_hands_its_slot_over(self, begin: Callable[..., Any]) -> None:
        """Without waiting for the sweep, and with a few more messages than chunks."""
        story = begin(TWO)
        workers = Workers(story)
        job = await story.start()
        await story.run_engine()
        deliveries = 0
        for _ in range(len(KEYS)):
            deliveries += await story.ports.queue.depth()
            await workers.run()
        assert (await story.ports.jobs.get(job.job_id)).terminal
        assert deliveries <= 3 * len(story.chunks(job))

    async def test_all_jobs_of_the_connector_count(self, begin: Callable[..., Any]) -> None:
        story = begin(TWO)
        workers = Workers(story)
        jobs = [await story.start(prefixes=(prefix,)) for prefix in ("0", "1")]
        for job in jobs:
            assert (await workers.finish(job)).status is JobStatus.COMPLETED
        assert workers.most == 2
        assert story.writes()["CopyObject"] == len(KEYS)

    async def test_a_worker_that_died_has_its_slot_until_its_lease_is_over(
        self, begin: Callable[..., Any]
    ) -> None:
        story = begin(WorkLimits(concurrency=1))
        workers = Workers(story)
        job = await story.start()
        await story.run_engine()
        message = story.ports.queue.receive()[0]
        give_back, story.ports.slots.give_back = story.ports.slots.give_back, _fail
        save = story.ports.chunks.settle

        async def die(*_: Any) -> Any:
            raise asyncio.CancelledError

        story.ports.chunks.settle = die
        with pytest.raises(asyncio.CancelledError):
            await story.use_cases.process_chunk().process(
                message.job_id, message.chunk_index, story.deadline()
            )
        story.ports.chunks.settle, story.ports.slots.give_back = save, give_back
        written = len(workers.writes)
        story.ports.clock.advance(600)
        await story.use_cases.sweep().run(story.deadline())
        await workers.run()
        assert len(workers.writes) == written
        ended = await workers.finish(job)
        assert ended.status is JobStatus.COMPLETED
        assert workers.most == 1
        assert story.kinds(ended) == dict.fromkeys(KEYS, "PUT")

    async def test_waiting_uses_nothing_up(self, begin: Callable[..., Any]) -> None:
        """However long it takes: no message is received twice, and no attempt is counted."""
        story = begin(WorkLimits(concurrency=1))
        job = await story.start()
        await story.run_engine()
        now = story.ports.clock.now()
        other = await story.ports.slots.take(
            "c1", 1, _lease("other", now, days=9), now, job_id="other"
        )
        assert other == 0
        for _ in range(50):
            await story.turn()
            story.ports.clock.advance(3600)
        assert story.writes()["CopyObject"] == 0
        assert {(chunk.parked, chunk.attempt_count) for chunk in story.chunks(job)} == {(True, 0)}
        assert story.ports.queue.receive() == []
        await story.ports.slots.give_back("c1", 0, "other")
        await Workers(story).finish(job)
        ends_well(story, await story.ports.jobs.get(job.job_id))

    async def test_a_slot_that_was_freed_while_a_chunk_was_parked(
        self, begin: Callable[..., Any]
    ) -> None:
        one_chunk = replace(TUNING, sizing=ChunkSizing(object_count_max=20))
        story = begin(WorkLimits(concurrency=1), tuning=one_chunk)
        job = await story.start()
        await story.run_engine()
        now = story.ports.clock.now()
        await story.ports.slots.take("c1", 1, _lease("other", now, days=9), now, job_id="other")
        original = story.ports.chunks.save

        async def save(chunk: Any) -> Any:
            saved = await original(chunk)
            if chunk.parked:
                await story.ports.slots.give_back("c1", 0, "other")
            return saved

        story.ports.chunks.save = save
        await story.run_chunks()
        story.ports.chunks.save = original
        assert await story.ports.queue.depth() == 1
        assert [chunk.parked for chunk in story.chunks(job)] == [False]

    async def test_slots_that_cannot_be_read_start_nothing(self, begin: Callable[..., Any]) -> None:
        story = begin(TWO)
        job = await story.start()
        await story.run_engine()
        original, story.ports.slots.take = story.ports.slots.take, _fail
        message = story.ports.queue.receive()[0]
        with pytest.raises(Unavailable):
            await story.use_cases.process_chunk().process(
                message.job_id, message.chunk_index, story.deadline()
            )
        assert story.writes()["CopyObject"] == 0
        story.ports.slots.take = original
        assert (await Workers(story).finish(job)).status is JobStatus.COMPLETED


class TestRate:
    @pytest.mark.parametrize("rate", [0.5, 2.0, 10.0])
    async def test_no_faster(self, begin: Callable[..., Any], rate: float) -> None:
        story = begin(WorkLimits(objects_per_second=rate))
        workers = Workers(story)
        began_at = story.ports.clock.now()
        ended = await workers.finish(await story.start())
        ends_well(story, ended)
        times = [(at - began_at).total_seconds() for at in workers.writes]
        for first, start in enumerate(times):
            for last, end in enumerate(times[first:], start=1):
                assert last <= rate * (end - start + 0.1) + 1 + 1e-3

    async def test_a_rate_that_is_edited_holds_within_seconds(
        self, begin: Callable[..., Any]
    ) -> None:
        slow = WorkLimits(objects_per_second=0.1)
        story = begin(slow, tuning=replace(TUNING, sizing=ChunkSizing(object_count_max=20)))
        workers = Workers(story)
        job = await story.start()
        await story.run_engine()
        original = story.ports.clock.sleep
        edited_at = None

        async def sleep(duration_s: float) -> None:
            nonlocal edited_at
            await original(duration_s)
            if len(workers.writes) == 2 and edited_at is None:
                edited_at = story.ports.clock.now()
                await edit(story, WorkLimits(objects_per_second=50.0))

        story.ports.clock.sleep = sleep
        await workers.run()
        assert edited_at is not None
        assert (await story.ports.jobs.get(job.job_id)).terminal
        assert workers.writes[-1] - edited_at <= timedelta(seconds=6)


class TestWindows:
    @pytest.mark.parametrize("discovery", list(Discovery))
    async def test_outside_nothing_is_started(
        self, begin: Callable[..., Any], discovery: Discovery
    ) -> None:
        story = begin(DAYS)
        opens_at = story.ports.clock.now().replace(hour=6, minute=0, second=0)
        job = await story.start(discovery=discovery)
        while story.ports.clock.now() + timedelta(seconds=400) < opens_at:
            await story.turn()
            hold = hold_of(await story.ports.jobs.get(job.job_id), story.ports.clock.now())
            assert hold is not None
            assert hold.cause is HoldCause.OUTSIDE_WINDOW
            assert hold.reason is not None
            assert opens_at.strftime("until %Y-%m-%dT06:00:00") in hold.reason
        assert story.requests["ListObjectsV2"] == 0
        ended = await story.finish(job.job_id)
        ends_well(story, ended)

    async def test_it_ends_in_the_middle_of_a_chunk(self, begin: Callable[..., Any]) -> None:
        story = begin(NIGHTS, tuning=replace(TUNING, sizing=ChunkSizing(object_count_max=20)))
        workers = Workers(story)
        clock = story.ports.clock
        job = await story.start()
        await story.run_engine()
        closes_at = clock.now().replace(hour=6, minute=0, second=0)
        clock.advance((closes_at - clock.now()).total_seconds() - 1)
        original = story.ports.objects.copy_in_place

        async def copy(*arguments: Any) -> Any:
            clock.advance(0.3)
            return await original(*arguments)

        story.ports.objects.copy_in_place = copy
        await workers.run()
        assert 0 < len(workers.writes) < len(KEYS)
        # What was started is finished; nothing more is.
        started = len(workers.writes)
        (chunk,) = story.chunks(job)
        assert (chunk.parked, chunk.attempt_count, chunk.lease) == (True, 0, None)
        await story.turn()
        assert len(workers.writes) == started
        ended = await workers.finish(job, rounds=200)
        ends_well(story, ended)
        opens_at = closes_at.replace(hour=20)
        assert opens_at <= workers.writes[started] <= opens_at + timedelta(seconds=800)

    async def held_until_six(self, story: Any, *, left_s: float) -> tuple[Job, datetime]:
        """Return a job whose chunks are parked, and when it may go on: in so many seconds."""
        job: Job = await story.start()
        await story.run_engine()
        await edit(story, DAYS)
        await story.run_chunks()
        assert all(chunk.parked for chunk in story.chunks(job))
        clock = story.ports.clock
        opens_at: datetime = clock.now().replace(hour=6, minute=0, second=0)
        clock.advance((opens_at - clock.now()).total_seconds() - left_s)
        await story.use_cases.sweep().run(story.deadline())
        return job, opens_at

    async def test_chunks_begin_when_it_opens(self, begin: Callable[..., Any]) -> None:
        """Not only when a sweep finds it open: their messages are sent before, with a delay."""
        story = begin(None)
        workers = Workers(story)
        job, opens_at = await self.held_until_six(story, left_s=300)
        await workers.run()
        assert not workers.writes
        assert not any(chunk.parked for chunk in story.chunks(job))
        # Another sweep sends none of them again.
        await story.use_cases.sweep().run(story.deadline())
        assert await story.ports.queue.depth() == len(story.chunks(job))
        story.ports.clock.advance(299)
        await workers.run()
        assert not workers.writes
        story.ports.clock.advance(3)
        await workers.run()
        assert opens_at <= workers.writes[0] <= opens_at + timedelta(seconds=3)
        ends_well(story, await story.ports.jobs.get(job.job_id))

    async def test_a_message_before_a_window_has_a_slot(self, begin: Callable[..., Any]) -> None:
        story = begin(None)
        job, _ = await self.held_until_six(story, left_s=3_600)
        await edit(story, replace(DAYS, concurrency=2))
        story.ports.clock.advance(3_300)
        await story.use_cases.sweep().run(story.deadline())
        assert await story.ports.queue.depth() == 2
        assert sum(not chunk.parked for chunk in story.chunks(job)) == 2

    async def test_long_before_it_no_message_is_sent(self, begin: Callable[..., Any]) -> None:
        story = begin(None)
        job, _ = await self.held_until_six(story, left_s=400)
        assert await story.ports.queue.depth() == 0
        assert all(chunk.parked for chunk in story.chunks(job))

    async def test_a_pause_keeps_what_was_sent_before(self, begin: Callable[..., Any]) -> None:
        story = begin(None)
        workers = Workers(story)
        job, _ = await self.held_until_six(story, left_s=300)
        await story.use_cases.pause_job().pause(job.job_id, reason=None, by=None)
        story.ports.clock.advance(310)
        await workers.run()
        assert not workers.writes
        assert all(chunk.parked for chunk in story.chunks(job))
        await story.use_cases.pause_job().resume(job.job_id)
        ends_well(story, await workers.finish(job))

    async def test_a_job_that_waits_can_be_cancelled(self, begin: Callable[..., Any]) -> None:
        story = begin(DAYS)
        job = await story.start()
        await story.use_cases.cancel_job().cancel(job.job_id)
        assert (await story.finish(job.job_id)).status is JobStatus.CANCELLED

    async def test_a_window_that_is_removed_lets_the_job_go_on(
        self, begin: Callable[..., Any]
    ) -> None:
        story = begin(DAYS)
        job = await story.start()
        await story.run_engine()
        await edit(story, None)
        await story.run_engine()
        await story.run_chunks()
        ends_well(story, await story.ports.jobs.get(job.job_id))


class TestEdits:
    async def test_a_cap_that_a_running_job_gets(self, begin: Callable[..., Any]) -> None:
        story = begin(None)
        workers = Workers(story)
        job = await story.start()
        await story.run_engine()
        await edit(story, TWO)
        ended = await workers.finish(job)
        assert workers.most == 2
        ends_well(story, ended)

    @pytest.mark.parametrize("before", [None, WorkLimits(concurrency=3)])
    async def test_a_cap_that_is_lowered_while_all_work(
        self, begin: Callable[..., Any], before: WorkLimits | None
    ) -> None:
        """Those beyond it stop at their next object, and what is left is not lost."""
        sizing = ChunkSizing(object_count_max=5)
        tuning = replace(TUNING, sizing=sizing, windows_in_flight=1, calls_in_flight=1)
        story = begin(before, tuning=tuning)
        workers = Workers(story)
        job = await story.start()
        await story.run_engine()
        original = story.ports.objects.copy_in_place
        later: Counter[int] = Counter()
        edited = False

        async def copy(*arguments: Any) -> Any:
            nonlocal edited
            if edited:
                later[_WORKER.get()] += 1
            elif len(workers.writes) == 4:
                await edit(story, WorkLimits(concurrency=1))
                edited = True
            return await original(*arguments)

        story.ports.objects.copy_in_place = copy
        await workers.run()
        assert edited
        assert len([count for count in later.values() if count > 1]) == 1
        workers.most, workers.working = 0, set()
        ended = await workers.finish(job)
        assert workers.most == 1
        ends_well(story, ended)

    async def test_a_cap_that_is_raised(self, begin: Callable[..., Any]) -> None:
        """The engine, which the edit invokes, sends messages for the new slots."""
        story = begin(WorkLimits(concurrency=1))
        workers = Workers(story)
        job = await story.start()
        await story.run_engine()
        await workers.run()
        await edit(story, WorkLimits(concurrency=4))
        await story.run_engine()
        await workers.run()
        assert workers.most > 1
        ends_well(story, await workers.finish(job))
        assert workers.most <= 4

    async def test_what_an_edit_did_not_reach_the_sweep_does(
        self, begin: Callable[..., Any]
    ) -> None:
        story = begin(None)
        job = await story.start()

        def unreachable() -> Any:
            raise Unavailable("no")

        original, story.ports.jobs.open_jobs = story.ports.jobs.open_jobs, unreachable
        await edit(story, TWO)
        story.ports.jobs.open_jobs = original
        assert (await story.ports.jobs.get(job.job_id)).limits is None
        await story.use_cases.sweep().run(story.deadline())
        assert (await story.ports.jobs.get(job.job_id)).limits == TWO

    async def test_a_redrive_has_the_limits_of_its_time(self, begin: Callable[..., Any]) -> None:
        story = begin(None)
        job = await story.sync()
        stored = await story.ports.jobs.get(job.job_id)
        failed = replace(
            stored,
            status=JobStatus.COMPLETED_WITH_ERRORS,
            tally=replace(stored.tally, chunks_failed=1),
        )
        story.world.database.commit(
            story.world.database.jobs.write(job.job_id, failed, expected_version=stored.version)
        )
        await edit(story, TWO)
        assert (await story.ports.jobs.get(job.job_id)).limits is None
        assert (await story.use_cases.redrive_job().redrive(job.job_id)).limits == TWO


async def test_connectors_without_limits_ask_nothing(begin: Callable[..., Any]) -> None:
    story = begin(None)
    for name in ("take", "give_back", "holders"):
        setattr(story.ports.slots, name, _fail)
    story.ports.chunks.parked = _fail
    ends_well(story, await story.sync())


async def _fail(*_: Any, **__: Any) -> Any:
    raise Unavailable("not to be asked")


def _lease(token: str, now: datetime, *, days: int) -> Lease:
    return Lease(token=token, expires_at=now + timedelta(days=days))
