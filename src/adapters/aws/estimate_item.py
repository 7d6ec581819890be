"""The estimate of a sync's cost as attributes of its job's item."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.aws.attributes import Value
from domain.cost_estimate import CostEstimate
from domain.pricing.price_table import parse_dollars


def estimate_values(estimate: CostEstimate | None) -> dict[str, Value | None] | None:
    """Return the attributes of an estimate; dollars are text, which keeps them exact."""
    if estimate is None:
        return None
    allowed = estimate.dollars_max
    return {
        "dollars": str(estimate.dollars),
        "dollarsLow": str(estimate.dollars_low),
        "dollarsHigh": str(estimate.dollars_high),
        "maxCost": None if allowed is None else str(allowed),
        "requests": estimate.requests,
        "seconds": str(estimate.seconds),
        "pricesRegion": estimate.region,
        "pricesDate": estimate.prices_of,
    }


def to_estimate(values: Mapping[str, Any] | None) -> CostEstimate | None:
    """Parse what `estimate_values` returned."""
    if values is None:
        return None
    allowed = values.get("maxCost")
    return CostEstimate(
        dollars=to_dollars(values["dollars"]),
        dollars_low=to_dollars(values["dollarsLow"]),
        dollars_high=to_dollars(values["dollarsHigh"]),
        dollars_max=None if allowed is None else to_dollars(allowed),
        requests=values["requests"],
        seconds=float(values["seconds"]),
        region=values["pricesRegion"],
        prices_of=values["pricesDate"],
    )


def to_dollars(text: str) -> Decimal:
    """Parse an amount that was stored as text.

    Raises:
        ValueError: It is none.
    """
    amount = parse_dollars(text)
    if amount is None:
        raise ValueError(f"{text!r} is not an amount of dollars")
    return amount
