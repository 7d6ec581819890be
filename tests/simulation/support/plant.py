"""How many seeds each planted bug needs: `python tests/simulation/support/plant.py [WORDS]`.

With --record, a bug whose seed no longer finds it gets a new one in its entry. A change of the
service or of the simulator changes the runs of all seeds, so rare bugs may need other seeds.
"""

from __future__ import annotations

import argparse
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from simulator import (
    planted,
    planted_connectors,
    planted_holds,
    planted_indexes,
    planted_ingest,
    planted_limits,
    planted_orphans,
    planted_progress,
    planted_removals,
    planted_schedules,
    planted_shares,
    planted_snapshots,
)
from simulator.observer import Violation
from simulator.planted import Bug, first_seed_of
from simulator.simulation import Simulation

SEED_COUNT = 5_000
BUGS = (
    *planted.BUGS,
    *planted_ingest.INGEST_BUGS,
    *planted_progress.PROGRESS_BUGS,
    *planted_connectors.CONNECTOR_BUGS,
    *planted_snapshots.SNAPSHOT_BUGS,
    *planted_shares.SHARE_BUGS,
    *planted_holds.HOLD_BUGS,
    *planted_schedules.SCHEDULE_BUGS,
    *planted_indexes.INDEX_BUGS,
    *planted_removals.REMOVAL_BUGS,
    *planted_orphans.ORPHAN_BUGS,
    *planted_limits.LIMIT_BUGS,
)
MODULES = (
    planted,
    planted_indexes,
    planted_ingest,
    planted_progress,
    planted_connectors,
    planted_snapshots,
    planted_shares,
    planted_holds,
    planted_schedules,
    planted_removals,
    planted_orphans,
    planted_limits,
)
FILES = [Path(module.__file__) for module in MODULES]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only the bugs whose name has these words")
    parser.add_argument("--record", action="store_true", help="replace what is out of date")
    options = parser.parse_args()
    chosen = [bug for bug in BUGS if " ".join(options.words) in bug.name]
    missed = 0
    with ProcessPoolExecutor() as processes:
        searched = processes.map(partial(search, recorded_first=options.record), chosen)
        for bug, found in zip(chosen, searched, strict=True):
            if found is None:
                missed += 1
                sys.stdout.write(f"{bug.name:68} NOT FOUND in {SEED_COUNT} seeds\n")
                continue
            seed, words = found
            sys.stdout.write(f"{bug.name:68} seed {seed}: {words}\n")
            sys.stdout.flush()
            if options.record:
                record(bug, seed)
    return min(missed, 1)


def search(bug: Bug, *, recorded_first: bool) -> tuple[int, str] | None:
    """Return the first seed that finds the bug, and the violated invariant."""
    others = ""
    with planted.planted(bug):
        first = first_seed_of(bug)
        seeds = range(first, first + SEED_COUNT)
        for seed in (*([bug.seed] if recorded_first else []), *seeds):
            try:
                Simulation(seed).run()
            except Violation as violation:
                if violation.name in bug.caught_by:
                    return seed, violation.name + others
                others += f"; before it, seed {seed}: {violation.name} (not expected)"
    return None


def record(bug: Bug, seed: int) -> None:
    """Write the seed into the bug's entry, which has it after the name."""
    entry = re.compile(rf'(\n {{8}}"{re.escape(bug.name)}",\n {{8}})[\d_]+(,\n)')
    for file in FILES:
        source = file.read_text()
        file.write_text(entry.sub(rf"\g<1>{seed:_}\g<2>", source))


if __name__ == "__main__":
    sys.exit(main())
