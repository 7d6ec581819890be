"""Which seeds are run, and what is shown of one that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from simulator import invariants
from simulator.observer import Violation
from simulator.simulation import Simulation

SEED_COUNT = 200
LINES_SHOWN = 40


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `seed` its values: SEED_COUNT of them, times ASSET_SYNC_SOAK."""
    if "seed" in metafunc.fixturenames:
        factor = int(os.environ.get("ASSET_SYNC_SOAK", "1"))
        seeds = range(SEED_COUNT * factor)
        metafunc.parametrize("seed", seeds, ids=[f"seed_{seed}" for seed in seeds])


@dataclass(frozen=True, slots=True)
class Visited:
    """Where a run got to; `takings` are what a Media Lake did with objects."""

    faults: frozenset[str]
    job_statuses: frozenset[str]
    chunk_statuses: frozenset[str]
    outcomes: frozenset[str]
    reasons: frozenset[str]
    takings: frozenset[str]
    redrive_count: int


@pytest.fixture(scope="session")
def visit() -> Callable[[int], Visited]:
    """Say where a seed gets to; each is run once in a session."""

    @cache
    def visited(seed: int) -> Visited:
        sim = _run(seed)
        jobs = list(sim.world.database.jobs)
        lines = [line for job in jobs for line in invariants.outcome_lines(sim, job.job_id)]
        statuses = [status for seen in sim.observer.statuses.values() for status in seen]
        return Visited(
            faults=frozenset(sim.faults.counts),
            job_statuses=frozenset(statuses),
            chunk_statuses=frozenset(sim.observer.chunk_statuses),
            outcomes=frozenset(line["outcome"] for line in lines),
            reasons=frozenset(line["reason"] for line in lines),
            takings=frozenset(sim.services.system.outcomes),
            redrive_count=sum(job.redrive_number for job in jobs),
        )

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
