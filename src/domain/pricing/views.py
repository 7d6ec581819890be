"""The JSON form of a job's costs. Dollars are decimal strings."""

from __future__ import annotations

from typing import Any

from domain.cost_estimate import CostEstimate
from domain.job import Job
from domain.pricing.bill import Bill, shown_dollars
from domain.pricing.costing import Costing
from domain.pricing.job_cost import actual_bill, estimate_for
from domain.pricing.price_table import PriceTable

Json = dict[str, Any]


def cost_view(job: Job, costing: Costing, *, lines: bool = True) -> Json:
    """Return the fields of a job about its cost; null while nothing is known."""
    estimate, bill = estimate_for(job, costing), actual_bill(job, costing)
    return {
        "estimate": None if estimate is None else _kept(estimate),
        "actual": None if bill is None else _actual(job, bill, costing.table, lines=lines),
    }


def _kept(estimate: CostEstimate) -> Json:
    allowed = estimate.dollars_max
    return {
        "dollars": shown_dollars(estimate.dollars),
        "dollarsLow": shown_dollars(estimate.dollars_low),
        "dollarsHigh": shown_dollars(estimate.dollars_high),
        "maxCost": None if allowed is None else shown_dollars(allowed),
        "requests": estimate.requests,
        "seconds": round(estimate.seconds, 1),
        "pricesRegion": estimate.region,
        "pricesDate": estimate.prices_of,
    }


def _actual(job: Job, bill: Bill, table: PriceTable, *, lines: bool) -> Json:
    ended_at = job.times.ended_at or job.times.updated_at
    return {
        "dollars": shown_dollars(bill.dollars),
        "requests": bill.requests,
        "seconds": round((ended_at - job.times.created_at).total_seconds(), 1),
        "lines": line_views(bill, table) if lines else [],
    }


def line_views(bill: Bill, table: PriceTable) -> list[Json]:
    """Return the lines of a bill."""
    return [
        {
            "where": line.usage.where.value,
            "service": line.usage.service,
            "operation": line.usage.operation,
            "requests": line.usage.requests,
            "units": float(line.usage.units),
            "unit": table.prices[line.price_name].unit,
            "price": format(table.of(line.price_name), "f"),
            "source": table.prices[line.price_name].source,
            "dollars": shown_dollars(line.dollars),
        }
        for line in bill.lines
    ]
