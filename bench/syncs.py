"""Whole syncs of the same objects, by this service, by the reference pattern, and the limit.

    python bench/syncs.py [--objects 1000] [--rounds 2]

A first sync finds objects without tags and triggers all of them. Then the system ingests them, and
a second sync skips all of them. Each sync is a process of its own against a server in another
process, which counts the requests. CPU time is that of the sync's process, from its first request
to its last. The rounds take turns between the programs; a figure is the median of its rounds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from measuring import real_endpoint, run_program, serving
from reports import add_output, show
from tables import Table, mib, times

FIRST_COPY = "first sync, copies"
FIRST_QUEUE = "first sync, messages to a queue"
SECOND = "second sync"

_SERVICE = "whole_sync.py"
_REFERENCE = "peers/reference_pattern.py"
_RAW = "peers/raw_client.py"
_OURS = "this service"
_QUEUE = ("--trigger", "queue")
_PUBLISHED = ("--resources", "--threads", "1")
_ONE = ("--threads", "1")
_MESSAGE = ("--act", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs syncs of one bucket, one after the other, each with options of its own.

    `synced`: the objects are tagged, and ingested, before.
    """

    name: str
    script: str
    syncs: dict[str, tuple[str, ...]]
    synced: bool = False


_PROGRAMS = (
    Program(name=_OURS, script=_SERVICE, syncs={FIRST_COPY: (), SECOND: ()}),
    Program(
        name="this service, verify: catalog",
        script=_SERVICE,
        syncs={SECOND: ("--verify", "catalog")},
        synced=True,
    ),
    Program(
        name="reference pattern as published, 1 thread",
        script=_REFERENCE,
        syncs={FIRST_COPY: _PUBLISHED, SECOND: _PUBLISHED},
    ),
    Program(
        name="reference pattern, 40 threads",
        script=_REFERENCE,
        syncs={FIRST_COPY: (), SECOND: ()},
    ),
    Program(
        name="reference pattern, 1 thread",
        script=_REFERENCE,
        syncs={FIRST_COPY: _ONE, SECOND: _ONE},
    ),
    Program(
        name="reference pattern without its counters, 40 threads",
        script=_REFERENCE,
        syncs={FIRST_COPY: ("--no-counters",)},
    ),
    Program(
        name="reference pattern without its counters, 1 thread",
        script=_REFERENCE,
        syncs={FIRST_COPY: ("--no-counters", *_ONE)},
    ),
    Program(
        name="raw signed client (the limit)",
        script=_RAW,
        syncs={FIRST_COPY: ("first",), SECOND: ("second",)},
    ),
    Program(name=_OURS, script=_SERVICE, syncs={FIRST_QUEUE: _QUEUE}),
    Program(
        name="reference pattern as published, 1 thread",
        script=_REFERENCE,
        syncs={FIRST_QUEUE: (*_MESSAGE, *_PUBLISHED)},
    ),
    Program(
        name="reference pattern, 40 threads",
        script=_REFERENCE,
        syncs={FIRST_QUEUE: _MESSAGE},
    ),
    Program(
        name="reference pattern, 1 thread",
        script=_REFERENCE,
        syncs={FIRST_QUEUE: (*_MESSAGE, *_ONE)},
    ),
)


def measure(objects: int, rounds: int) -> list[dict[str, Any]]:
    """Return each sync with its requests by operation, and what it took in each round."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for _ in range(rounds):
        for program in _PROGRAMS:
            for run in syncs_of(program, objects):
                found.setdefault((run["sync"], run["program"]), []).append(run)
    return [_merged(runs) for runs in found.values()]


def syncs_of(program: Program, count: int) -> Iterator[dict[str, Any]]:
    """Run a program's syncs of a bucket of its own; yields each with its requests."""
    syncs = program.syncs
    if real_endpoint() is not None:
        # Not every server lets this service see that a copy keeps the object's ACL, and our catalog
        # does not know the tags there.
        syncs = {sync: options for sync, options in syncs.items() if sync == FIRST_QUEUE}
    if not syncs:
        return
    with serving(count, synced=program.synced) as server:
        for sync, options in syncs.items():
            queue = ("--queue-url", server.queue_url) if options == _QUEUE else ()
            found = run_program(program.script, str(count), *options, *queue)
            state = server.ingest()
            yield {
                "sync": sync,
                "program": program.name,
                "objects": count,
                "requests": state["requests"],
                "tagged": state["tagged"],
                **found,
            }


def _merged(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one entry of several rounds, with medians; the CPU times of all are kept."""
    medians = {name: median(run[name] for run in runs) for name in ("cpu_s", "wall_s", "peak_kib")}
    return {**runs[0], **medians, "rounds_cpu_s": [run["cpu_s"] for run in runs]}


def tables(found: Sequence[dict[str, Any]]) -> list[Table]:
    by_sync = {
        sync: [run for run in found if run["sync"] == sync]
        for sync in (FIRST_COPY, FIRST_QUEUE, SECOND)
    }
    return [table for sync, runs in by_sync.items() if runs for table in _tables(sync, runs)]


def _tables(sync: str, runs: Sequence[dict[str, Any]]) -> Iterator[Table]:
    ours = next(_per_object(run) for run in runs if run["program"] == _OURS)
    yield Table(
        title=f"{sync.capitalize()}: CPU time",
        columns=(
            "program",
            "CPU s per 1,000 objects",
            "of all rounds",
            "objects per CPU second",
            "CPU time against ours",
            "objects per second",
            "peak MiB",
        ),
        rows=[
            (
                run["program"],
                f"{_per_object(run) * 1_000:.3f}",
                _spread(run),
                f"{1 / _per_object(run):,.0f}",
                times(_per_object(run) / ours),
                f"{run['objects'] / run['wall_s']:,.0f}",
                mib(run["peak_kib"]),
            )
            for run in runs
        ],
    )
    yield Table(
        title=f"{sync.capitalize()}: requests per 1,000 objects, as the server counted them",
        columns=("program", "sum", "by operation"),
        rows=[
            (run["program"], f"{sum(run['requests'].values()) / run['objects'] * 1_000:,.0f}", text)
            for run in runs
            for text in [_requests(run)]
        ],
        last_is_text=True,
    )


def _per_object(run: dict[str, Any]) -> float:
    return float(run["cpu_s"] / run["objects"])


def _spread(run: dict[str, Any]) -> str:
    least, most = (
        f"{each / run['objects'] * 1_000:.3f}"
        for each in (min(run["rounds_cpu_s"]), max(run["rounds_cpu_s"]))
    )
    return f"{least} to {most}"


def _requests(run: dict[str, Any]) -> str:
    """Return the requests that are made for objects, pages or chunks; those of a job are few."""
    counts = {name: count / run["objects"] * 1_000 for name, count in run["requests"].items()}
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    shown = [f"{name} {count:,.0f}" for name, count in ordered if count >= 0.5]
    return ", ".join(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=2)
    add_output(parser)
    args = parser.parse_args()
    found = measure(args.objects, args.rounds)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
