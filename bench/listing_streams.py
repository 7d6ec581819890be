"""Listing by one stream and by eight, with and without latency; the ratios are what counts.

    python bench/listing_streams.py [--rows 1000000] [--latency-ms 100]

Pages come from a bucket in memory. Without latency, the CPU time shows what a stream costs; with
it, the time shows how much of the waiting is saved.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reports import add_output, show
from stages import run_stage
from tables import Table, seconds

from application.execution.tuning import Tuning

STREAMS = (1, Tuning().listing_streams)


def measure(rows: int, latency_ms: float) -> list[dict[str, Any]]:
    """Return what listings took, without latency and with it, by one stream and by all."""
    found = []
    for latency in (0.0, latency_ms):
        for streams in STREAMS:
            with tempfile.TemporaryDirectory(prefix="asset-sync-bench-") as folder:
                tuning = Tuning(listing_streams=streams)
                usage = asyncio.run(
                    run_stage(
                        "manifest", rows, Path(folder), tuning=tuning, latency_s=latency / 1_000
                    )
                )
            found.append({"latency_ms": latency, "streams": streams, "rows": rows, **asdict(usage)})
    return found


def tables(found: list[dict[str, Any]]) -> list[Table]:
    rows = [
        (
            f"{run['latency_ms']:g} ms",
            str(run["streams"]),
            seconds(run["wall_s"]),
            f"{run['cpu_s'] / run['rows'] * 1e6:.1f}",
        )
        for run in found
    ]
    return [
        Table(
            title=f"Listing {found[0]['rows']:,} keys of a bucket in memory, in ranges of its keys",
            columns=("latency of a page", "ranges at once, at most", "seconds", "CPU µs a key"),
            rows=rows,
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--latency-ms", type=float, default=100.0, help="of a page")
    add_output(parser)
    args = parser.parse_args()
    found = measure(args.rows, args.latency_ms)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
