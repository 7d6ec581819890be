"""Run one seed, or a range of them: `python tests/simulation/support/simulate.py 1234 --trace`.

Their coverage is printed at the end. With --add-to FILE it is added to that of earlier calls, so
that many calls make one long run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from simulator.coverage import Coverage, added, coverage_of, described
from simulator.observer import Violation
from simulator.simulation import Simulation

SEEDS_AT_ONCE = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--count", type=int, default=1, help="run that many seeds, from this on")
    parser.add_argument(
        "--jobs", type=int, help="processes; as many as there are cores if left out"
    )
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    parser.add_argument("--add-to", type=Path, metavar="FILE", help="sum the coverage up in a file")
    options = parser.parse_args()
    began = time.perf_counter()
    seeds = range(options.seed, options.seed + options.count)
    failed = 0
    covered: Coverage = Counter()
    with ProcessPoolExecutor(options.jobs) as processes:
        run = partial(simulate, trace=options.trace)
        for holds, report, coverage in processes.map(run, seeds, chunksize=SEEDS_AT_ONCE):
            failed += not holds
            added(covered, coverage)
            sys.stdout.write(report)
    rate = options.count / (time.perf_counter() - began)
    if options.add_to is not None:
        covered = add_to(options.add_to, covered)
    sys.stdout.write(described(covered))
    sys.stdout.write(f"{options.count} seeds, {failed} failed, {rate:.1f} seeds a second\n")
    return min(failed, 1)


def simulate(seed: int, *, trace: bool) -> tuple[bool, str, Coverage]:
    """Run one seed; return whether all held, what is to be printed, and what it covered."""
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
    counts = coverage_of(sim)
    counts["in all", "runs that failed"] = int(broken is not None)
    return broken is None, "".join(f"{line}\n" for line in lines), counts


def add_to(file: Path, counts: Coverage) -> Coverage:
    """Add counts to those in a file; return the sums."""
    sums: Coverage = Counter()
    if file.exists():
        for group, name, count in json.loads(file.read_text()):
            sums[group, name] = count
    added(sums, counts)
    file.write_text(json.dumps([(*name, count) for name, count in sums.items()]))
    return sums


if __name__ == "__main__":
    sys.exit(main())
