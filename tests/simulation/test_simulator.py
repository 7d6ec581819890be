"""The simulator itself: it is deterministic, and it finds bugs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from simulator.observer import Violation
from simulator.planted import BUGS, Bug, first_seed_of, planted
from simulator.planted_connectors import CONNECTOR_BUGS
from simulator.planted_holds import HOLD_BUGS
from simulator.planted_indexes import INDEX_BUGS
from simulator.planted_ingest import INGEST_BUGS
from simulator.planted_limits import LIMIT_BUGS
from simulator.planted_orphans import ORPHAN_BUGS
from simulator.planted_progress import PROGRESS_BUGS
from simulator.planted_removals import REMOVAL_BUGS
from simulator.planted_schedules import SCHEDULE_BUGS
from simulator.planted_shares import SHARE_BUGS
from simulator.planted_snapshots import SNAPSHOT_BUGS
from simulator.simulation import Simulation

SCRIPT = Path(__file__).parent / "support" / "simulate.py"
REPLANT = os.path.relpath(SCRIPT.with_name("plant.py"))
SEARCHED_SEEDS = 100


@pytest.mark.parametrize("number", [3, 11, 52])
def test_the_same_seed_is_the_same_run(number: int, simulate: Callable[[int], Simulation]) -> None:
    assert simulate(number).digest() == simulate(number).digest()


def test_another_seed_is_another_run(simulate: Callable[[int], Simulation]) -> None:
    assert simulate(3).digest() != simulate(4).digest()


def test_a_run_does_not_depend_on_the_interpreter_it_is_in() -> None:
    """Hashes of strings differ between processes, so an order that depends on a set is found."""

    def digest(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, str(SCRIPT), "7", "--trace"]
        printed = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        return next(line for line in printed.stdout.splitlines() if "digest" in line)

    assert digest("1") == digest("2")


@pytest.mark.slow
@pytest.mark.parametrize(
    "bug",
    [
        *BUGS,
        *INGEST_BUGS,
        *PROGRESS_BUGS,
        *CONNECTOR_BUGS,
        *SNAPSHOT_BUGS,
        *SHARE_BUGS,
        *HOLD_BUGS,
        *SCHEDULE_BUGS,
        *INDEX_BUGS,
        *REMOVAL_BUGS,
        *ORPHAN_BUGS,
        *LIMIT_BUGS,
    ],
    ids=lambda bug: bug.name.replace(" ", "_"),
)
def test_it_finds_planted_bugs(bug: Bug) -> None:
    """By the recorded seed; a rare bug may need another one after any change."""
    with planted(bug):
        first = first_seed_of(bug)
        for number in (bug.seed, *range(first, first + SEARCHED_SEEDS)):
            try:
                Simulation(number).run()
            except Violation as violation:
                found = violation
                break
        else:
            pytest.fail(
                f"neither seed {bug.seed} nor the first {SEARCHED_SEEDS} find it; search, "
                f'and record one: .venv/bin/python {REPLANT} --record "{bug.name}"',
                pytrace=False,
            )
    assert found.name in bug.caught_by, str(found)
