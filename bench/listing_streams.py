"""Listing by one stream and by eight, with and without latency; the ratios are what counts.

    python bench/listing_streams.py [--rows 1000000] [--latency-ms 100]

Pages come from a bucket in memory. Without latency, the CPU time shows what a stream costs; with
it, the time shows how much of the waiting is saved.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from stages import run_stage

from application.execution.tuning import Tuning

STREAMS = (1, Tuning().listing_streams)


def measure(streams: int, rows: int, latency_s: float) -> dict[str, float]:
    """Return seconds of one listing, and microseconds of CPU time a key."""
    with tempfile.TemporaryDirectory(prefix="asset-sync-bench-") as folder:
        tuning = Tuning(listing_streams=streams)
        before_s = time.process_time()
        seconds = asyncio.run(
            run_stage("listing", rows, Path(folder), tuning=tuning, latency_s=latency_s)
        )
        return {"seconds": seconds, "cpu_us": (time.process_time() - before_s) / rows * 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--latency-ms", type=float, default=100.0, help="of a page")
    parser.add_argument("--output", choices=("human", "json"), default="human")
    args = parser.parse_args()
    found = {
        f"{latency_ms:g} ms": {
            str(streams): measure(streams, args.rows, latency_ms / 1_000) for streams in STREAMS
        }
        for latency_ms in (0.0, args.latency_ms)
    }
    if args.output == "json":
        print(json.dumps(found, indent=2))
        return
    for latency, figures in found.items():
        for streams, figure in figures.items():
            print(
                f"{latency} a page, {streams} streams: {figure['seconds']:.1f} s,"
                f" {figure['cpu_us']:.1f} us CPU a key"
            )


if __name__ == "__main__":
    main()
