"""All benchmarks in one run: tables for people, and build/bench.json for programs.

    make bench                              the short version, some minutes
    make bench ARGS="--full"                up to 1,000,000 objects and 10,000,000 rows; an hour
    make bench ARGS="--objects 1000000"     a first sync of another size
    make bench ARGS="--only listings"       some of them
    make bench ARGS="--write-docs"          also into docs/benchmarks.md
    make bench ARGS="--show build/bench.json"   the tables of the last run again
    make bench ENDPOINT=http://127.0.0.1:8333 ARGS="--only syncs listings --keys 5000"
                                            on another S3 server, whose buckets are written to

- `syncs` (bench/syncs.py): whole syncs, and the reference pattern, and a raw client.
- `scale` (bench/scale.py): this service's syncs by number of objects.
- `snapshots` (bench/snapshots.py): a snapshot of the catalog, and lookups in it.
- `indexes` (bench/indexes.py): the index of a job's outcomes, and lookups in it.
- `profile` (bench/profile_sync.py): where the CPU time of a sync goes.
- `listings` (bench/listings.py): listing, and s5cmd, rclone and boto3.
- `memory` (bench/memory.py): the peaks of listing, splitting and reading reports.
- `calls` (bench/calls.py): the calls that are made for each object, by the SDK and lean.
- `streams` (bench/listing_streams.py): listing in ranges of keys, with latency and without.

What counts are CPU times, their ratios within one run, requests and peaks of memory: wall times
also depend on the other work of the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import calls
import indexes
import listing_streams
import listings
import memory
import profile_sync
import scale
import snapshots
import summary
import syncs
from machine import machine
from measuring import real_endpoint, run_program
from reports import add_output, show
from tables import Table
from written_docs import write_docs

_JSON = ("--output", "json")
_ROOT = Path(__file__).resolve().parents[1]
_JSON_FILE = _ROOT / "build" / "bench.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured; `rows` are sizes whose peaks of memory are compared."""

    compared: int = 1_000
    rounds: int = 2
    objects: tuple[int, ...] = (2_000, 20_000)
    by_tags: tuple[int, ...] = (2_000, 20_000)
    by_catalog: tuple[int, ...] = (20_000, 100_000)
    profiled: int = 5_000
    keys: int = 100_000
    rows: tuple[int, ...] = (10_000, 1_000_000)
    snapshots: tuple[int, ...] = (20_000, 200_000)
    indexed: tuple[int, ...] = (20_000, 200_000)
    calls: int = 2_000
    stream_rows: int = 100_000
    latency_ms: float = 100.0


FULL = Sizes(
    by_catalog=(20_000, 1_000_000),
    keys=1_000_000,
    rows=(10_000, 10_000_000),
    snapshots=(20_000, 1_000_000),
    indexed=(20_000, 1_000_000),
    stream_rows=300_000,
)

_PARTS: dict[str, tuple[Callable[[Sizes], Any], Callable[[Any], list[Table]]]] = {
    "syncs": (lambda size: syncs.measure(size.compared, size.rounds), syncs.tables),
    "scale": (
        lambda size: scale.measure(size.objects, size.by_tags, size.by_catalog),
        scale.tables,
    ),
    "profile": (lambda size: profile_sync.measure(size.profiled), profile_sync.tables),
    "listings": (lambda size: listings.measure(size.keys, size.rounds), listings.tables),
    "snapshots": (lambda size: snapshots.measure(size.snapshots), snapshots.tables),
    "indexes": (lambda size: indexes.measure(size.indexed), indexes.tables),
    "memory": (lambda size: memory.measure(size.rows), memory.tables),
    "calls": (
        lambda size: run_program("calls.py", "--count", str(size.calls), *_JSON),
        calls.tables,
    ),
    "streams": (
        lambda size: run_program(
            "listing_streams.py",
            *("--rows", str(size.stream_rows), "--latency-ms", str(size.latency_ms), *_JSON),
        ),
        listing_streams.tables,
    ),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="all sizes of the long version")
    parser.add_argument("--compared", type=int, help="objects of the syncs that are compared")
    parser.add_argument("--rounds", type=int, help="rounds of syncs and listings")
    parser.add_argument("--objects", nargs="+", type=int, help="sizes of this service's first sync")
    parser.add_argument("--by-tags", nargs="+", type=int, help="sizes of syncs of known objects")
    parser.add_argument("--by-catalog", nargs="+", type=int, help="the same, verify: catalog")
    parser.add_argument("--profiled", type=int, help="objects of the syncs that are profiled")
    parser.add_argument("--keys", type=int, help="keys to list")
    parser.add_argument("--rows", nargs="+", type=int, help="the sizes for memory")
    parser.add_argument("--snapshots", nargs="+", type=int, help="items of catalogs")
    parser.add_argument("--indexed", nargs="+", type=int, help="objects of indexes of outcomes")
    parser.add_argument("--calls", type=int, help="calls of each kind and round")
    parser.add_argument("--stream-rows", type=int, help="keys to list in ranges")
    parser.add_argument("--latency-ms", type=float, help="of a page of a listing in ranges")
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS))
    parser.add_argument("--show", type=Path, help="the JSON of an earlier run; measure nothing")
    parser.add_argument("--write-docs", action="store_true", help="write docs/benchmarks.md")
    add_output(parser)
    return parser


def main() -> None:
    args = _parser().parse_args()
    defaults = asdict(FULL if args.full else Sizes())
    chosen = {name: getattr(args, name) for name in defaults if getattr(args, name) is not None}
    size = Sizes(**{**defaults, **chosen})
    found: dict[str, Any] = {"command": sys.argv[1:], "machine": machine(), "sizes": asdict(size)}
    if args.show is not None:
        found = json.loads(args.show.read_text(encoding="utf-8"))
    else:
        _measure(found, size, args.only, args.output)
    tables = [*summary.tables(found)]
    for part, (_, tables_of) in _PARTS.items():
        if part in found:
            tables += tables_of(found[part])
    if args.write_docs:
        write_docs(_ROOT / "docs" / "benchmarks.md", found["machine"], found["command"], tables)
    show(args.output, found, tables)


def _measure(found: dict[str, Any], size: Sizes, parts: Sequence[str], output: str) -> None:
    """Add what each part measures; tables for people are also kept as JSON, part by part."""
    for part in parts:
        if part in {"scale", "profile"} and real_endpoint() is not None:
            continue
        print(f"Measuring {part} …", file=sys.stderr, flush=True)
        found[part] = _PARTS[part][0](size)
        if output == "human":
            _JSON_FILE.parent.mkdir(exist_ok=True)
            _JSON_FILE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
