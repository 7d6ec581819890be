"""All invariants hold in seeds whose worlds have more parts, and these parts are really used.

An invariant about what never happens proves nothing: so of the first seeds of each world, a minimum
has to have each feature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest
from simulator import limiting, removing, schedulers, searching
from simulator.coverage import Coverage, added


class World(NamedTuple):
    """The seeds of a world, and how many of them have each feature at least."""

    first_seed: int
    seed_count: int
    features: Mapping[str, int]


WORLDS = {
    "main": World(
        0,
        60,
        {
            "job paused": 3,
            "job resumed": 3,
            "stage paused": 3,
            "connector edited while a job runs": 3,
            "connector removed": 3,
        },
    ),
    "schedules": World(
        schedulers.FIRST_SEED,
        40,
        {"scheduled sync started": 20, "connector edited while a job runs": 1},
    ),
    "removals": World(
        removing.FIRST_SEED,
        60,
        {
            "removal announced": 10,
            "guard stopped": 4,
            "guard confirmed": 1,
            "object moved": 1,
        },
    ),
    "orphans": World(
        searching.FIRST_SEED,
        40,
        {"orphan search done": 5, "orphan reported": 1},
    ),
    "limits": World(
        limiting.FIRST_SEED,
        60,
        {
            "all slots in use": 10,
            "objects at a limited rate": 5,
            "active job outside of its windows": 5,
            "limits edited": 1,
            "chunk parked": 5,
        },
    ),
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_invariants_hold_and_features_are_used(
    world: World, visit: Callable[[int], Coverage]
) -> None:
    covered: Coverage = Counter()
    for number in range(world.seed_count):
        added(covered, visit(world.first_seed + number))
    runs = {name: covered["runs with feature", name] for name in world.features}
    assert all(runs[name] >= least for name, least in world.features.items()), runs
