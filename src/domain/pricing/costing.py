"""What an installation computes costs with: the prices, and what requests and times depend on."""

from __future__ import annotations

from dataclasses import dataclass, field

from domain.pricing.model import Model
from domain.pricing.price_table import LIST_PRICES, PriceTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Costing:
    """The model, and the price table."""

    model: Model = field(default_factory=Model)
    table: PriceTable = LIST_PRICES
