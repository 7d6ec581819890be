"""Costs and times as text."""

from __future__ import annotations

from collections.abc import Iterable

from domain.views import Json
from entrypoints.cli.terminal.output import print_table
from entrypoints.figures import dollars, duration

__all__ = ["dollars", "dollars_range", "duration", "print_lines"]


def dollars_range(cost: Json) -> str:
    """Return an amount with its range, if there is one."""
    low, high = cost["dollarsLow"], cost["dollarsHigh"]
    around = "" if low == high else f" ({dollars(low)} to {dollars(high)})"
    return f"{dollars(cost['dollars'])}{around}"


def print_lines(lines: Iterable[Json]) -> None:
    """Print the lines of a bill, the most expensive first."""
    print_table(
        ("WHERE", "SERVICE", "OPERATION", "REQUESTS", "UNITS", "UNIT", "DOLLARS"),
        (
            (
                line["where"],
                line["service"],
                line["operation"],
                f"{line['requests']:,}",
                f"{line['units']:,.10g}",
                line["unit"],
                dollars(line["dollars"]),
            )
            for line in sorted(lines, key=lambda line: -float(line["dollars"]))
        ),
    )
