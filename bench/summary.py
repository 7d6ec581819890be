"""The few figures that matter most, of whatever a run has measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from syncs import FIRST_COPY, FIRST_QUEUE, SECOND
from tables import Table, mib, times

_OURS = "this service"
_CATALOG = "this service, verify: catalog"
_PATTERNS = {
    "with 40 threads": "reference pattern, 40 threads",
    "with one thread": "reference pattern, 1 thread",
    "as published": "reference pattern as published, 1 thread",
    "without its counters": "reference pattern without its counters, 40 threads",
}
_LIMIT = "raw signed client (the limit)"
_LISTING = "this service, into the manifest"


def tables(found: Mapping[str, Any]) -> list[Table]:
    """Return the table, or none if too little was measured."""
    rows = [
        *(_of_syncs(found["syncs"]) if "syncs" in found else ()),
        *(_of_listings(found["listings"]["runs"]) if "listings" in found else ()),
        *(_of_memory(found["memory"]) if "memory" in found else ()),
    ]
    return [Table(title="In short", columns=("what", "this service"), rows=rows)] if rows else []


def _of_syncs(runs: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    cpu_s = {(run["sync"], run["program"]): run["cpu_s"] / run["objects"] for run in runs}
    for sync in (FIRST_COPY, FIRST_QUEUE, SECOND):
        ours = cpu_s.get((sync, _OURS))
        for words, program in _PATTERNS.items():
            if ours is not None and (other := cpu_s.get((sync, program))) is not None:
                what = f"{sync}: objects per CPU second, against the reference pattern {words}"
                yield what, f"{times(other / ours)} times"
    by_catalog, pattern = (
        cpu_s.get((SECOND, _CATALOG)),
        cpu_s.get((SECOND, _PATTERNS["with 40 threads"])),
    )
    if by_catalog is not None and pattern is not None:
        what = f"{SECOND}, verify: catalog: the same, against the reference pattern with 40 threads"
        yield what, f"{times(pattern / by_catalog)} times"
    ours, limit = cpu_s.get((FIRST_COPY, _OURS)), cpu_s.get((FIRST_COPY, _LIMIT))
    if ours is not None and limit is not None:
        yield f"{FIRST_COPY}: CPU time, against the limit", f"{times(ours / limit)} times"


def _of_listings(runs: Mapping[str, list[dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    cpu_s, wall_s = (
        {name: median(run[part] for run in each) for name, each in runs.items()}
        for part in ("cpu_s", "wall_s")
    )
    for other in runs:
        if other.startswith(_OURS) or other == _LIMIT:
            continue
        by_cpu = times(cpu_s[other] / cpu_s[_LISTING])
        by_clock = times(wall_s[other] / wall_s[_LISTING])
        what = f"listing: keys per CPU second (keys per second), against {other}"
        yield what, f"{by_cpu} ({by_clock}) times"


def _of_memory(runs: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    most = max(run["rows"] for run in runs)
    peak_kib = max(run["peak_kib"] for run in runs if run["rows"] == most)
    what = f"listing, splitting and reading a report of {most:,} rows: highest peak of memory"
    yield what, f"{mib(peak_kib)} MiB"
