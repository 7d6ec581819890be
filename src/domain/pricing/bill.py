"""Requests in dollars: a line for each operation, and their sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.pricing.price_table import PriceTable
from domain.pricing.usage import PRICE_OF, Usage

CENT_OF_A_CENT: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One operation, its units, and their price."""

    usage: Usage
    price_name: str
    dollars: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """All lines; their sum is the total, to the last digit."""

    lines: tuple[BillLine, ...]

    @property
    def dollars(self) -> Decimal:
        """The total."""
        return sum((line.dollars for line in self.lines), Decimal(0))

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(line.usage.requests for line in self.lines)


def bill_of(usages: Iterable[Usage], table: PriceTable) -> Bill:
    """Price every usage; an operation without a price is a KeyError, never nothing."""
    lines = []
    for usage in usages:
        name = PRICE_OF[usage.service, usage.operation]
        lines.append(BillLine(usage=usage, price_name=name, dollars=usage.units * table.of(name)))
    return Bill(lines=tuple(lines))


def shown_dollars(amount: Decimal) -> str:
    """Return an amount with six decimal places, without an exponent: a decimal string for JSON."""
    return format(amount.quantize(CENT_OF_A_CENT), "f")
