"""How amounts and durations are shown to users, in the terminal and in the console."""

from __future__ import annotations

from decimal import Decimal

_MINUTE_S = 60
_HOUR_S = 3_600


def dollars(text: str) -> str:
    """Return an amount: cents from a dollar on, otherwise as many digits as say something."""
    amount = Decimal(text)
    places = 2 if amount >= 1 else 4 if amount >= Decimal("0.01") else 6
    return f"${amount:,.{places}f}"


def duration(seconds: float) -> str:
    """Return a duration in the largest unit that fits."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def plural(number: int, singular: str, more: str = "") -> str:
    """Return a count with its noun."""
    return f"{number:,} {singular if number == 1 else more or singular + 's'}"
