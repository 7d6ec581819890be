"""The price and the time of one way to sync."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.pricing.bill import Bill, bill_of
from domain.pricing.duration import duration_s
from domain.pricing.model import Model
from domain.pricing.price_table import PriceTable
from domain.pricing.requests import requests_of
from domain.pricing.survey import Survey
from domain.pricing.workload import Bound, Choice, Workload, workload_of
from domain.removal_settings import Removals


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One way to sync: its bill and its time, expected and at both ends.

    `unavailable` says why it cannot be used with this connector; None if it can.
    """

    choice: Choice
    bills: Mapping[Bound, Bill]
    seconds: Mapping[Bound, float]
    workload: Workload
    unavailable: str | None = None

    @property
    def dollars(self) -> Decimal:
        """What it is expected to cost."""
        return self.bills[Bound.EXPECTED].dollars


def estimate(
    survey: Survey,
    choice: Choice,
    model: Model,
    table: PriceTable,
    *,
    unavailable: str | None = None,
    removals: Removals | None = None,
) -> Estimate:
    """Price one way to sync."""
    workloads = {bound: workload_of(survey, choice, bound, removals=removals) for bound in Bound}
    bills = {
        bound: bill_of(requests_of(workload, choice, model), table)
        for bound, workload in workloads.items()
    }
    seconds = {bound: duration_s(workload, choice, model) for bound, workload in workloads.items()}
    return Estimate(
        choice=choice,
        bills=bills,
        seconds=seconds,
        workload=workloads[Bound.EXPECTED],
        unavailable=unavailable,
    )
