"""Whole syncs of the same objects, by this service, by the reference pattern, and the limit.

    python bench/syncs.py [--objects 10000] [--reference-objects 2000]

A first sync finds objects without tags and triggers all of them; then the system ingests them, and
a second sync skips all of them. Each sync is a process of its own against the same server in
another process, which counts the requests. CPU time is that of the sync's process, from its first
request to its last, without its start. It does not depend on the number of objects, so the slower
programs get fewer of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from measuring import Server, run_program, serving
from reports import add_output, show
from tables import Table, mib, times

_SERVICE = "whole_sync.py"
_REFERENCE = "peers/reference_pattern.py"
_RAW = "peers/raw_client.py"
_OURS = "this service"

FIRST_COPY = "first sync, copies"
FIRST_QUEUE = "first sync, messages to a queue"
SECOND = "second sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What runs a sync: its script, and its options for each kind of sync that it has."""

    name: str
    script: str
    syncs: dict[str, tuple[str, ...]]
    reference: bool = True


_PROGRAMS = (
    Program(
        name=_OURS,
        script=_SERVICE,
        syncs={FIRST_COPY: (), SECOND: ()},
        reference=False,
    ),
    Program(
        name="this service, verify: catalog",
        script=_SERVICE,
        syncs={FIRST_COPY: (), SECOND: ("--verify", "catalog")},
        reference=False,
    ),
    Program(
        name=_OURS,
        script=_SERVICE,
        syncs={FIRST_QUEUE: ("--trigger", "queue")},
        reference=False,
    ),
    Program(
        name="reference pattern, 40 threads",
        script=_REFERENCE,
        syncs={FIRST_COPY: (), SECOND: ()},
    ),
    Program(
        name="reference pattern, 1 thread",
        script=_REFERENCE,
        syncs={FIRST_COPY: ("--threads", "1"), SECOND: ("--threads", "1")},
    ),
    Program(
        name="reference pattern, 40 threads, without its counters",
        script=_REFERENCE,
        syncs={FIRST_COPY: ("--no-counters",)},
    ),
    Program(
        name="reference pattern, 1 thread, without its counters",
        script=_REFERENCE,
        syncs={FIRST_COPY: ("--no-counters", "--threads", "1")},
    ),
    Program(
        name="reference pattern, 40 threads",
        script=_REFERENCE,
        syncs={FIRST_QUEUE: ("--act", "message")},
    ),
    Program(
        name="reference pattern, 1 thread",
        script=_REFERENCE,
        syncs={FIRST_QUEUE: ("--act", "message", "--threads", "1")},
    ),
    Program(
        name="raw signed client (the limit)",
        script=_RAW,
        syncs={FIRST_COPY: ("first",), SECOND: ("second",)},
    ),
)


def measure(objects: int, reference_objects: int) -> list[dict[str, Any]]:
    """Return what each sync took, with its requests by operation."""
    return [
        run
        for program in _PROGRAMS
        for run in _runs(program, reference_objects if program.reference else objects)
    ]


def _runs(program: Program, count: int) -> Iterator[dict[str, Any]]:
    """Run the program's syncs, one after the other, of a bucket of its own."""
    with serving(count) as server:
        for sync, options in program.syncs.items():
            found = run_program(
                program.script, str(count), *options, *_queue(program, sync, server)
            )
            state = server.ingest()
            yield {
                "sync": sync,
                "program": program.name,
                "objects": count,
                "requests": state["requests"],
                "tagged": state["tagged"],
                **found,
            }


def _queue(program: Program, sync: str, server: Server) -> tuple[str, ...]:
    if program.script == _SERVICE and sync == FIRST_QUEUE:
        return ("--queue-url", server.queue_url)
    return ()


def tables(found: Sequence[dict[str, Any]]) -> list[Table]:
    return [
        table
        for sync in (FIRST_COPY, FIRST_QUEUE, SECOND)
        for table in _tables(sync, [run for run in found if run["sync"] == sync])
    ]


def _tables(sync: str, runs: Sequence[dict[str, Any]]) -> Iterator[Table]:
    # A first sync is the same whatever `verify` is.
    shown = [run for run in runs if sync == SECOND or "verify" not in run["program"]]
    ours = next(_per_object(run) for run in shown if run["program"] == _OURS)
    yield Table(
        title=f"{sync.capitalize()}: CPU time",
        columns=(
            "program",
            "objects",
            "CPU s per 1,000 objects",
            "objects per CPU second",
            "CPU time against ours",
            "objects per second",
            "peak MiB",
        ),
        rows=[
            (
                run["program"],
                f"{run['objects']:,}",
                f"{_per_object(run) * 1_000:.3f}",
                f"{1 / _per_object(run):,.0f}",
                times(_per_object(run) / ours),
                f"{run['objects'] / run['wall_s']:,.0f}",
                mib(run["peak_kib"]),
            )
            for run in shown
        ],
    )
    yield Table(
        title=f"{sync.capitalize()}: requests per 1,000 objects, as the server counted them",
        columns=("program", "sum", "by operation"),
        rows=[
            (run["program"], f"{sum(run['requests'].values()) / run['objects'] * 1_000:,.0f}", text)
            for run in shown
            for text in [_requests(run)]
        ],
        last_is_text=True,
    )


def _per_object(run: dict[str, Any]) -> float:
    return float(run["cpu_s"] / run["objects"])


def _requests(run: dict[str, Any]) -> str:
    """Return the requests that are made for objects, pages or chunks; those of a job are few."""
    counts = {name: count / run["objects"] * 1_000 for name, count in run["requests"].items()}
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    shown = [f"{name} {count:,.0f}" for name, count in ordered if count >= 0.5]
    return ", ".join(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--reference-objects", type=int, default=2_000)
    add_output(parser)
    args = parser.parse_args()
    found = measure(args.objects, args.reference_objects)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
