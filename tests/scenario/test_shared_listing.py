"""A long listing of a direct discovery is shared out to several invocations."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from application.execution.tuning import Tuning
from domain.engine_work import NO_ATTEMPTS, Attempts
from domain.errors import JobLeaseHeld, NoProgress
from domain.job import JobStatus
from domain.packing import ChunkSizing
from ports.errors import AccessDenied, Conflict, TimedOut, Unavailable, Unknown

KEYS = [f"{number:03}.jpg" for number in range(120)]
SHARED = Tuning(
    sizing=ChunkSizing(object_count_max=3),
    added_chunk_count=2,
    listing_streams=4,
    listing_pages_per_probe=1,
    listing_workers=4,
    listing_alone_objects=15,
)


@pytest.fixture
def story(new_story: Callable[..., Any]) -> Any:
    """A story in which a listing is shared out after fifteen objects."""
    made = new_story(SHARED)
    made.put(*KEYS)
    return made


async def shared_out(story: Any, **options: Any) -> Any:
    """Start a job, and return it when its listing has been shared out."""
    job = await story.start(**options)
    for job_id in story.ports.invoker.take():
        await story.use_cases.engine().advance(job_id, story.deadline())
    return await story.ports.jobs.get(job.job_id)


async def work(story: Any, number: int, job: Any, *, time_s: float = 900.0) -> bool:
    """Run one worker of a share."""
    story.time_s = time_s
    worked: bool = await story.use_cases.list_share().run(job.job_id, number, story.deadline())
    story.time_s = 900.0
    return worked


def shares(story: Any, job: Any) -> list[Any]:
    return list(story.world.database.shares_of(job.job_id))


def on_pages(story: Any, act: Callable[[int], None]) -> None:
    """Call `act` with the number of each page, before the page is returned."""
    list_objects = story.ports.objects.list_objects
    count = 0

    async def counted(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        nonlocal count
        async for page in list_objects(bucket, **place):
            count += 1
            act(count)
            yield page

    story.ports.objects.list_objects = counted


async def check_all_listed(story: Any, job: Any, keys: list[str] = KEYS) -> None:
    """Check that each key is in exactly one chunk, has one outcome, and that the counts agree."""
    assert job.status is JobStatus.COMPLETED
    assert Counter(await story.listed_keys(job)) == Counter(keys)
    assert story.kinds(job) == dict.fromkeys(keys, "PUT")
    assert (job.listing.objects_listed, job.tally.statistics.put) == (len(keys), len(keys))
    assert job.tally.chunks_total == len(story.chunks(job))
    assert job.listing.sharing is None
    assert shares(story, job) == []


async def test_a_long_listing_is_shared_out_and_ends(story: Any) -> None:
    job = await shared_out(story)
    assert job.status is JobStatus.PROCESSING
    assert not job.listed
    assert len(shares(story, job)) == SHARED.listing_workers
    assert job.listing.objects_seen < len(KEYS)
    await check_all_listed(story, await story.finish(job.job_id))


async def test_idle_shares_take_a_part_of_the_others(story: Any) -> None:
    job = await shared_out(story)
    first = [share.number for share in shares(story, job) if not share.done]
    worked: set[int] = set()
    for _ in range(20):
        for job_id, number in story.ports.invoker.take_shares():
            await story.use_cases.list_share().run(job_id, number, story.deadline())
            worked.add(number)
    assert worked > set(first)
    counts = [share.listing.objects_listed for share in shares(story, job)]
    assert sum(counts) == len(KEYS)
    assert min(counts) > 0
    await check_all_listed(story, await story.finish(job.job_id))


async def test_a_short_listing_has_no_shares_and_costs_nothing_more(
    new_story: Callable[..., Any],
) -> None:
    calls: dict[int, Counter[str]] = {}
    for workers in (1, 8):
        story = new_story(replace(SHARED, listing_workers=workers, listing_alone_objects=121))
        story.put(*KEYS)
        counted: Counter[str] = Counter()
        for port in ("jobs", "chunks", "shares", "results", "invoker", "queue", "objects"):
            spy(getattr(story.ports, port), port, counted)
        await check_all_listed(story, await story.sync())
        counted.update(story.requests)
        calls[workers] = counted
    assert calls[1] == calls[8]
    assert not any(name.startswith("shares.") for name in calls[8])


def spy(port: Any, name: str, counted: Counter[str]) -> None:
    """Count the calls of a port's methods."""
    for method in [each for each in dir(type(port)) if not each.startswith("_")]:
        called = getattr(port, method)
        if callable(called):
            setattr(port, method, counting(called, f"{name}.{method}", counted))


def counting(called: Callable[..., Any], name: str, counted: Counter[str]) -> Callable[..., Any]:
    def count(*args: Any, **kwargs: Any) -> Any:
        counted[name] += 1
        return called(*args, **kwargs)

    return count


async def test_with_one_worker_it_is_not_shared_out(new_story: Callable[..., Any]) -> None:
    story = new_story(replace(SHARED, listing_workers=1))
    story.put(*KEYS)
    job = await shared_out(story)
    assert job.listed


async def test_prefixes_that_are_left_are_shared_out(new_story: Callable[..., Any]) -> None:
    story = new_story(SHARED)
    keys = [f"{folder}/{number:02}.jpg" for folder in "abcdef" for number in range(20)]
    story.put(*keys)
    job = await shared_out(story, prefixes=(*(f"{folder}/" for folder in "abcdef"), "empty/"))
    job = await story.finish(job.job_id)
    await check_all_listed(story, job, keys)
    assert any("'empty/'" in warning for warning in job.findings.warnings)


async def test_many_small_prefixes_share_chunks(new_story: Callable[..., Any]) -> None:
    tuning = replace(SHARED, sizing=ChunkSizing(object_count_max=20), listing_alone_objects=1)
    story = new_story(tuning)
    keys = [f"{number:02}/a.jpg" for number in range(60)]
    story.put(*keys)
    job = await shared_out(story, prefixes=tuple(key[:3] for key in keys))
    while job.listing.sharing is None and not job.listed:
        await story.run_engine()
    job = await story.finish(job.job_id)
    await check_all_listed(story, job, keys)
    assert job.tally.chunks_total < 20


async def test_nothing_that_is_left_is_selected(new_story: Callable[..., Any]) -> None:
    story = new_story(SHARED)
    story.put(*KEYS)
    on_pages(story, lambda _number: story.ports.clock.advance(20))
    job = await shared_out(story, include=("*.mov",))
    assert job.listing.sharing is not None
    job = await story.finish(job.job_id)
    assert (job.status, job.listing.objects_filtered) == (JobStatus.COMPLETED, len(KEYS))
    assert story.statuses(job)[-1] == "COMPLETED"


async def test_a_worker_continues_after_its_deadline(story: Any) -> None:
    job = await shared_out(story)
    open_count = len([share for share in shares(story, job) if not share.done])
    story.ports.invoker.take_shares()
    assert await work(story, 0, job, time_s=SHARED.stop_margin_s / 2)
    share = shares(story, job)[0]
    assert not share.done
    assert share.lease is None
    assert story.ports.invoker.shares == [(job.job_id, 0)]
    assert open_count > 1
    await check_all_listed(story, await story.finish(job.job_id))


async def test_messages_that_come_twice_or_late_do_nothing(story: Any) -> None:
    job = await shared_out(story)
    orders = story.ports.invoker.take_shares()
    for _, number in orders:
        assert await work(story, number, job)
        # It may have been given other keys since.
        story.ports.invoker.take_shares()
    story.ports.clock.advance(SHARED.stuck_after_s)
    for number in range(SHARED.listing_workers + 1):
        await work(story, number, job)
    job = await story.finish(job.job_id)
    await check_all_listed(story, job)
    before = (job, story.chunks(job))
    for number in range(SHARED.listing_workers + 1):
        assert not await work(story, number, job)
    assert (await story.ports.jobs.get(job.job_id), story.chunks(job)) == before


async def test_two_workers_at_once_are_one(story: Any) -> None:
    job = await shared_out(story)
    number = next(share.number for share in shares(story, job) if not share.done)
    second: list[bool] = []
    list_objects = story.ports.objects.list_objects

    async def list_twice(bucket: Any, **place: Any) -> AsyncIterator[Any]:
        if not second:
            second.append(True)
            second.append(await work(story, number, job))
        async for page in list_objects(bucket, **place):
            yield page

    story.ports.objects.list_objects = list_twice
    assert await work(story, number, job)
    assert second == [True, False]
    await check_all_listed(story, await story.finish(job.job_id))


async def test_the_sweep_finds_lost_messages(story: Any) -> None:
    job = await shared_out(story)
    story.ports.invoker.take_shares()
    story.ports.clock.advance(SHARED.stuck_after_s)
    await story.use_cases.sweep().run(story.deadline())
    await story.use_cases.engine().advance(job.job_id, story.deadline())
    open_shares = [(job.job_id, each.number) for each in shares(story, job) if not each.done]
    assert story.ports.invoker.shares == open_shares
    await check_all_listed(story, await story.finish(job.job_id))


async def test_the_share_of_a_dead_worker_is_listed_by_another(story: Any) -> None:
    job = await shared_out(story)
    story.ports.invoker.take_shares()

    class Death(BaseException):
        """The process is killed."""

    def die(count: int) -> None:
        if count == 2:
            raise Death

    list_objects = story.ports.objects.list_objects
    on_pages(story, die)
    with pytest.raises(Death):
        await work(story, 0, job)
    story.ports.objects.list_objects = list_objects
    assert shares(story, job)[0].lease is not None
    assert not await work(story, 0, job)
    await check_all_listed(story, await story.finish(job.job_id))


async def test_a_worker_that_lost_its_lease_records_nothing(story: Any) -> None:
    job = await shared_out(story)
    put = story.ports.results.put
    late = True

    async def late_put(key: str, content: bytes) -> None:
        nonlocal late
        if late and "/chunks/" in key:
            late = False
            story.ports.clock.advance(2_000)
            assert await work(story, 0, job)
        await put(key, content)

    story.ports.results.put = late_put
    await work(story, 0, job)
    await check_all_listed(story, await story.finish(job.job_id))


async def test_a_cancelled_job_ends_and_its_workers_stop(story: Any) -> None:
    job = await shared_out(story)
    orders = story.ports.invoker.take_shares()
    pages = 0

    def count(number: int) -> None:
        nonlocal pages
        pages = number

    on_pages(story, count)
    put = story.ports.results.put

    async def cancel_first(key: str, content: bytes) -> None:
        story.ports.results.put = put
        await story.use_cases.cancel_job().cancel(job.job_id)
        await put(key, content)

    story.ports.results.put = cancel_first
    chunk_count = len(story.chunks(job))
    for _, number in orders:
        await work(story, number, job)
    assert pages < 15
    assert len(story.chunks(job)) == chunk_count
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.CANCELLED
    assert job.tally.chunks_total == chunk_count
    assert shares(story, job) == []


async def test_an_error_that_no_retry_can_fix_fails_the_job(story: Any) -> None:
    job = await shared_out(story)

    def deny(_number: int) -> None:
        raise AccessDenied("s3:ListBucket", resource="media")

    on_pages(story, deny)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "s3:ListBucket" in job.status_reason
    assert shares(story, job) == []


async def test_a_passing_error_is_retried_and_bounded(story: Any) -> None:
    job = await shared_out(story)

    def unavailable(_number: int) -> None:
        raise Unavailable("503")

    list_objects = story.ports.objects.list_objects
    on_pages(story, unavailable)
    with pytest.raises(Unavailable):
        await work(story, 0, job)
    assert shares(story, job)[0].lease is None
    story.ports.objects.list_objects = list_objects
    assert await work(story, 0, job)
    assert shares(story, job)[0].attempts == NO_ATTEMPTS
    number = next(share.number for share in shares(story, job) if not share.done)
    on_pages(story, unavailable)
    for _ in range(SHARED.engine_attempt_count_max - 1):
        with pytest.raises(Unavailable):
            await work(story, number, job)
    await work(story, number, job)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert "without progress" in job.status_reason


async def test_unknown_errors_of_a_share_have_their_own_bound(story: Any) -> None:
    job = await shared_out(story)
    number = next(share.number for share in shares(story, job) if not share.done)

    error: Exception = Unavailable("503")

    def fail_page(_number: int) -> None:
        raise error

    on_pages(story, fail_page)

    async def fail() -> Attempts:
        with pytest.raises(type(error)):
            await work(story, number, job)
        attempts: Attempts = shares(story, job)[number].attempts
        return attempts

    unknown_count_max = SHARED.engine_unknown_count_max
    for _ in range(unknown_count_max):
        await fail()
    error = Unknown("E1")
    for count in range(1, unknown_count_max):
        attempts = await fail()
        assert (attempts.count, attempts.unknown_count) == (unknown_count_max + count, count)
        assert "E1" in (attempts.cause or "")
    await work(story, number, job)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    assert f"{2 * unknown_count_max} attempts at listing share" in job.status_reason


async def test_workers_that_die_again_and_again_fail_the_job(story: Any) -> None:
    job = await shared_out(story)
    number = next(share.number for share in shares(story, job) if not share.done)
    share = shares(story, job)[number]
    exhausted = replace(share, attempts=Attempts(count=SHARED.engine_attempt_count_max))
    await story.ports.shares.save(exhausted)
    await work(story, number, job)
    job = await story.finish(job.job_id)
    assert job.status is JobStatus.FAILED
    [failure] = await story.failures(job)
    assert failure.error_class == NoProgress.__name__


async def test_a_share_that_was_read_too_early_does_not_end_the_listing(story: Any) -> None:
    """The engine reads an idle share, which is given keys before its giver is read as done."""
    job = await shared_out(story)
    store = story.ports.shares
    read, ended = store.shares, False

    async def torn(job_id: str, share_count: int) -> list[Any]:
        nonlocal ended
        seen: list[Any] = await read(job_id, share_count)
        if ended:
            return seen
        ended = True
        return [
            replace(each, listing=replace(each.listing, prefix_index=each.prefix_end))
            if not each.done
            else each
            for each in seen[:1]
        ] + [await passed_on(each) for each in seen[1:]]

    async def passed_on(share: Any) -> Any:
        """Return the share as it looked when it was done; it has another version by now."""
        if share.done:
            return share
        await store.save(share)
        return replace(share, listing=replace(share.listing, prefix_index=share.prefix_end))

    store.shares = torn
    story.ports.invoker.take_shares()
    await story.use_cases.engine().advance(job.job_id, story.deadline())
    assert (await story.ports.jobs.get(job.job_id)).listing.sharing is not None
    await check_all_listed(story, await story.finish(job.job_id))


@pytest.mark.parametrize("seed", range(25))
async def test_no_key_is_lost_or_doubled_by_random_troubles(
    new_story: Callable[..., Any], seed: int
) -> None:
    """Keys, deadlines, lost and doubled messages, and errors of any store, in any order."""
    rng = random.Random(seed)
    tuning = replace(
        SHARED,
        listing_workers=rng.choice([2, 3, 8]),
        listing_streams=rng.choice([2, 4, 8]),
        listing_alone_objects=rng.choice([1, 10, 40]),
        engine_attempt_count_max=100,
    )
    story = new_story(tuning)
    names = [f"{rng.choice('abé')}/{rng.randrange(10**6):06}.jpg" for _ in range(150)]
    keys = sorted(set(names))
    story.put(*keys)
    job = await story.start()
    for method in ("record", "hand_on", "save", "start", "close"):
        trouble(story.ports.shares, method, rng)
    for _ in range(400):
        job = await story.ports.jobs.get(job.job_id)
        if job.terminal:
            break
        await round_of(story, job, tuning, rng)
    await check_all_listed(story, job, keys)


def trouble(port: Any, method: str, rng: random.Random) -> None:
    """Let some calls fail before their effect, or after it."""
    called = getattr(port, method)

    async def failing(*args: Any) -> Any:
        fate = rng.random()
        if fate < 0.05:
            raise Unavailable("before")
        result = await called(*args)
        if fate < 0.1:
            raise TimedOut("after")
        return result

    setattr(port, method, failing)


async def round_of(story: Any, job: Any, tuning: Tuning, rng: random.Random) -> None:
    """Run what was requested, except for what is lost, and some of it twice."""
    orders = [(job_id, None) for job_id in story.ports.invoker.take()]
    orders += story.ports.invoker.take_shares()
    rng.shuffle(orders)
    for job_id, number in orders:
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            story.time_s = rng.choice([tuning.stop_margin_s / 2, 900.0, 900.0])
            with suppress(JobLeaseHeld, Unavailable, TimedOut, Conflict):
                if number is None:
                    await story.use_cases.engine().advance(job_id, story.deadline())
                else:
                    await story.use_cases.list_share().run(job_id, number, story.deadline())
    story.time_s = 900.0
    await story.run_chunks()
    story.ports.clock.advance(rng.choice([1, 400, 1_000]))
    await story.use_cases.sweep().run(story.deadline())
