"""Bounded fan-out: workers over an iterator, never a task per item; and a bound that adapts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from application.execution.fanout import AdaptiveLimit, fan_out
from ports.errors import Throttled, Unavailable


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_every_item_is_done_once_and_the_limit_holds(limit: int) -> None:
    running = highest = 0
    done: list[int] = []

    async def work(item: int) -> None:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    await fan_out(range(20), work, limit=limit)
    assert sorted(done) == list(range(20))
    assert highest == min(limit, 20)


async def test_items_are_taken_as_workers_get_free() -> None:
    """With a million items there are still only as many tasks as workers."""
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(10_000):
            taken += 1
            yield number

    ahead = tasks = 0

    async def work(item: int) -> None:
        nonlocal ahead, tasks
        await asyncio.sleep(0)
        ahead = max(ahead, taken - item)
        tasks = max(tasks, len(asyncio.all_tasks()))

    await fan_out(items(), work, limit=4)
    assert ahead <= 8
    assert tasks <= 5


async def test_an_asynchronous_iterator_is_read_by_one_worker_at_a_time() -> None:
    reading = False

    async def items() -> AsyncIterator[int]:
        nonlocal reading
        for number in range(10):
            assert not reading
            reading = True
            await asyncio.sleep(0)
            reading = False
            yield number

    done: list[int] = []

    async def work(item: int) -> None:
        await asyncio.sleep(0)
        done.append(item)

    await fan_out(items(), work, limit=4)
    assert sorted(done) == list(range(10))


async def test_the_first_error_cancels_the_rest_and_is_raised_as_itself() -> None:
    cancelled: list[int] = []

    async def work(item: int) -> None:
        if item == 2:
            raise Unavailable("item 2")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    with pytest.raises(Unavailable, match="item 2"):
        await fan_out(range(10), work, limit=3)
    assert sorted(cancelled) == [0, 1]


async def test_an_error_of_the_iterator_is_raised() -> None:
    async def items() -> AsyncIterator[int]:
        yield 1
        raise Unavailable("no more")

    async def work(item: int) -> None:
        await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="no more"):
        await fan_out(items(), work, limit=3)


async def test_cancelling_the_caller_cancels_the_workers() -> None:
    async def work(item: int) -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(fan_out(range(10), work, limit=3))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_throttling_halves_the_bound_and_success_raises_it_slowly() -> None:
    limit = AdaptiveLimit(16)
    for bound in (8, 4, 2, 1, 1):
        with pytest.raises(Throttled):
            async with limit:
                raise Throttled("slow down")
        assert limit.bound == bound
    async with limit:
        pass
    assert limit.bound == 2
    for _ in range(200):
        async with limit:
            pass
    assert limit.bound == 16


async def test_other_errors_leave_the_bound_and_free_the_place() -> None:
    limit = AdaptiveLimit(1)
    for _ in range(3):
        with pytest.raises(Unavailable):
            async with limit:
                raise Unavailable("503")
    assert limit.bound == 1
    async with limit:
        pass


async def test_a_lower_bound_lets_fewer_calls_in() -> None:
    limit = AdaptiveLimit(8)
    with pytest.raises(Throttled):
        async with limit:
            raise Throttled("slow down")
    running = highest = 0

    async def work(item: int) -> None:
        nonlocal running, highest
        async with limit:
            running += 1
            highest = max(highest, running)
            await asyncio.sleep(0)
            running -= 1

    await fan_out(range(8), work, limit=8)
    assert highest == 4


async def test_a_call_that_is_cancelled_frees_its_place() -> None:
    limit = AdaptiveLimit(1)

    async def wait() -> None:
        async with limit:
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with limit:
        pass
