"""All invariants hold where syncs start on their own, in seeds of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from simulator.coverage import Coverage, added
from simulator.schedulers import FIRST_SEED

from domain.schedule import ScheduleMode
from domain.schedule_runs import RunState

_SEEN = {"set", "unset", "edit", "enable", *set(RunState), *set(ScheduleMode)} - {RunState.STARTING}


@pytest.mark.soak
def test_invariants_hold_where_syncs_start_on_their_own(
    schedule_seed: int, visit: Callable[[int], Coverage]
) -> None:
    visit(schedule_seed)


def test_seeds_cover_every_end_of_a_scheduled_time(visit: Callable[[int], Coverage]) -> None:
    covered: Coverage = Counter()
    for number in range(40):
        added(covered, visit(FIRST_SEED + number))
    assert {name for of, name in covered if of == "schedules"} >= _SEEN
