"""Costs and times as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from domain.views import Json
from entrypoints.cli.terminal.output import print_table
from entrypoints.figures import dollars, duration, plural

__all__ = ["dollars", "dollars_range", "duration", "print_lines"]

_REST_SHARE: Final = Decimal("0.01")


def dollars_range(cost: Json) -> str:
    """Return an amount with its range, if there is one."""
    low, high = cost["dollarsLow"], cost["dollarsHigh"]
    around = "" if low == high else f" ({dollars(low)} to {dollars(high)})"
    return f"{dollars(cost['dollars'])}{around}"


def print_lines(lines: Iterable[Json], *, every: bool) -> None:
    """Print the lines of a bill, the most expensive first.

    Unless `every` is set, the cheapest ones, which are a hundredth of the bill together, are one
    line.
    """
    ordered = sorted(lines, key=lambda line: -Decimal(line["dollars"]))
    shown = ordered if every else _most(ordered)
    rest = ordered[len(shown) :]
    rows = [
        (
            line["where"],
            line["service"],
            line["operation"],
            f"{line['requests']:,}",
            f"{line['units']:,.10g}",
            line["unit"],
            dollars(line["dollars"]),
        )
        for line in shown
    ]
    if rest:
        requests, amount = sum(line["requests"] for line in rest), _sum(rest)
        what = f"{plural(len(rest), 'operation')} more: --details"
        rows.append((what, "", "", f"{requests:,}", "", "", dollars(str(amount))))
    print_table(("WHERE", "SERVICE", "OPERATION", "REQUESTS", "UNITS", "UNIT", "DOLLARS"), rows)


def _most(ordered: Sequence[Json]) -> Sequence[Json]:
    left, allowed = _sum(ordered), _sum(ordered) * _REST_SHARE
    # A single line is as short as what would stand for it.
    for number, line in enumerate(ordered[:-1]):
        if left <= allowed and number:
            return ordered[:number]
        left -= Decimal(line["dollars"])
    return ordered


def _sum(lines: Iterable[Json]) -> Decimal:
    return sum((Decimal(line["dollars"]) for line in lines), Decimal(0))
