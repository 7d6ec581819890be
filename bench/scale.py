"""This service's syncs by number of objects: CPU time per object and memory must not depend on it.

    python bench/scale.py [--objects 2000 20000] [--by-tags 2000 20000] [--by-catalog 20000 100000]

`--objects` are the sizes of a first sync, which writes each object; the others those of syncs of
objects that the system has, for both settings of `verify`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from reports import add_output, show
from syncs import FIRST_COPY, SECOND, Program, syncs_of
from tables import Table, mib

_SCRIPT = "whole_sync.py"
_FIRST = Program(name="first sync, copies", script=_SCRIPT, syncs={FIRST_COPY: ()})
_BY_TAGS = Program(
    name="known objects, verify: tags", script=_SCRIPT, syncs={SECOND: ()}, synced=True
)
_BY_CATALOG = Program(
    name="known objects, verify: catalog",
    script=_SCRIPT,
    syncs={SECOND: ("--verify", "catalog")},
    synced=True,
)


_TOGETHER = Program(
    name="known objects, processed while they are listed",
    script=_SCRIPT,
    syncs={SECOND: ("--verify", "catalog", "--together")},
    synced=True,
)


def measure(
    objects: Sequence[int], by_tags: Sequence[int], by_catalog: Sequence[int]
) -> list[dict[str, Any]]:
    """Return what each sync took, with its requests by operation."""
    sizes = (
        *((_FIRST, objects), (_BY_TAGS, by_tags), (_BY_CATALOG, by_catalog)),
        (_TOGETHER, by_catalog[-1:]),
    )
    return [
        run for program, counts in sizes for count in counts for run in syncs_of(program, count)
    ]


def tables(found: Sequence[dict[str, Any]]) -> list[Table]:
    rows = [
        (
            run["program"],
            f"{run['objects']:,}",
            f"{run['cpu_s'] / run['objects'] * 1_000:.3f}",
            f"{run['engine_cpu_s'] / run['cpu_s'] * 100:.0f} %" if "engine_cpu_s" in run else "",
            f"{run['objects'] / run['cpu_s']:,.0f}",
            f"{sum(run['requests'].values()) / run['objects'] * 1_000:,.0f}",
            mib(run["peak_kib"]),
        )
        for run in found
    ]
    together = [
        (
            f"{run['objects']:,}",
            f"{run['first_settled_s']:.2f}" if "first_settled_s" in run else "",
            f"{run['listed_s']:.1f}",
            f"{run['settled_when_listed']:,}",
            f"{run['wall_s']:.1f}",
            mib(run["peak_kib"]),
        )
        for run in found
        if "listed_s" in run
    ]
    return [
        Table(
            title="Processing while listing: one process, known objects, verify: catalog",
            columns=(
                *("objects", "first chunk settled after s", "all listed after s"),
                *("objects settled by then", "job ended after s", "peak MiB"),
            ),
            rows=together,
        ),
        Table(
            title="This service by number of objects",
            columns=(
                *("sync", "objects", "CPU s per 1,000 objects", "of it listing and splitting"),
                *("objects per CPU second", "requests per 1,000 objects", "peak MiB"),
            ),
            rows=rows,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", nargs="+", type=int, default=(2_000, 20_000))
    parser.add_argument("--by-tags", nargs="+", type=int, default=(2_000, 20_000))
    parser.add_argument("--by-catalog", nargs="+", type=int, default=(20_000, 100_000))
    add_output(parser)
    args = parser.parse_args()
    found = measure(args.objects, args.by_tags, args.by_catalog)
    show(args.output, found, tables(found))


if __name__ == "__main__":
    main()
