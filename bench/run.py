"""Memory and speed of what goes over every object: listing, splitting, reports, calls of S3.

Each stage runs at 10,000 and at 1,000,000 rows, in processes of its own. What counts is the ratio
of the two peaks in one run: memory must not grow with the number of rows. The calls are made by the
SDK and as lean calls (bench/calls.py); what counts is the ratio of their CPU times. A listing is
made by one stream and by eight, with and without latency (bench/listing_streams.py).

    make bench
    make bench ARGS="--rows 10000 100000 --output json"
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

_HERE = Path(__file__).parent
STAGES = ("listing", "splitting", "report")


def measure(stage: str, rows: int) -> dict[str, float]:
    """Run one stage in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="asset-sync-bench-") as folder:
        found: dict[str, float] = _run("stages.py", stage, str(rows), folder)
    return found


def calls(*options: str) -> dict[str, list[float]]:
    """Return CPU milliseconds a call, for each kind of call and round."""
    found: dict[str, list[float]] = _run("calls.py", "--output", "json", *options)
    return found


def streams(*options: str) -> dict[str, dict[str, dict[str, float]]]:
    """Return seconds and CPU microseconds a key, by latency and number of streams."""
    found: dict[str, dict[str, dict[str, float]]] = _run(
        "listing_streams.py", "--output", "json", *options
    )
    return found


def _run(script: str, *arguments: str) -> Any:
    """Run a script of this folder in a process of its own, and return its JSON."""
    ran = subprocess.run(
        [sys.executable, str(_HERE / script), *arguments],
        env={**os.environ, "PYTHONPATH": f"{_HERE.parent / 'src'}:{_HERE}"},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(ran.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs=2, type=int, default=(10_000, 1_000_000))
    parser.add_argument("--calls", type=int, default=2_000, help="calls of each kind and round")
    parser.add_argument("--latency-ms", type=float, default=100.0, help="of a page of a listing")
    parser.add_argument("--output", choices=("human", "json"), default="human")
    args = parser.parse_args()
    few, many = args.rows
    found = {stage: {str(rows): measure(stage, rows) for rows in (few, many)} for stage in STAGES}
    count = ("--count", str(args.calls))
    lean, sdk = calls(*count), calls(*count, "--sdk")
    listed = streams("--rows", str(many), "--latency-ms", str(args.latency_ms))
    if args.output == "json":
        both = {"lean": lean, "sdk": sdk}
        print(json.dumps({**found, "calls": both, "streams": listed}, indent=2))
        return
    print(f"{'stage':<10} {'rows':>10} {'rows/s':>10} {'peak MiB':>9}   peak against {few:,} rows")
    for stage, sizes in found.items():
        base = sizes[str(few)]["peak_kib"]
        for rows, figures in sizes.items():
            rate = int(rows) / figures["seconds"]
            peak, ratio = figures["peak_kib"], figures["peak_kib"] / base
            print(f"{stage:<10} {int(rows):>10,} {rate:>10,.0f} {peak / 1024:>9.1f}   {ratio:.2f}")
    print(f"\n{'call':<16} {'SDK, CPU ms':>12} {'lean, CPU ms':>12}   SDK against lean")
    for name, times in lean.items():
        by_sdk, by_lean = median(sdk[name]), median(times)
        print(f"{name:<16} {by_sdk:>12.2f} {by_lean:>12.2f}   {by_sdk / by_lean:.2f}")
    print(f"\n{'latency of a page':<18} {'streams':>7} {'seconds':>8} {'CPU us a key':>13}")
    for latency, figures_of in listed.items():
        for stream_count, figures in figures_of.items():
            seconds, cpu_us = figures["seconds"], figures["cpu_us"]
            print(f"{latency:<18} {stream_count:>7} {seconds:>8.1f} {cpu_us:>13.1f}")


if __name__ == "__main__":
    main()
