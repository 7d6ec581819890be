"""Run one seed, or a range of them: `python tests/simulation/support/simulate.py 1234 --trace`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from simulator.observer import Violation
from simulator.simulation import Simulation


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--count", type=int, default=1, help="run that many seeds, from this on")
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    options = parser.parse_args()
    failed = 0
    began = time.perf_counter()
    for seed in range(options.seed, options.seed + options.count):
        sim = Simulation(seed)
        try:
            sim.run()
        except Violation as violation:
            failed += 1
            tell(f"seed {seed}: {violation}")
            if violation.__cause__ is not None:
                traceback.print_exception(violation.__cause__)
        if options.trace:
            for line in sim.trace():
                tell(line)
            tell(f"steps {sim.step_count}, faults {sim.faults.counts}, digest {sim.digest()}")
    rate = options.count / (time.perf_counter() - began)
    tell(f"{options.count} seeds, {failed} failed, {rate:.1f} seeds a second")
    return min(failed, 1)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
