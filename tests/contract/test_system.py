"""The contracts of ports.clock and ports.ids."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from adapters.aws.system import RandomIds, SystemClock
from adapters.memory.system import ManualClock, SeededIds
from ports.clock import Clock
from ports.ids import Ids


@pytest.fixture(params=["memory", "aws"])
def any_clock(request: pytest.FixtureRequest, clock: ManualClock) -> Clock:
    clocks: dict[str, Clock] = {"memory": clock, "aws": SystemClock()}
    return clocks[request.param]


@pytest.fixture(params=["memory", "aws"])
def ids(request: pytest.FixtureRequest, clock: ManualClock) -> Ids:
    # The clock is stopped, so many ids are generated in one millisecond.
    made: dict[str, Ids] = {"memory": SeededIds(7), "aws": RandomIds(clock)}
    return made[request.param]


async def test_now_is_aware_and_in_utc(any_clock: Clock) -> None:
    assert any_clock.now().tzinfo is UTC


async def test_sleep_lets_its_time_pass(any_clock: Clock) -> None:
    before = any_clock.now()

    await any_clock.sleep(0.01)

    assert any_clock.now() - before >= timedelta(seconds=0.009)


def test_later_job_ids_sort_after_earlier_ones(ids: Ids) -> None:
    made = [ids.new_job_id() for _ in range(1_000)]

    assert sorted(made) == made
    assert len(set(made)) == len(made)
    assert all(job_id.startswith("job-") for job_id in made)


def test_no_id_comes_twice(ids: Ids) -> None:
    made = [make() for _ in range(1_000) for make in (ids.new_connector_id, ids.new_token)]

    assert len(set(made)) == len(made)


def test_job_ids_sort_by_the_time_they_were_made(clock: ManualClock) -> None:
    """Of two processes, without a shared counter."""
    earlier = RandomIds(clock).new_job_id()
    clock.advance(0.001)

    assert earlier < RandomIds(clock).new_job_id()
    assert len(earlier) == len("job-") + 26
