"""All invariants hold in runs in which orphans are searched; they have seeds of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from simulator.observer import Violation
from simulator.planted import Bug, bug, planted
from simulator.searching import FIRST_SEED
from simulator.simulation import Simulation

SEEDS = range(FIRST_SEED, FIRST_SEED + 40)
BUGS = (
    bug(
        "reporting what exists",
        FIRST_SEED,
        "application.engine.check_orphans:CheckOrphans._orphans_of",
        "if row.key not in found",
        "if row",
        "only_what_is_gone_is_reported",
    ),
)


def test_invariants_hold_and_orphans_are_found(simulate: Callable[[int], Simulation]) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        for job in simulate(seed).world.database.jobs:
            if job.orphans is not None:
                seen[job.orphans.status.value] += 1
                seen["existing"] += job.orphans.counts.existing
                seen["orphans"] += job.orphans.counts.orphans
    assert min(seen[name] for name in ("DONE", "existing", "orphans")) > 0, seen


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_it_finds_planted_bugs(bug: Bug) -> None:
    with planted(bug):
        for seed in (bug.seed, *SEEDS):
            try:
                Simulation(seed).run()
            except Violation as violation:
                if violation.name in bug.caught_by:
                    return
    pytest.fail(f"no seed finds: {bug.name}")
