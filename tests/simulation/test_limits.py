"""All invariants hold in runs whose connectors have limits; they have seeds of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from simulator.limiting import FIRST_SEED
from simulator.observer import Violation
from simulator.planted import Bug, planted
from simulator.planted_limits import LIMIT_BUGS
from simulator.simulation import Simulation

SEEDS = range(FIRST_SEED, FIRST_SEED + 60)


def test_invariants_hold_and_limits_are_reached_and_edited(
    simulate: Callable[[int], Simulation],
) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        sim = simulate(seed)
        seen["edits"] += sim.observer.limits.edits
        seen["more than one worker"] += sim.observer.limits.most > 1
        seen["parked"] += sim.observer.holds.parked_count
    assert min(seen[name] for name in ("edits", "more than one worker", "parked")) > 0, seen


@pytest.mark.slow
@pytest.mark.parametrize("bug", LIMIT_BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_it_finds_planted_bugs(bug: Bug) -> None:
    with planted(bug):
        for seed in (bug.seed, *SEEDS):
            try:
                Simulation(seed).run()
            except Violation as violation:
                if violation.name in bug.caught_by:
                    return
    pytest.fail(f"no seed finds: {bug.name}")
