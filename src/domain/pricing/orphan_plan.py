"""What a search for orphans will cost: the scan of the whole catalog, above all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.index_work import ready_index
from domain.job import Job
from domain.pricing.afterwards import Scanned, searching
from domain.pricing.bill import Bill, bill_of, shown_dollars
from domain.pricing.costing import Costing
from domain.pricing.price_table import PriceTable
from domain.pricing.views import line_views
from domain.pricing.workload import Bound, pages_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanPlan:
    """The size of the catalog, and the bill of a search: expected, and at both ends."""

    item_count: int
    size_bytes: int
    bills: Mapping[Bound, Bill]
    table: PriceTable


def orphan_plan(job: Job, *, item_count: int, size_bytes: int, costing: Costing) -> OrphanPlan:
    """Return the plan of a search after a job.

    The scan is certain. How many records are about objects of the job is not known, nor how many of
    these it did not list. LOW: no record. EXPECTED: one for each listed object; all are looked for
    if the job has no index. HIGH: all records, and all are looked for.
    """
    listed, model = job.listing.objects_listed, costing.model
    indexed = listed if ready_index(job) is not None else 0
    records = min(listed, item_count)
    works = {
        Bound.LOW: (0, 0),
        Bound.EXPECTED: (records, 0 if indexed else records),
        Bound.HIGH: (item_count, item_count),
    }
    pages = pages_of(job)
    bills = {
        bound: bill_of(
            searching(
                Scanned(size_bytes=size_bytes, records=in_scope), indexed, unlisted, pages, model
            ),
            costing.table,
        )
        for bound, (in_scope, unlisted) in works.items()
    }
    return OrphanPlan(
        item_count=item_count, size_bytes=size_bytes, bills=bills, table=costing.table
    )


def orphan_plan_view(job: Job, plan: OrphanPlan) -> dict[str, Any]:
    """Return the plan in the API's form. Dollars are decimal strings."""
    expected = plan.bills[Bound.EXPECTED]
    return {
        "jobId": job.job_id,
        "connectorId": job.request.connector_id,
        "catalogRecords": plan.item_count,
        "catalogBytes": plan.size_bytes,
        "estimate": {
            "dollars": shown_dollars(expected.dollars),
            "dollarsLow": shown_dollars(plan.bills[Bound.LOW].dollars),
            "dollarsHigh": shown_dollars(plan.bills[Bound.HIGH].dollars),
            "requests": expected.requests,
        },
        "lines": line_views(expected, plan.table),
        "prices": {
            "region": plan.table.region,
            "date": plan.table.date,
            "changed": list(plan.table.changed),
        },
    }
