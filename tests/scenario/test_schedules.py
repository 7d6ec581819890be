"""Scheduled syncs: one per time, none while one is active, and a chain without gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.connectors import NewConnector
from application.schedules.schedules import NewSchedule
from domain.connector import ConnectorStatus, Verify
from domain.discovery import Discovery
from domain.errors import InvalidRequest
from domain.filters import Filters
from domain.job import Job
from domain.schedule import ScheduleMode
from domain.schedule_runs import RUN_COUNT_MAX, Run, RunState, ScheduleRuns, Timer, timer_of
from entrypoints.wiring.memory import use_cases
from ports.errors import AccessDenied, NotFound, Unavailable

HOUR = timedelta(hours=1)
HOURLY = NewSchedule(expression="rate(1 hour)", full_every=4)


class Night:
    """A story whose connector has a schedule, and what delivers its times."""

    def __init__(self, story: Any) -> None:
        self.story = story
        self.ports = story.ports
        self.at = datetime(2026, 1, 1, 1, tzinfo=UTC)

    @property
    def timers(self) -> dict[str, Any]:
        timers: dict[str, Any] = self.ports.scheduler.timers
        return timers

    async def set(self, new: NewSchedule = HOURLY) -> None:
        if not self.story.world.database.connectors:
            await self.story.sync()
        await self.story.use_cases.schedules().set("c1", new)

    async def register(self, connector_id: str) -> None:
        new = NewConnector(connector_id=connector_id, bucket_name="another")
        await self.story.use_cases.connectors().register(new)

    async def fire(self, *, at: datetime | None = None, revision: str | None = None) -> Run | None:
        """Deliver a time, the next one if none is given."""
        if at is None:
            self.at += HOUR
            at = self.at
        clock = self.ports.clock
        clock.advance(max(0.0, (at - clock.now()).total_seconds()))
        if revision is None:
            revision = self.timers["c1"].revision
        run: Run | None = await self.story.use_cases.start_scheduled_sync().start(
            "c1", revision, at
        )
        return run

    async def fire_and_die(
        self, monkeypatch: pytest.MonkeyPatch, *, at: datetime | None = None
    ) -> None:
        """Deliver a time to a process that dies when it has recorded its job."""
        create = self.ports.jobs.create

        async def and_die(*arguments: Any, **options: Any) -> Job:
            await create(*arguments, **options)
            raise Unavailable("down")

        with monkeypatch.context() as patched:
            patched.setattr(self.ports.jobs, "create", and_die)
            with pytest.raises(Unavailable):
                await self.fire(at=at)

    async def run(self) -> Job:
        """Deliver the next time, and run its job to its end."""
        run = await self.fire()
        assert run is not None
        assert run.state is RunState.STARTED
        job: Job = await self.story.finish(run.job_id)
        return job

    async def edit(self, **changes: Any) -> None:
        await self.story.use_cases.connectors().edit("c1", lambda c: replace(c, **changes))

    async def runs(self) -> ScheduleRuns:
        _, _, runs = await self.story.use_cases.schedules().show("c1")
        found: ScheduleRuns = runs
        return found

    def jobs(self) -> int:
        return len(list(self.story.world.database.jobs))


@pytest.fixture
async def night(story: Any) -> Night:
    story.put("a", "b")
    night = Night(story)
    await night.set()
    return night


async def test_the_first_run_is_full_and_later_ones_begin_where_the_last_one_did(
    night: Night,
) -> None:
    first = await night.run()
    assert first.request.options.modified_since is None
    assert first.request.options.verify is Verify.TAGS
    night.story.put("c")
    second = await night.run()
    since = second.request.options.modified_since
    assert since == first.times.created_at - timedelta(minutes=15)
    assert second.request.options.verify is Verify.TAGS  # as the connector has it
    assert "c" in await night.story.listed_keys(second)
    third = await night.run()
    assert third.request.options.modified_since == second.times.created_at - timedelta(minutes=15)


async def test_every_nth_run_is_full_and_reads_tags(night: Night) -> None:
    await night.edit(verify=Verify.CATALOG)
    options = [(await night.run()).request.options for _ in range(6)]
    full = [each.modified_since is None for each in options]
    assert full == [True, False, False, False, True, False]
    assert [each.verify is Verify.TAGS for each in options] == full


async def test_a_full_schedule_covers_all_each_time(night: Night) -> None:
    await night.set(replace(HOURLY, mode=ScheduleMode.FULL))
    assert [(await night.run()).request.options.modified_since for _ in range(3)] == [None] * 3


async def test_a_time_that_is_delivered_twice_has_one_job(night: Night) -> None:
    first = await night.fire()
    count = night.jobs()
    assert await night.fire(at=night.at) == first
    assert first is not None
    await night.story.finish(first.job_id)
    assert await night.fire(at=night.at) == first
    assert night.jobs() == count


async def test_a_skipped_time_that_is_delivered_again_starts_nothing(night: Night) -> None:
    first = await night.fire()
    skipped = await night.fire()
    assert first is not None
    await night.story.finish(first.job_id)
    count = night.jobs()
    assert await night.fire(at=night.at) == skipped
    assert night.jobs() == count


async def test_a_time_that_arrives_after_a_later_one_starts_nothing(night: Night) -> None:
    late = night.at + HOUR
    night.at = late
    await night.run()
    count = night.jobs()
    assert await night.fire(at=late - timedelta(minutes=30)) is None
    assert night.jobs() == count


async def test_no_run_starts_while_a_job_of_the_schedule_is_active(night: Night) -> None:
    first = await night.fire()
    assert first is not None
    skipped = await night.fire()
    assert skipped is not None
    assert (skipped.state, skipped.job_id) == (RunState.SKIPPED, first.job_id)
    # Also if the two would not overlap.
    await night.edit(prefixes=("z/",))
    skipped = await night.fire()
    assert skipped is not None
    assert skipped.state is RunState.SKIPPED
    await night.story.finish(first.job_id)
    assert (await night.run()).request.options.modified_since is None


async def test_no_run_starts_while_a_users_sync_is_active(night: Night) -> None:
    job = await night.story.start(prefixes=("a",))
    run = await night.fire()
    assert run is not None
    assert (run.state, run.job_id) == (RunState.SKIPPED, job.job_id)
    assert run.reason == f"job {job.job_id} was active"


async def test_what_changed_while_runs_were_skipped_is_seen_by_the_next_one(night: Night) -> None:
    await night.run()
    job = await night.story.start()
    await night.fire()
    night.story.put("c")
    await night.story.finish(job.job_id)
    assert "c" in await night.story.listed_keys(await night.run())


async def test_a_run_that_failed_or_was_cancelled_is_not_the_beginning_of_the_next(
    night: Night,
) -> None:
    first = await night.run()
    run = await night.fire()
    assert run is not None
    await night.story.use_cases.cancel_job().cancel(run.job_id)
    await night.story.finish(run.job_id)
    third = await night.run()
    assert third.request.options.modified_since == first.times.created_at - timedelta(minutes=15)


async def test_the_third_run_with_errors_in_a_row_counts(night: Night) -> None:
    first = await night.run()
    night.story.buckets.put("media", "bad", b"x", tags={f"t{n}": "1" for n in range(10)})
    begins = []
    for _ in range(4):
        job = await night.run()
        assert job.tally.statistics.failed == 1
        begins.append(job.request.options.modified_since)
    before = first.times.created_at - timedelta(minutes=15)
    assert begins[:3] == [before] * 3
    assert begins[3] is not None
    assert begins[3] > before


@pytest.mark.parametrize(
    "changes",
    [
        {"prefixes": ("a",)},
        {"filters": Filters(include=("a",))},
        {"filters": Filters(age_min_s=60)},
    ],
)
async def test_a_changed_connector_makes_the_next_run_full(
    night: Night, changes: dict[str, Any]
) -> None:
    await night.run()
    await night.edit(**changes)
    assert (await night.run()).request.options.modified_since is None
    runs = (await night.runs()).runs
    assert runs[-1].reason == "the connector was changed since the last complete run"
    assert (await night.run()).request.options.modified_since is not None


async def test_an_object_that_was_too_young_for_one_run_is_seen_by_the_next(night: Night) -> None:
    night.story.use_cases = replace_margin(night.story)
    await night.set(replace(HOURLY, full_every=100))
    await night.edit(filters=Filters(age_min_s=7_200))
    await night.run()
    night.ports.clock.advance(1_800)
    night.story.put("young")
    seen = ["young" in night.story.kinds(await night.run()) for _ in range(4)]
    assert any(seen)


def replace_margin(story: Any) -> Any:
    """Return use cases without the margin for multipart uploads, which would hide a gap."""
    return use_cases(story.ports, replace(story.tuning, modified_since_margin_s=1.0))


@pytest.mark.parametrize("how", ["schedule", "connector", "removed schedule", "removed connector"])
async def test_what_is_disabled_or_removed_starts_nothing(night: Night, how: str) -> None:
    revision, count = night.timers["c1"].revision, night.jobs()
    match how:
        case "schedule":
            await night.set(replace(HOURLY, enabled=False))
        case "connector":
            await night.edit(status=ConnectorStatus.DISABLED)
        case "removed schedule":
            await night.story.use_cases.schedules().remove("c1")
        case _:
            await night.story.use_cases.connectors().remove("c1")
    assert night.timers == {}
    assert await night.fire(revision=revision) is None
    assert night.jobs() == count


async def test_a_timer_that_was_left_over_is_removed_when_it_delivers(night: Night) -> None:
    left = dict(night.timers)
    await night.story.use_cases.connectors().remove("c1")
    night.timers.update(left)
    assert await night.fire(revision=left["c1"].revision) is None
    assert night.timers == {}


async def test_the_times_of_a_schedule_that_was_replaced_start_nothing(night: Night) -> None:
    revision, count = night.timers["c1"].revision, night.jobs()
    await night.set(replace(HOURLY, expression="rate(2 hours)"))
    assert await night.fire(revision=revision) is None
    assert night.jobs() == count
    assert await night.fire() is not None


async def test_another_mode_keeps_the_times(night: Night) -> None:
    before = night.timers["c1"]
    await night.set(replace(HOURLY, mode=ScheduleMode.FULL, full_every=2))
    assert night.timers["c1"] == before


async def test_a_schedule_is_enabled_again_with_its_connector(night: Night) -> None:
    before = night.timers["c1"].revision
    await night.edit(status=ConnectorStatus.DISABLED)
    await night.edit(status=ConnectorStatus.ENABLED)
    assert night.timers["c1"].revision == before


async def test_the_sweep_puts_a_timer_that_is_missing(night: Night) -> None:
    timers = dict(night.timers)
    night.timers.clear()
    await night.story.use_cases.sweep().run(night.story.deadline())
    assert {each.revision for each in night.timers.values()} == {timers["c1"].revision}


def _left_over(night: Night, connector_id: str) -> Timer:
    """Have a timer run of which no connector knows."""
    timer = replace(night.timers["c1"], connector_id=connector_id)
    night.timers[connector_id] = timer
    return timer


async def _sweep(night: Night) -> None:
    await night.story.use_cases.sweep().run(night.story.deadline())


async def test_the_sweep_removes_timers_that_no_connector_has(night: Night) -> None:
    kept = night.timers["c1"]
    _left_over(night, "gone")
    _left_over(night, "g" * 64)
    await _sweep(night)
    assert night.timers == {"c1": kept}


async def test_the_sweep_removes_the_timer_of_a_schedule_that_is_disabled(night: Night) -> None:
    left = dict(night.timers)
    await night.set(replace(HOURLY, enabled=False))
    night.timers.update(left)
    await _sweep(night)
    assert night.timers == {}


async def test_the_sweep_leaves_what_others_have_run(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def names() -> frozenset[str]:
        return frozenset(["nightly", night.timers["c1"].name])

    async def connector_of(name: str) -> None:
        asked.append(name)

    monkeypatch.setattr(night.ports.scheduler, "names", names)
    monkeypatch.setattr(night.ports.scheduler, "connector_of", connector_of)
    await _sweep(night)
    assert asked == []


async def test_the_sweep_removes_a_bounded_number(night: Night) -> None:
    for number in range(25):
        _left_over(night, f"gone{number}")
    await _sweep(night)
    assert len(night.timers) == 1 + 5
    await _sweep(night)
    assert [*night.timers] == ["c1"]


async def test_a_schedule_that_is_set_while_the_sweep_looks_is_kept(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the list of timers, and the connector was listed without it."""
    await night.register("c2")
    names = night.ports.scheduler.names

    async def after_it_is_set() -> frozenset[str]:
        await night.story.use_cases.schedules().set("c2", HOURLY)
        found: frozenset[str] = await names()
        return found

    monkeypatch.setattr(night.ports.scheduler, "names", after_it_is_set)
    # It is not even removed for a moment.
    monkeypatch.setattr(night.ports.scheduler, "remove_one", None)
    await _sweep(night)
    assert {*night.timers} == {"c1", "c2"}


async def test_a_schedule_that_is_enabled_during_its_removal_runs(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its times, and so its timer's name, are those of before."""
    left = dict(night.timers)
    await night.set(replace(HOURLY, enabled=False))
    night.timers.update(left)
    remove_one = night.ports.scheduler.remove_one

    async def after_it_is_enabled(name: str) -> None:
        await night.set()
        await remove_one(name)

    monkeypatch.setattr(night.ports.scheduler, "remove_one", after_it_is_enabled)
    await _sweep(night)
    assert night.timers["c1"].name == left["c1"].name


async def test_a_timer_put_during_the_removal_of_an_earlier_one_is_kept(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = dict(night.timers)
    await night.set(replace(HOURLY, enabled=False))
    night.timers.update(left)
    remove_one = night.ports.scheduler.remove_one

    async def after_it_is_set(name: str) -> None:
        await night.set(replace(HOURLY, expression="rate(2 hours)"))
        await remove_one(name)

    monkeypatch.setattr(night.ports.scheduler, "remove_one", after_it_is_set)
    await _sweep(night)
    assert night.timers["c1"].expression == "rate(2 hours)"


async def test_no_timer_is_removed_while_a_connector_cannot_be_read(night: Night) -> None:
    left = _left_over(night, "gone")
    await night.register("c2")
    night.story.world.database.unreadable["c2"] = "trigger is 7"
    await _sweep(night)
    assert night.timers["gone"] == left


async def test_no_timer_is_removed_if_the_connectors_were_not_all_listed(
    night: Night,
) -> None:
    await night.register("c2")
    left = _left_over(night, "gone")
    seen: list[float] = []

    class Short:
        """It is near when the second connector comes."""

        def near(self, margin_s: float) -> bool:
            seen.append(margin_s)
            return len(seen) > 1

    deadline: Any = Short()
    await night.story.use_cases.sweep()._watch_connectors.run(deadline, [])
    assert len(seen) == 2
    assert night.timers["gone"] == left


@pytest.mark.parametrize("method", ["connector_of", "remove_one"])
async def test_a_timer_that_cannot_be_removed_is_reported_and_removed_later(
    night: Night, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    async def fail(_: str) -> None:
        raise Unavailable("down")

    _left_over(night, "gone")
    with monkeypatch.context() as patched:
        patched.setattr(night.ports.scheduler, method, fail)
        with pytest.raises(Unavailable):
            await _sweep(night)
    assert "gone" in night.timers
    await _sweep(night)
    assert "gone" not in night.timers


async def test_without_schedules_the_sweep_asks_no_scheduler(
    story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await story.sync()
    monkeypatch.setattr(story.ports.scheduler, "names", None)
    await story.use_cases.sweep().run(story.deadline())


async def test_a_scheduler_that_fails_stops_no_edit_and_the_sweep_reports_it(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise Unavailable("down")

    with monkeypatch.context() as patched:
        patched.setattr(night.ports.scheduler, "put", fail)
        patched.setattr(night.ports.scheduler, "remove", fail)
        night.timers.clear()
        await night.edit(prefixes=("a",))
        with pytest.raises(Unavailable):
            await night.set(replace(HOURLY, expression="rate(2 hours)"))
        with pytest.raises(Unavailable):
            await night.story.use_cases.sweep().run(night.story.deadline())
    assert night.timers == {}
    await night.story.use_cases.sweep().run(night.story.deadline())
    assert night.timers["c1"].expression == "rate(2 hours)"


async def test_a_process_that_dies_before_its_job_is_recorded_leaves_it_to_the_next_event(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise Unavailable("down")

    with monkeypatch.context() as patched:
        patched.setattr(night.ports.jobs, "create", fail)
        with pytest.raises(Unavailable):
            await night.fire()
    (starting,) = (await night.runs()).runs
    assert (starting.state, starting.scheduled_at) == (RunState.STARTING, night.at)
    # The same event, or one of a later time: then that time is skipped.
    skipped = await night.fire()
    assert skipped is not None
    assert (skipped.state, skipped.job_id) == (RunState.SKIPPED, starting.job_id)
    started = (await night.runs()).runs[0]
    assert started == replace(starting, state=RunState.STARTED)


async def test_a_process_that_dies_after_its_job_is_recorded(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = night.jobs()
    await night.fire_and_die(monkeypatch)
    # Nothing of the run is left to do.
    (left,) = (await night.runs()).runs
    assert left.state is RunState.STARTED
    assert await night.fire(at=night.at) == left
    assert night.jobs() == count + 1


# Of a process that starts a run: those of connectors, runs and jobs that it calls, in order.
_CALLS = (
    ("connector_store", "get"),
    ("schedule_runs", "get"),
    ("schedule_runs", "save"),
    ("jobs", "get"),
    ("connector_store", "get"),
    ("jobs", "create"),
    ("schedule_runs", "save"),
)


@pytest.mark.parametrize("other", ["comes before that end", "comes after it", "dies after it"])
@pytest.mark.parametrize("step", range(len(_CALLS)))
async def test_a_run_that_two_processes_start_is_skipped_or_has_a_job(
    night: Night, monkeypatch: pytest.MonkeyPatch, step: int, other: str
) -> None:
    """A user's job ends while they do. One stops at each of its calls until the other is done."""
    active = await night.story.start()
    port, name = _CALLS[step]
    calls = _CALLS[: step + 1].count((port, name))
    method = getattr(getattr(night.ports, port), name)
    count = night.jobs()

    async def stopped(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls -= 1
        if calls == 0:
            if other == "comes before that end":
                await night.fire(at=night.at)
            await night.story.finish(active.job_id)
            if other == "comes after it":
                await night.fire(at=night.at)
            elif other == "dies after it":
                await night.fire_and_die(monkeypatch, at=night.at)
        return await method(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(getattr(night.ports, port), name, stopped)
        await night.fire()
    assert calls <= 0, "it did not stop"
    (run,) = (await night.runs()).runs
    assert run.state is (RunState.STARTED if night.jobs() > count else RunState.SKIPPED)
    # The next job would overlap none.
    await night.edit(prefixes=("z/",))
    await night.fire()
    assert night.jobs() == count + 1


async def test_a_run_that_one_process_starts_is_not_one_that_failed_for_another(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One plans it and is denied; the other records the job in that time, and dies."""
    count = night.jobs()
    await night.set(replace(HOURLY, max_cost=Decimal(1)))

    async def denied_in_the_end(_: object) -> Any:
        night.ports.surveyor.answer = night.story.use_cases.survey_bucket().run
        await night.fire_and_die(monkeypatch, at=night.at)
        raise AccessDenied("no ListBucket", operation="ListObjectsV2")

    night.ports.surveyor.answer = denied_in_the_end
    run = await night.fire()
    assert run is not None
    assert run.state is RunState.STARTED
    assert night.jobs() == count + 1
    await night.edit(prefixes=("z/",))
    skipped = await night.fire()
    assert skipped is not None
    assert (skipped.state, skipped.job_id) == (RunState.SKIPPED, run.job_id)


async def test_an_edit_between_decision_and_job_makes_the_run_full(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    await night.run()
    save = night.ports.schedule_runs.save

    async def and_edit(connector: Any, runs: ScheduleRuns) -> ScheduleRuns:
        saved: ScheduleRuns = await save(connector, runs)
        if runs.runs[-1].mode is ScheduleMode.INCREMENTAL:
            await night.edit(filters=Filters(include=("b",)))
        return saved

    monkeypatch.setattr(night.ports.schedule_runs, "save", and_edit)
    job = await night.run()
    assert job.request.options.modified_since is None
    assert job.request.filters == Filters(include=("b",))


async def test_a_schedule_disabled_between_decision_and_job_starts_nothing(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, count = night.ports.schedule_runs.save, night.jobs()

    async def and_disable(connector: Any, runs: ScheduleRuns) -> ScheduleRuns:
        saved: ScheduleRuns = await save(connector, runs)
        await night.set(replace(HOURLY, enabled=False))
        return saved

    with monkeypatch.context() as patched:
        patched.setattr(night.ports.schedule_runs, "save", and_disable)
        assert await night.fire() is None
    assert night.jobs() == count


async def test_a_connector_that_cannot_be_synced_is_a_failed_run(night: Night) -> None:
    connector = night.story.world.database.connectors["c1"]
    impossible = Filters(size_min=2, size_max=1)
    night.story.world.database.connectors["c1"] = replace(
        connector, prefixes=("x" * 250_000,), filters=impossible
    )
    run = await night.fire()
    assert run is not None
    assert run.state is RunState.FAILED
    assert "is too large" in (run.reason or "")


async def test_the_history_is_bounded_and_keeps_the_run_whose_job_is_active(night: Night) -> None:
    first = await night.fire()
    for _ in range(RUN_COUNT_MAX + 5):
        await night.fire()
    runs = (await night.runs()).runs
    assert len(runs) == RUN_COUNT_MAX
    assert runs[0] == first


async def test_an_invalid_schedule_is_not_recorded(night: Night) -> None:
    before = dict(night.story.world.database.connectors)
    with pytest.raises(InvalidRequest) as refused:
        await night.set(NewSchedule(expression="hourly", time_zone="Nowhere", full_every=0))
    assert {each.path for each in refused.value.issues} == {"expression", "timeZone", "fullEvery"}
    assert night.story.world.database.connectors == before


async def test_a_connector_without_a_schedule_has_none_to_show(night: Night) -> None:
    await night.story.use_cases.schedules().remove("c1")
    with pytest.raises(NotFound, match="has no schedule"):
        await night.runs()


async def test_a_rate_begins_again_only_if_its_times_change(night: Night) -> None:
    set_at = night.story.world.database.connectors["c1"].schedule.set_at
    night.ports.clock.advance(600)
    await night.set(replace(HOURLY, full_every=2))
    connector = night.story.world.database.connectors["c1"]
    assert connector.schedule.set_at == set_at
    timer = timer_of(connector, now=night.ports.clock.now())
    assert timer is not None
    assert timer.starts_at == set_at + HOUR


# --- how a schedule's syncs are done


@pytest.mark.parametrize(
    ("chosen", "used"),
    [(None, Discovery.BATCH), (Discovery.DIRECT, Discovery.DIRECT)],
)
async def test_a_schedule_chooses_the_discovery_of_its_syncs(
    night: Night, chosen: Discovery | None, used: Discovery
) -> None:
    await night.set(replace(HOURLY, discovery=chosen))
    job = await night.run()
    assert job.request.options.discovery is used
    assert job.request.estimate is None


async def test_another_discovery_changes_neither_the_times_nor_what_is_covered(
    night: Night,
) -> None:
    await night.run()
    before = night.timers["c1"]
    await night.set(replace(HOURLY, discovery=Discovery.DIRECT, max_cost=Decimal(100)))
    assert night.timers["c1"] == before
    night.ports.surveyor.answer = night.story.use_cases.survey_bucket().run
    assert (await night.run()).request.options.modified_since is not None


async def test_a_run_below_its_maximum_cost_starts_and_keeps_its_estimate(night: Night) -> None:
    night.ports.surveyor.answer = night.story.use_cases.survey_bucket().run
    await night.set(replace(HOURLY, max_cost=Decimal(1)))
    job = await night.run()
    assert job.request.estimate is not None
    assert job.request.estimate.dollars_max == Decimal(1)


async def test_a_run_above_its_maximum_cost_fails_with_the_cost_and_the_next_is_tried(
    night: Night,
) -> None:
    night.ports.surveyor.answer = night.story.use_cases.survey_bucket().run
    await night.set(replace(HOURLY, max_cost=Decimal("0.001")))
    count = night.jobs()
    run = await night.fire()
    assert run is not None
    assert (run.state, run.job_id) == (RunState.FAILED, None)
    assert "maxCost is 0.001 dollars, and this sync may cost" in str(run.reason)
    assert night.jobs() == count
    await night.set(replace(HOURLY, discovery=Discovery.DIRECT, max_cost=Decimal("0.001")))
    assert (await night.run()).request.options.modified_since is None


async def test_a_run_whose_bucket_cannot_be_surveyed_fails_with_the_cause(night: Night) -> None:
    async def denied(_: object) -> Any:
        raise AccessDenied("no ListBucket", operation="ListObjectsV2")

    night.ports.surveyor.answer = denied
    await night.set(replace(HOURLY, max_cost=Decimal(1)))
    run = await night.fire()
    assert run is not None
    assert (run.state, run.job_id) == (RunState.FAILED, None)
    assert "no ListBucket" in str(run.reason)


async def test_a_run_that_cannot_be_planned_now_is_completed_by_the_next_event(
    night: Night,
) -> None:
    await night.set(replace(HOURLY, max_cost=Decimal(1)))
    with pytest.raises(Unavailable):
        await night.fire()
    (left,) = (await night.runs()).runs
    assert left.state is RunState.STARTING
    night.ports.surveyor.answer = night.story.use_cases.survey_bucket().run
    again = await night.fire(at=night.at)
    assert again is not None
    assert (again.state, again.job_id) == (RunState.STARTED, left.job_id)


async def test_options_that_change_while_a_run_is_planned_are_those_of_its_job(
    night: Night,
) -> None:
    survey = night.story.use_cases.survey_bucket().run
    await night.set(replace(HOURLY, discovery=Discovery.BATCH, max_cost=Decimal(1)))
    surveyed = []

    async def change_then_survey(asked: Any) -> Any:
        surveyed.append(asked.request.options.discovery)
        if len(surveyed) == 1:
            await night.set(replace(HOURLY, discovery=Discovery.DIRECT, max_cost=Decimal(2)))
        return await survey(asked)

    night.ports.surveyor.answer = change_then_survey
    job = await night.run()
    assert job.request.options.discovery is Discovery.DIRECT
    assert job.request.estimate.dollars_max == Decimal(2)
    assert surveyed == [Discovery.BATCH, Discovery.DIRECT]
