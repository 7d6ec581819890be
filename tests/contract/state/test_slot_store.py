"""The contract of ports.slot_store."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain.lease import Lease
from domain.work_limits import CONCURRENCY_MAX
from ports.errors import NotFound

if TYPE_CHECKING:
    from tests.contract.state.conftest import State

LIFE = timedelta(seconds=900)


def lease(state: State, token: str) -> Lease:
    return Lease(token=token, expires_at=state.clock.now() + LIFE)


async def take(state: State, token: str, count: int = 2, *, of: str = "con-1") -> int | None:
    now = state.clock.now()
    return await state.slots.take(of, count, lease(state, token), now, job_id=f"job {token}")


async def free(state: State, count: int = 2, *, of: str = "con-1") -> int:
    return count - len(await state.slots.holders(of, count, state.clock.now()))


async def test_each_slot_has_one_holder(state: State) -> None:
    assert await free(state) == 2
    assert {await take(state, "a"), await take(state, "b")} == {0, 1}
    assert await free(state) == 0
    assert await take(state, "c") is None


async def test_of_many_at_once_no_more_get_one(state: State) -> None:
    taken = await asyncio.gather(*(take(state, f"token {n}", 3) for n in range(12)))
    numbers = [number for number in taken if number is not None]
    assert len(numbers) == len(set(numbers)) <= 3
    assert await free(state, 3) == 3 - len(numbers)


async def test_a_token_that_has_one_gets_it_again(state: State) -> None:
    number = await take(state, "a")
    assert await take(state, "a") == number
    assert await free(state) == 1


async def test_what_is_given_back_is_free(state: State) -> None:
    await take(state, "a", 1)
    await state.slots.give_back("con-1", 0, "a")
    assert await free(state, 1) == 1
    assert await take(state, "b", 1) == 0
    # The same token may take a slot again.
    await state.slots.give_back("con-1", 0, "b")
    assert await take(state, "b", 1) == 0
    assert await free(state, 1) == 0


async def test_only_its_holder_gives_it_back(state: State) -> None:
    await state.slots.give_back("con-1", 0, "a")
    await take(state, "a", 1)
    await state.slots.give_back("con-1", 0, "b")
    assert await take(state, "c", 1) is None


async def test_an_expired_lease_is_free(state: State) -> None:
    await take(state, "a", 1)
    state.clock.time += LIFE - timedelta(microseconds=1)
    assert await take(state, "b", 1) is None
    state.clock.time += timedelta(microseconds=1)
    assert await free(state, 1) == 1
    assert await take(state, "b", 1) == 0
    # Its holder before cannot end that.
    await state.slots.give_back("con-1", 0, "a")
    assert await free(state, 1) == 0


async def test_slots_beyond_the_count_do_not_count(state: State) -> None:
    for token in ("a", "b", "c"):
        await take(state, token, 3)
    await state.slots.give_back("con-1", 0, "a")
    await state.slots.give_back("con-1", 0, "b")
    await state.slots.give_back("con-1", 0, "c")
    assert await free(state, 1) == 1
    assert await take(state, "d", 1) == 0
    assert await take(state, "e", 1) is None


async def test_it_is_known_which_jobs_have_slots(state: State) -> None:
    now = state.clock.now()
    for token, job_id in (("a", "job-1"), ("b", "job-2"), ("c", "job-1")):
        await state.slots.take("con-1", 3, lease(state, token), now, job_id=job_id)
    assert sorted(await state.slots.holders("con-1", 3, now)) == ["job-1", "job-1", "job-2"]
    for number in range(3):
        await state.slots.give_back("con-1", number, "b")
    assert await state.slots.holders("con-1", 3, now) == ["job-1", "job-1"]
    assert await state.slots.holders("con-1", 3, now + LIFE) == []
    # The next holder of a slot is another job.
    await state.slots.take("con-1", 3, lease(state, "d"), now, job_id="job-3")
    assert sorted(await state.slots.holders("con-1", 3, now)) == ["job-1", "job-1", "job-3"]


async def test_connectors_have_their_own(state: State) -> None:
    await take(state, "a", 1)
    assert await take(state, "b", 1, of="con-2") == 0
    assert await free(state, 1, of="con-3") == 1


async def test_there_may_be_a_hundred(state: State) -> None:
    numbers = [await take(state, f"token {n}", CONCURRENCY_MAX) for n in range(4)]
    assert len(set(numbers)) == 4
    assert await free(state, CONCURRENCY_MAX) == CONCURRENCY_MAX - 4


async def test_a_slot_is_no_job(state: State) -> None:
    await take(state, "a", 1)
    with pytest.raises(NotFound):
        await state.jobs.get("slot#con-1#0")
    assert [job async for job in state.jobs.open_jobs()] == []
    assert (await state.jobs.list_page(limit=5)).items == ()
