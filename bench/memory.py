"""Memory of what goes over every object: listing, splitting, reading reports.

    python bench/memory.py [--rows 10000 1000000]

Each stage runs at each size, in processes of its own. The bucket is not there, and the files are
on disk, so only this service's memory counts, with the records of jobs and chunks, which are in
memory here. What counts is the ratio of the peaks: memory must not grow with the rows.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from typing import Any

from measuring import run_program
from reports import add_output, show
from tables import Table, mib, times

_RUNS = {
    "listing into chunks, up to 8 ranges": ("chunks", ()),
    "listing into chunks, 1 range": ("chunks", ("--streams", "1")),
    "listing into a manifest, up to 8 ranges": ("manifest", ()),
    "reading a report, and splitting it": ("report", ()),
}


def measure(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Return what each stage took at each size."""
    found = []
    for name, (stage, options) in _RUNS.items():
        for rows in sizes:
            with tempfile.TemporaryDirectory(prefix="asset-sync-bench-") as folder:
                usage = run_program("stages.py", stage, str(rows), folder, *options)
            found.append({"stage": name, "rows": rows, **usage})
    return found


def tables(found: Sequence[dict[str, Any]]) -> list[Table]:
    fewest = min(run["rows"] for run in found)
    base = {run["stage"]: run["peak_kib"] for run in found if run["rows"] == fewest}
    rows = [
        (
            run["stage"],
            f"{run['rows']:,}",
            f"{run['rows'] / run['cpu_s']:,.0f}",
            mib(run["peak_kib"]),
            times(run["peak_kib"] / base[run["stage"]]),
        )
        for run in found
    ]
    return [
        Table(
            title="Memory",
            columns=(
                "stage",
                "rows",
                "rows per CPU second",
                "peak MiB",
                f"against {fewest:,} rows",
            ),
            rows=rows,
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", type=int, default=(10_000, 1_000_000))
    add_output(parser)
    args = parser.parse_args()
    found = measure(args.rows)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
