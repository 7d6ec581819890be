"""What plans and costs look like in responses. Dollars are decimal strings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.connector import Trigger, Verify
from domain.discovery import Discovery
from domain.outcome import OutcomeKind
from domain.pricing.usage import Where
from entrypoints.http.shown_model import Count, Shown


class BillLine(Shown):
    """What one operation is used and costs."""

    where: Where
    service: str
    operation: str
    requests: Count
    units: Annotated[float, Field(ge=0)]
    """What is billed: the number of units, not always that of requests."""
    unit: str
    price: str
    """US dollars for one unit."""
    source: str
    """The page that states the price."""
    dollars: str


class CostEstimate(Shown):
    """What the sync was expected to cost. Dollars are decimal strings."""

    dollars: str
    dollars_low: str
    dollars_high: str
    max_cost: str | None
    """What the request allowed."""
    requests: Count
    seconds: float
    prices_region: str
    prices_date: str


class ActualCost(Shown):
    """What the job used, computed from its counts, at list prices."""

    dollars: str
    requests: Count
    seconds: float
    """From the request to the end."""
    lines: list[BillLine]
    """Empty in lists of jobs."""


class PlannedListing(Shown):
    """What the plan listed."""

    complete: bool
    """Whether it is all. If not, all numbers of the plan are lower bounds."""
    objects: Count
    bytes: Count
    filtered: Count
    not_media: Count


class PlannedSample(Shown):
    """The objects that the plan read."""

    objects: Count
    exact: bool
    """Whether they are all objects."""
    confidence: Annotated[float, Field(ge=0, le=1)]
    """That each range holds, if not all objects were read."""
    text: str
    """The same for people; may change."""


class PlannedDecision(Shown):
    """Objects with one outcome."""

    outcome: OutcomeKind
    sampled: Count
    objects: Count
    objects_low: Count
    objects_high: Count
    bytes: Count


class PlannedCost(Shown):
    """Dollars, requests and seconds, with the ends of their ranges."""

    dollars: str
    dollars_low: str
    dollars_high: str
    requests: Count
    seconds: float
    seconds_low: float
    seconds_high: float


class Alternative(PlannedCost):
    """One way to sync."""

    discovery: Discovery
    trigger: Trigger
    verify: Verify
    cheapest: bool
    fastest: bool
    unavailable: str | None
    """Why it cannot be used with this connector; null if it can."""


class MonthlyCost(Shown):
    """What is billed each month after the sync, in addition."""

    noncurrent_versions: str
    """Old versions that copies leave in a versioned bucket."""
    tags: str


class PricesUsed(Shown):
    """The price table."""

    region: str
    date: str
    changed: list[str]
    """Prices that are not list prices."""


class Plan(Shown):
    """What a sync would do, cost and take."""

    connector_id: str
    bucket_name: str
    prefixes: list[str]
    dry_run: bool
    discovery: Discovery
    trigger: Trigger
    verify: Verify
    listing: PlannedListing
    sample: PlannedSample
    decisions: list[PlannedDecision]
    estimate: PlannedCost
    lines: list[BillLine]
    monthly: MonthlyCost
    alternatives: list[Alternative]
    warnings: list[str]
    prices: PricesUsed
