"""All invariants hold in runs whose connectors compare their syncs; they have own seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from simulator.observer import Violation
from simulator.planted import Bug, planted
from simulator.planted_removals import REMOVAL_BUGS
from simulator.removing import FIRST_SEED
from simulator.simulation import Simulation

SEEDS = range(FIRST_SEED, FIRST_SEED + 60)


def test_invariants_hold_and_removals_are_announced_and_stopped(
    simulate: Callable[[int], Simulation],
) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        sim = simulate(seed)
        jobs = [job for job in sim.world.database.jobs if job.removals is not None]
        seen.update(job.removals.status.value for job in jobs if job.removals)
        seen["announced"] += len(sim.world.ports.bus.removals)
    assert min(seen[name] for name in ("DONE", "STOPPED", "announced")) > 0, seen


@pytest.mark.slow
@pytest.mark.parametrize("bug", REMOVAL_BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_it_finds_planted_bugs(bug: Bug) -> None:
    with planted(bug):
        for seed in (bug.seed, *SEEDS):
            try:
                Simulation(seed).run()
            except Violation as violation:
                if violation.name in bug.caught_by:
                    return
    pytest.fail(f"no seed finds: {bug.name}")
