"""Planning a sync: what it would do, cost and take, without starting it.

Another function looks at the bucket (`ports.surveyor`). The prices and everything that follows from
them are computed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from application.jobs.sync_request import sync_request
from domain.connector import Trigger
from domain.cost_estimate import CostEstimate
from domain.errors import DomainError
from domain.pricing.bill import shown_dollars
from domain.pricing.costing import Costing
from domain.pricing.job_cost import choice_of
from domain.pricing.plan import Plan, plan_of
from domain.pricing.price_table import PriceTable, with_changes
from domain.pricing.survey import SurveyRequest
from domain.pricing.workload import Bound
from domain.sync_request import SyncOptions, SyncRequest
from ports.connector_store import ConnectorStore
from ports.errors import AccessDenied, Misconfigured
from ports.surveyor import Surveyor

SAMPLE_SIZE: Final = 400
"""Objects that are read by default: a share is then known to within five percent of all objects."""
SAMPLE_SIZE_MAX: Final = 2_000


class BucketNotReadable(DomainError):
    """The bucket cannot be listed, or the catalog not queried: a sync would fail as well."""


class AboveMaxCost(DomainError):
    """The sync may cost more than its requester allows, or how much is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What to plan, in addition to the options of the sync.

    Attributes:
        trigger: Another trigger than the connector's.
        sample_size: Objects to read; 0 only lists.
        prices: A user's changes of the price table.
    """

    trigger: Trigger | None = None
    sample_size: int = SAMPLE_SIZE
    prices: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSync:
    """A plan, and the request that it is of."""

    request: SyncRequest
    plan: Plan


class PlanSync:
    """The use case behind `POST /connectors/{id}/plan`."""

    def __init__(
        self,
        *,
        connectors: ConnectorStore,
        surveyor: Surveyor,
        costing: Costing,
    ) -> None:
        self._connectors = connectors
        self._surveyor = surveyor
        self._costing = costing

    async def plan(self, connector_id: str, options: SyncOptions, plan: PlanOptions) -> PlannedSync:
        """Return the plan of a sync; a connector that is disabled can be planned as well.

        Raises:
            NotFound: there is no such connector.
            InvalidRequest: the sync or the prices are invalid.
            BucketNotReadable: the bucket cannot be listed, or the catalog not queried.
            Retryable: there was no result in time.
        """
        table = self._costing.table
        if plan.prices is not None:
            table = with_changes(table, plan.prices)
        connector = await self._connectors.get(connector_id)
        request = sync_request(connector, options)
        if plan.trigger is not None:
            request = replace(request, ingest=replace(request.ingest, trigger=plan.trigger))
        made = await self._plan(request, plan.sample_size, table)
        return PlannedSync(request=request, plan=made)

    async def _plan(self, request: SyncRequest, sample_size: int, table: PriceTable) -> Plan:
        try:
            survey = await self._surveyor.survey(
                SurveyRequest(request=request, sample_size=sample_size)
            )
        except (AccessDenied, Misconfigured) as error:
            raise BucketNotReadable(
                f"the sync cannot be planned, and would fail for the same cause: {error}"
            ) from error
        choice = choice_of(request)
        return plan_of(
            survey,
            choice,
            request.ingest,
            self._costing.model,
            table,
            removals=request.removals,
        )

    async def affordable(self, request: SyncRequest, dollars_max: Decimal) -> SyncRequest:
        """Return the request with its estimate, if the sync costs no more than that.

        Raises:
            AboveMaxCost: it may cost more; or the bucket is too large to find out in time.
            BucketNotReadable, Retryable: as `plan`.
        """
        plan = await self._plan(request, SAMPLE_SIZE, self._costing.table)
        estimate = replace(estimate_of(plan), dollars_max=dollars_max)
        if not plan.survey.listed.complete:
            raise AboveMaxCost(
                f"maxCost is {dollars_max} dollars, and what this sync costs is not known: at least"
                f" {shown_dollars(estimate.dollars_low)} dollars for the first"
                f" {plan.survey.listed.objects:,} objects, which is as far as the bucket could be"
                " listed in time. Sync fewer prefixes at once, or start a dry run, which lists all"
                " of it and shows the price, and then the sync without maxCost"
            )
        if estimate.dollars_high > dollars_max:
            raise AboveMaxCost(
                f"maxCost is {dollars_max} dollars, and this sync may cost"
                f" {shown_dollars(estimate.dollars_high)} (expected"
                f" {shown_dollars(estimate.dollars)}) for {plan.survey.listed.objects:,} objects,"
                f" at the list prices of {estimate.region} of {estimate.prices_of}. Nothing was"
                " started. Raise maxCost, sync fewer prefixes, or choose a cheaper way to sync:"
                " asset-sync plan compares them"
            )
        return replace(request, estimate=estimate)


def estimate_of(plan: Plan) -> CostEstimate:
    """Return the part of a plan that is kept with a job."""
    bills = plan.chosen.bills
    return CostEstimate(
        dollars=bills[Bound.EXPECTED].dollars,
        dollars_low=bills[Bound.LOW].dollars,
        dollars_high=bills[Bound.HIGH].dollars,
        requests=bills[Bound.EXPECTED].requests,
        seconds=plan.chosen.seconds[Bound.EXPECTED],
        region=plan.table.region,
        prices_of=plan.table.date,
    )
