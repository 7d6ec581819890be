"""What is gone since the sync before: reported, announced if wanted, and guarded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from faulty_ports import Crash, Faults, faulty

from application.execution.tuning import Tuning
from application.results.removal_files import missing_key, read_removals, report_key
from domain.connector import ConnectorStatus
from domain.discovery import Discovery
from domain.errors import ConnectorDisabled, ConnectorRemoved, NotConfirmable
from domain.filters import Filters
from domain.job import Job
from domain.message import RemovalEvent
from domain.packing import ChunkSizing
from domain.removal_rows import RemovalRow, RemovalState
from domain.removal_settings import Removals
from domain.removal_work import RemovalStatus, RemovalWork
from entrypoints.wiring.memory import use_cases
from ports.errors import AccessDenied, Throttled

BUCKET = "media"
SETTINGS = Removals(announce=True, max_share=Decimal("0.5"), min_count=0)
SMALL = Tuning(sizing=ChunkSizing(object_count_max=5), manifest_part_bytes=1)
KEYS = tuple(f"f/{number:02d}.mov" for number in range(12))


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """A story whose connector announces removals."""
    return story_of(new_story)


def story_of(new_story: Callable[..., Any], removals: Removals = SETTINGS, **more: Any) -> Any:
    story = new_story(SMALL, connector={"removals": removals, **more})
    story.put(*KEYS)
    return story


async def compared(story: Any, **options: Any) -> Job:
    """Sync, and run until the comparison waits or has ended."""
    return await settled(story, await story.sync(**options))


async def settled(story: Any, job: Job) -> Job:
    for _ in range(20):
        job = await story.ports.jobs.get(job.job_id)
        if job.removals is None or not job.removals.open:
            return job
        await story.turn()
    pytest.fail(f"the comparison does not end: {job.removals}")


def work_of(job: Job) -> RemovalWork:
    assert job.removals is not None
    return job.removals


async def rows_of(story: Any, job: Job) -> dict[str, RemovalRow]:
    key = report_key(job.job_id)
    return {row.key: row async for row, _ in read_removals(story.ports.results, key)}


async def states_of(story: Any, job: Job) -> dict[str, str]:
    return {key: row.state.value for key, row in (await rows_of(story, job)).items()}


def events(story: Any) -> list[RemovalEvent]:
    return list(story.ports.bus.removals)


def announced(story: Any) -> list[str]:
    return [event.object_key for event in events(story)]


async def baseline_of(story: Any) -> Any:
    return (await story.ports.connector_store.get("c1")).baseline


async def edit(story: Any, **changes: Any) -> None:
    await story.use_cases.connectors().edit("c1", lambda c: replace(c, **changes))


@pytest.mark.parametrize("discovery", Discovery)
async def test_what_is_gone_is_reported_and_announced(story: Any, discovery: Discovery) -> None:
    first = await compared(story, discovery=discovery)
    assert work_of(first).status is RemovalStatus.DONE
    assert (
        work_of(first).reason
        == "no sync was compared before: the next sync is compared with this one"
    )
    assert (await baseline_of(story)).job_id == first.job_id
    story.buckets.delete(BUCKET, KEYS[3])
    story.buckets.delete(BUCKET, KEYS[7])
    story.put("f/new.mov")
    second = await compared(story, discovery=discovery)
    work = work_of(second)
    assert (work.status, work.reason) == (RemovalStatus.DONE, None)
    assert work.baseline_job_id == first.job_id
    counts = work.counts
    assert (counts.seen_before, counts.seen_now, counts.missing, counts.added) == (12, 11, 2, 1)
    assert (counts.removed, counts.announced) == (2, 2)
    rows = await rows_of(story, second)
    assert list(rows) == [KEYS[3], KEYS[7]]
    outcome = story.outcomes(first)[KEYS[3]]
    assert rows[KEYS[3]] == RemovalRow(
        key=KEYS[3],
        state=RemovalState.REMOVED,
        e_tag=outcome["eTag"],
        size_bytes=len(f"content of {KEYS[3]}"),
        asset_id=outcome["assetId"],
        inventory_id=outcome["inventoryId"],
        last_seen_in=first.job_id,
        event_id=events(story)[0].event_id,
    )
    assert events(story)[0] == RemovalEvent(
        event_id=rows[KEYS[3]].event_id or "",
        job_id=second.job_id,
        connector_id="c1",
        bucket_name=BUCKET,
        object_key=KEYS[3],
        e_tag=outcome["eTag"],
        size_bytes=len(f"content of {KEYS[3]}"),
        asset_id=outcome["assetId"],
        inventory_id=outcome["inventoryId"],
        last_seen_in=first.job_id,
        new_object_key=None,
    )
    assert announced(story) == [KEYS[3], KEYS[7]]
    third = await compared(story, discovery=discovery)
    assert work_of(third).counts.missing == 0
    assert announced(story) == [KEYS[3], KEYS[7]]
    summary = story.summary(second)["removals"]
    assert (summary["status"], summary["removed"]) == ("DONE", 2)


async def test_without_announcements_there_is_a_report(new_story: Callable[..., Any]) -> None:
    story = story_of(new_story, replace(SETTINGS, announce=False))
    await compared(story)
    story.buckets.delete(BUCKET, KEYS[0])
    second = await compared(story)
    assert await states_of(story, second) == {KEYS[0]: "REMOVED"}
    assert work_of(second).counts.announced == 0
    assert events(story) == []


async def test_moved_objects(story: Any) -> None:
    await compared(story)
    for key in KEYS[:2]:
        story.buckets.delete(BUCKET, key)
    story.buckets.put(BUCKET, "g/moved.mov", f"content of {KEYS[0]}".encode())
    second = await compared(story)
    rows = await rows_of(story, second)
    assert (rows[KEYS[0]].state, rows[KEYS[0]].new_key) == (RemovalState.MOVED, "g/moved.mov")
    assert (rows[KEYS[1]].state, rows[KEYS[1]].new_key) == (RemovalState.REMOVED, None)
    counts = work_of(second).counts
    assert (counts.removed, counts.moved, counts.announced) == (1, 1, 2)
    assert [event.new_object_key for event in events(story)] == ["g/moved.mov", None]


async def test_an_object_that_came_back_is_not_announced_and_not_forgotten(story: Any) -> None:
    first = await compared(story)
    story.buckets.delete(BUCKET, KEYS[0])
    second = await story.sync()
    story.put(KEYS[0])
    second = await settled(story, second)
    assert await states_of(story, second) == {KEYS[0]: "RETURNED"}
    assert (events(story), (await baseline_of(story)).object_count) == ([], 12)
    # It was in neither listing: the next comparison must still know it.
    story.buckets.delete(BUCKET, KEYS[0])
    third = await compared(story)
    assert await states_of(story, third) == {KEYS[0]: "REMOVED"}
    assert [event.last_seen_in for event in events(story)] == [second.job_id]
    assert first.job_id != second.job_id


async def test_a_second_disappearance_is_another_event(story: Any) -> None:
    await compared(story)
    for _ in range(2):
        story.buckets.delete(BUCKET, KEYS[0])
        await compared(story)
        story.put(KEYS[0])
        await compared(story)
    assert announced(story) == [KEYS[0]] * 2
    assert len({event.event_id for event in events(story)}) == 2


async def test_what_the_filters_leave_out_now_is_not_removed(
    new_story: Callable[..., Any],
) -> None:
    story = story_of(new_story, filters=Filters(size_max=30))
    await compared(story)
    story.buckets.put(BUCKET, KEYS[0], b"x" * 31)
    story.buckets.delete(BUCKET, KEYS[1])
    second = await compared(story)
    assert await states_of(story, second) == {KEYS[0]: "OUT_OF_SCOPE", KEYS[1]: "REMOVED"}
    assert announced(story) == [KEYS[1]]


@pytest.mark.parametrize(
    "options",
    [
        {"prefixes": ("f/0",)},
        {"include": ("f/0*",)},
        {"exclude": ("f/0*",)},
        {"filters": Filters(size_min=10**6)},
        {"dry_run": True},
    ],
)
async def test_a_narrowed_sync_is_not_compared(story: Any, options: dict[str, Any]) -> None:
    first = await compared(story)
    narrowed = await compared(story, **options)
    assert narrowed.removals is None
    assert (await baseline_of(story)).job_id == first.job_id
    assert events(story) == []


async def test_another_scope_starts_again(story: Any) -> None:
    await compared(story)
    await edit(story, filters=Filters(exclude=("f/0*",)))
    second = await compared(story)
    assert (work_of(second).status, work_of(second).counts.missing) == (RemovalStatus.DONE, 0)
    assert "the scope has changed" in (work_of(second).reason or "")
    assert (await baseline_of(story)).job_id == second.job_id
    story.buckets.delete(BUCKET, KEYS[11])
    third = await compared(story)
    assert await states_of(story, third) == {KEYS[11]: "REMOVED"}


async def test_a_connector_without_removals_makes_the_same_requests(
    new_story: Callable[..., Any],
) -> None:
    story = new_story(SMALL)
    story.put(*KEYS)
    job = await story.sync()
    await story.turn()
    job = await story.ports.jobs.get(job.job_id)
    assert job.removals is None
    assert story.ports.invoker.take_compared() == []
    assert not [name for name in story.ports.results.files if "removals" in name]


# The guard.


async def stopped(story: Any, count: int = 7) -> Job:
    """Return a job whose removals the guard has stopped."""
    await compared(story)
    for key in KEYS[:count]:
        story.buckets.delete(BUCKET, key)
    job = await compared(story)
    assert work_of(job).status is RemovalStatus.STOPPED
    return job


async def test_the_guard_stops_and_a_confirmation_announces(story: Any) -> None:
    job = await stopped(story)
    assert work_of(job).reason == (
        "7 of the 12 objects that were seen before are missing, and maxShare is 0.5"
    )
    assert (events(story), (await baseline_of(story)).claimed_by) == ([], None)
    assert story.summary(job)["removals"]["status"] == "STOPPED"
    pages = story.use_cases.removal_pages()
    shown = await pages.page(job.job_id, None, limit=100, cursor=None)
    assert [(row.key, row.state) for row in shown.items] == [
        (key, RemovalState.MISSING) for key in KEYS[:7]
    ]
    for _ in range(3):
        await story.turn()
    assert events(story) == []
    confirm = story.use_cases.confirm_removals()
    await confirm.confirm(job.job_id, expected=7)
    job = await settled(story, job)
    assert work_of(job).status is RemovalStatus.DONE
    assert announced(story) == list(KEYS[:7])
    assert (await baseline_of(story)).job_id == job.job_id
    again = await confirm.confirm(job.job_id, expected=7)
    assert again == job
    await story.turn()
    assert len(events(story)) == 7


async def test_another_number_is_not_confirmed(story: Any) -> None:
    job = await stopped(story)
    with pytest.raises(NotConfirmable, match="7 objects are missing, and 12 were confirmed"):
        await story.use_cases.confirm_removals().confirm(job.job_id, expected=12)
    await story.turn()
    assert events(story) == []


async def test_an_empty_bucket_is_always_stopped(new_story: Callable[..., Any]) -> None:
    wide = Removals(announce=True, max_share=Decimal(1), max_count=10**9, min_count=10**9)
    story = story_of(new_story, wide)
    await compared(story)
    for key in KEYS:
        story.buckets.delete(BUCKET, key)
    job = await compared(story)
    assert work_of(job).status is RemovalStatus.STOPPED
    assert events(story) == []
    story.put(*KEYS)
    back = await compared(story)
    assert (work_of(back).status, work_of(back).counts.missing) == (RemovalStatus.DONE, 0)
    assert events(story) == []


async def test_what_was_stopped_is_compared_with_the_same_sync_again(story: Any) -> None:
    before = await stopped(story)
    story.put(*KEYS[1:7])
    after = await compared(story)
    assert work_of(after).baseline_job_id == work_of(before).baseline_job_id
    assert await states_of(story, after) == {KEYS[0]: "REMOVED"}
    with pytest.raises(NotConfirmable, match="outdated"):
        await story.use_cases.confirm_removals().confirm(before.job_id, expected=7)


@pytest.mark.parametrize("newest_first", [True, False])
async def test_of_two_that_were_stopped_one_is_announced(story: Any, newest_first: bool) -> None:
    jobs = [await stopped(story), await compared(story)]
    assert work_of(jobs[1]).status is RemovalStatus.STOPPED
    confirm = story.use_cases.confirm_removals()
    for job in jobs:
        await confirm.confirm(job.job_id, expected=7)
    story.ports.invoker.take_compared()
    for job in reversed(jobs) if newest_first else jobs:
        assert await story.use_cases.compare_syncs().run(job.job_id, story.deadline())
    ends = [work_of(await settled(story, job)).status.value for job in jobs]
    assert ends == (["OVERTAKEN", "DONE"] if newest_first else ["DONE", "OVERTAKEN"])
    assert sorted(announced(story)) == sorted(KEYS[:7])
    assert (await baseline_of(story)).claimed_by is None


async def test_a_connector_that_is_disabled_or_removed_announces_nothing(story: Any) -> None:
    job = await stopped(story)
    confirm = story.use_cases.confirm_removals()
    await edit(story, status=ConnectorStatus.DISABLED)
    with pytest.raises(ConnectorDisabled):
        await confirm.confirm(job.job_id, expected=7)
    await story.use_cases.connectors().remove("c1")
    with pytest.raises(ConnectorRemoved):
        await confirm.confirm(job.job_id, expected=7)
    await story.turn()
    assert events(story) == []


async def test_a_connector_that_is_removed_in_the_meantime_announces_nothing(story: Any) -> None:
    await compared(story)
    story.buckets.delete(BUCKET, KEYS[0])
    job = await story.sync()
    await story.use_cases.connectors().remove("c1")
    job = await settled(story, job)
    assert work_of(job).status is RemovalStatus.OVERTAKEN
    assert work_of(job).reason == "connector c1 was removed"
    assert events(story) == []


# Failures and interruptions.


async def test_a_listing_that_is_denied_announces_nothing_and_keeps_the_baseline(
    story: Any,
) -> None:
    first = await compared(story)
    story.buckets.delete(BUCKET, KEYS[0])
    job = await story.sync()
    bucket = story.buckets.find(BUCKET)
    role, bucket.role_arn = bucket.role_arn, "other"
    job = await settled(story, job)
    assert work_of(job).status is RemovalStatus.GIVEN_UP
    assert events(story) == []
    assert await baseline_of(story) == replace(
        await baseline_of(story), job_id=first.job_id, claimed_by=None
    )
    bucket.role_arn = role
    await compared(story)
    assert [(event.object_key, event.last_seen_in) for event in events(story)] == [
        (KEYS[0], first.job_id)
    ]


async def test_events_that_the_bus_refuses_are_sent_again_with_their_ids(story: Any) -> None:
    await compared(story)
    for key in KEYS[:3]:
        story.buckets.delete(BUCKET, key)
    job = await story.sync()
    refusals = [None, Throttled("busy"), None]
    story.ports.bus.refuse = lambda _: refusals.pop() if refusals else None
    with pytest.raises(Throttled):
        await settled(story, job)
    story.ports.clock.advance(1_000)
    job = await settled(story, job)
    assert work_of(job).status is RemovalStatus.DONE
    assert sorted(set(announced(story))) == list(KEYS[:3])
    assert len({event.event_id for event in events(story)}) == 3


async def test_a_bus_that_refuses_permanently_ends_the_comparison(story: Any) -> None:
    first = await compared(story)
    story.buckets.delete(BUCKET, KEYS[0])
    story.ports.bus.refuse = lambda _: AccessDenied("no")
    job = await compared(story)
    assert (work_of(job).status, work_of(job).reason) == (RemovalStatus.GIVEN_UP, "no")
    assert (await baseline_of(story)).job_id == first.job_id
    story.ports.bus.refuse = lambda _: None
    await compared(story)
    assert announced(story) == [KEYS[0]]


async def test_a_baseline_whose_files_are_gone_is_replaced(story: Any) -> None:
    first = await compared(story)
    for name in [n for n in story.ports.results.files if n.startswith(f"jobs/{first.job_id}/")]:
        del story.ports.results.files[name]
    story.buckets.delete(BUCKET, KEYS[0])
    second = await compared(story)
    assert work_of(second).status is RemovalStatus.GIVEN_UP
    assert "no longer known" in (work_of(second).reason or "")
    assert (await baseline_of(story)).job_id == second.job_id
    story.buckets.delete(BUCKET, KEYS[1])
    third = await compared(story)
    assert await states_of(story, third) == {KEYS[1]: "REMOVED"}


async def killed_while_it_announces(story: Any) -> Job:
    """Return a job whose comparison died after it had sent its events."""
    await compared(story)
    for key in KEYS[:3]:
        story.buckets.delete(BUCKET, key)
    story.compares = False
    job = await story.sync()
    for _ in range(3):
        await story.turn()
    faults = Faults()

    def kill(call: Any) -> None:
        if call[0] == "bus.publish_removals":
            raise Crash

    faults.after = kill
    process = use_cases(faulty(story.ports, faults), SMALL).compare_syncs()
    with pytest.raises(Crash):
        await process.run(job.job_id, story.deadline())
    assert sorted(announced(story)) == list(KEYS[:3])
    return job


async def test_events_are_repeated_with_their_ids_after_a_crash(story: Any) -> None:
    job = await killed_while_it_announces(story)
    story.compares = True
    job = await settled(story, job)
    assert work_of(job).counts.announced == 3
    assert sorted(announced(story)) == sorted([*KEYS[:3], *KEYS[:3]])
    assert len({event.event_id for event in events(story)}) == 3


async def test_another_process_does_not_take_a_live_lease(story: Any) -> None:
    job = await killed_while_it_announces(story)
    sent = len(events(story))
    assert not await story.use_cases.compare_syncs().run(job.job_id, story.deadline())
    assert len(events(story)) == sent


async def test_a_later_sync_waits_for_a_comparison_that_is_under_way(story: Any) -> None:
    earlier = await killed_while_it_announces(story)
    story.buckets.delete(BUCKET, KEYS[5])
    later = await story.sync()
    for _ in range(3):
        await story.turn()
    assert await story.use_cases.compare_syncs().run(later.job_id, story.deadline())
    waiting = work_of(await story.ports.jobs.get(later.job_id))
    assert waiting.status is RemovalStatus.WANTED
    assert (await baseline_of(story)).claimed_by == earlier.job_id
    story.compares = True
    earlier, later = await settled(story, earlier), await settled(story, later)
    assert work_of(later).baseline_job_id == earlier.job_id
    assert await states_of(story, later) == {KEYS[5]: "REMOVED"}
    assert len({event.event_id for event in events(story)}) == 4


async def test_a_claim_of_a_job_that_is_no_longer_compared_is_taken_over(story: Any) -> None:
    await compared(story)
    connector = await story.ports.connector_store.get("c1")
    dead = replace(connector.baseline, claimed_by="job-gone")
    await story.ports.connector_store.record_baseline(connector, dead)
    story.buckets.delete(BUCKET, KEYS[0])
    job = await compared(story)
    assert await states_of(story, job) == {KEYS[0]: "REMOVED"}


async def test_pages_of_the_report(story: Any) -> None:
    await compared(story)
    for key in KEYS[:5]:
        story.buckets.delete(BUCKET, key)
    story.buckets.put(BUCKET, "g/moved.mov", f"content of {KEYS[2]}".encode())
    job = await compared(story)
    pages = story.use_cases.removal_pages()
    keys: list[str] = []
    cursor = None
    for _ in range(3):
        page = await pages.page(job.job_id, None, limit=2, cursor=cursor)
        keys += [row.key for row in page.items]
        cursor = page.cursor
    assert (keys, cursor) == (list(KEYS[:5]), None)
    moved = await pages.page(job.job_id, RemovalState.MOVED, limit=2, cursor=None)
    assert [row.key for row in moved.items] == [KEYS[2]]
    none = await pages.page((await story.sync(dry_run=True)).job_id, None, limit=2, cursor=None)
    assert none.items == ()
    assert missing_key(job.job_id) in story.ports.results.files
