"""How many seeds each planted bug needs: `python tests/simulation/support/plant.py`."""

from __future__ import annotations

import sys
import time

from simulator.observer import Violation
from simulator.planted import BUGS, planted
from simulator.simulation import Simulation


def main() -> None:
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for bug in BUGS:
        if only not in bug.name:
            continue
        began = time.perf_counter()
        print(f"{bug.name:60}", end=" ", flush=True)
        with planted(bug):
            for seed in range(500):
                try:
                    Simulation(seed).run()
                except Violation as violation:
                    print(seed + 1, "seeds", f"{time.perf_counter() - began:.1f} s", str(violation)[:150])
                    break
            else:
                print("NOT FOUND", f"{time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
