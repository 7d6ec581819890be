"""The seeds of a run, and the report of a failed one."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from simulator.coverage import Coverage, coverage_of
from simulator.observer import Violation
from simulator.schedulers import FIRST_SEED
from simulator.simulation import Simulation

SEED_COUNT = 200
SCHEDULE_SEED_COUNT = 60
LINES_SHOWN = 40


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `seed` its values: SEED_COUNT of them, times ASSET_SYNC_SOAK."""
    factor = int(os.environ.get("ASSET_SYNC_SOAK", "1"))
    if "schedule_seed" in metafunc.fixturenames:
        seeds = range(FIRST_SEED, FIRST_SEED + SCHEDULE_SEED_COUNT * factor)
        metafunc.parametrize("schedule_seed", seeds, ids=[f"seed_{seed}" for seed in seeds])
    if "seed" in metafunc.fixturenames:
        seeds = range(SEED_COUNT * factor)
        metafunc.parametrize("seed", seeds, ids=[f"seed_{seed}" for seed in seeds])


@pytest.fixture(scope="session")
def visit() -> Callable[[int], Coverage]:
    """Return what a seed covers; each seed is run once in a session."""

    @cache
    def visited(seed: int) -> Coverage:
        return coverage_of(_run(seed))

    return visited


@pytest.fixture
def simulate() -> Callable[[int], Simulation]:
    """Run a seed."""
    return _run


def _run(seed: int) -> Simulation:
    """Run one seed; a failure shows the last steps and the command that replays it."""
    sim = Simulation(seed)
    try:
        return sim.run()
    except Violation as violation:
        script = Path(__file__).parent / "support" / "simulate.py"
        replay = f".venv/bin/python {os.path.relpath(script)} {seed} --trace"
        steps = "\n".join(list(sim.trace())[-LINES_SHOWN:])
        faults = ", ".join(f"{kind} {count}" for kind, count in sim.faults.counts.items())
        pytest.fail(
            f"seed {seed}: {violation}\nfaults: {faults or 'none'}\n{steps}\nreplay: {replay}",
            pytrace=False,
        )
