"""Costs and times as text."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from domain.views import Json
from entrypoints.cli.terminal.output import print_table

_MINUTE_S = 60
_HOUR_S = 3_600


def dollars(text: str) -> str:
    """Return an amount: cents from a dollar on, otherwise as many digits as say something."""
    amount = Decimal(text)
    places = 2 if amount >= 1 else 4 if amount >= Decimal("0.01") else 6
    return f"${amount:,.{places}f}"


def dollars_range(cost: Json) -> str:
    """Return an amount with its range, if there is one."""
    low, high = cost["dollarsLow"], cost["dollarsHigh"]
    around = "" if low == high else f" ({dollars(low)} to {dollars(high)})"
    return f"{dollars(cost['dollars'])}{around}"


def duration(seconds: float) -> str:
    """Return a duration in the largest unit that fits."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


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
