"""Run one seed, or a range of them: `python tests/simulation/support/simulate.py 1234 --trace`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from simulator.observer import Violation
from simulator.simulation import Simulation

SEEDS_AT_ONCE = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--count", type=int, default=1, help="run that many seeds, from this on")
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    options = parser.parse_args()
    began = time.perf_counter()
    seeds = range(options.seed, options.seed + options.count)
    failed = 0
    with ProcessPoolExecutor() as processes:
        run = partial(simulate, trace=options.trace)
        for holds, report in processes.map(run, seeds, chunksize=SEEDS_AT_ONCE):
            failed += not holds
            sys.stdout.write(report)
    rate = options.count / (time.perf_counter() - began)
    sys.stdout.write(f"{options.count} seeds, {failed} failed, {rate:.1f} seeds a second\n")
    return min(failed, 1)


def simulate(seed: int, *, trace: bool) -> tuple[bool, str]:
    """Run one seed; return whether all held, and what is to be printed."""
    sim = Simulation(seed)
    lines: list[str] = []
    broken: Violation | None = None
    try:
        sim.run()
    except Violation as violation:
        broken = violation
        lines.append(f"seed {seed}: {violation}")
        if violation.__cause__ is not None:
            lines.append("".join(traceback.format_exception(violation.__cause__)).rstrip())
    if trace:
        lines += sim.trace()
        lines.append(f"steps {sim.step_count}, faults {sim.faults.counts}, digest {sim.digest()}")
    return broken is None, "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
