"""Where the CPU time of a first and of a second sync goes: by layer, and by call.

    python bench/profile_sync.py [--objects 5000]

Samples are taken by CPU time (bench/sampling.py), which slows the sync by a few percent.
"""

from __future__ import annotations

import argparse
from typing import Any

from reports import add_output, show
from syncs import FIRST_COPY, SECOND, Program, syncs_of
from tables import Table

_PROGRAM = Program(
    name="this service",
    script="whole_sync.py",
    syncs={FIRST_COPY: ("--sample",), SECOND: ("--sample",)},
)


def measure(objects: int) -> list[dict[str, Any]]:
    """Return both syncs, with samples by layer and by call."""
    return list(syncs_of(_PROGRAM, objects))


def tables(found: list[dict[str, Any]]) -> list[Table]:
    return [
        Table(
            title=f"Where the CPU time goes, by {word}: percent of samples",
            columns=(word, *(run["sync"] for run in found)),
            rows=_shares([run[name] for run in found]),
        )
        for name, word in (("layers", "layer"), ("calls", "call"))
    ]


def _shares(counts: list[dict[str, int]]) -> list[tuple[str, ...]]:
    first = counts[0]
    names = sorted(first, key=lambda name: -first[name])
    return [
        (name, *(f"{each.get(name, 0) / sum(each.values()) * 100:.0f}" for each in counts))
        for name in names
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=5_000)
    add_output(parser)
    args = parser.parse_args()
    found = measure(args.objects)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
