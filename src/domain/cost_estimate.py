"""What a plan said when a sync was requested: the part that is kept with the job."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """Dollars at both ends and in between, requests and seconds, and by which prices.

    `dollars_max` is what the requester allowed.
    """

    dollars: Decimal
    dollars_low: Decimal
    dollars_high: Decimal
    requests: int
    seconds: float
    region: str
    prices_of: str
    dollars_max: Decimal | None = None
