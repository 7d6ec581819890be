"""How many seeds each planted bug needs: `python tests/simulation/support/plant.py [WORDS]`."""

from __future__ import annotations

import sys
import time

from simulator.observer import Violation
from simulator.planted import BUGS, Bug, planted
from simulator.planted_ingest import INGEST_BUGS
from simulator.simulation import Simulation

SEED_COUNT = 1_000


def main() -> None:
    words = " ".join(sys.argv[1:])
    for bug in (*BUGS, *INGEST_BUGS):
        if words in bug.name:
            began = time.perf_counter()
            found = search(bug)
            spent_s = time.perf_counter() - began
            sys.stdout.write(f"{bug.name:68} {found}, {spent_s:.1f} s\n")


def search(bug: Bug) -> str:
    """Say which seed finds the bug first, and by which invariant."""
    with planted(bug):
        for seed in range(SEED_COUNT):
            try:
                Simulation(seed).run()
            except Violation as violation:
                expected = "" if violation.name in bug.caught_by else " (not expected)"
                return f"seed {seed}: {violation.name}{expected}"
    return "NOT FOUND"


if __name__ == "__main__":
    main()
