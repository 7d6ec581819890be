"""Which seeds are run, and what is shown of one that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from simulator.observer import Violation
from simulator.simulation import Simulation

SEED_COUNT = 240
LINES_SHOWN = 40


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `seed` its values: SEED_COUNT of them, times ASSET_SYNC_SOAK."""
    if "seed" in metafunc.fixturenames:
        factor = int(os.environ.get("ASSET_SYNC_SOAK", "1"))
        seeds = range(SEED_COUNT * factor)
        metafunc.parametrize("seed", seeds, ids=[f"seed_{seed}" for seed in seeds])


@pytest.fixture
def simulate() -> Callable[[int], Simulation]:
    """Run one seed; a failure shows the last steps and the command that replays it."""

    def run(seed: int) -> Simulation:
        sim = Simulation(seed)
        try:
            return sim.run()
        except Violation as violation:
            script = Path(__file__).parent / "support" / "simulate.py"
            replay = f".venv/bin/python {script.relative_to(Path.cwd())} {seed} --trace"
            steps = "\n".join(list(sim.trace())[-LINES_SHOWN:])
            faults = ", ".join(f"{kind} {count}" for kind, count in sim.faults.counts.items())
            pytest.fail(
                f"seed {seed}: {violation}\nfaults: {faults or 'none'}\n{steps}\nreplay: {replay}",
                pytrace=False,
            )

    return run
