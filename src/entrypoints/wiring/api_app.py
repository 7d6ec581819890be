"""The API's use cases, and what its entrypoint takes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.check_connector import CheckConnector
from application.connectors import Connectors
from application.jobs.cancel_job import CancelJob
from application.jobs.explain_object import ExplainObject
from application.jobs.group_failures import GroupFailures
from application.jobs.job_queries import JobQueries
from application.jobs.outcome_pages import OutcomePages
from application.jobs.pause_job import PauseJob
from application.jobs.pause_stage import PauseStage
from application.jobs.plan_sync import PlanSync
from application.jobs.redrive_job import RedriveJob
from application.jobs.start_sync import StartSync
from entrypoints.wiring.slots import Slots, app_of, singleton

if TYPE_CHECKING:
    from domain.pricing.costing import Costing
    from domain.sync_request import Discovery
    from ports.clock import Clock
    from ports.telemetry import Telemetry


class ApiUseCases(Slots):
    """Created once per container, from the ports in its slots."""

    connectors = singleton(Connectors, locals(), Slots, connectors=Slots.connector_store)
    plan_sync = singleton(PlanSync, locals(), Slots, connectors=Slots.connector_store)
    check_connector = singleton(CheckConnector, locals(), Slots, connectors=Slots.connector_store)
    start_sync = singleton(
        StartSync,
        locals(),
        Slots,
        connectors=Slots.connector_store,
        engine=Slots.invoker,
        planner=plan_sync,
    )
    cancel_job = singleton(CancelJob, locals(), Slots, engine=Slots.invoker)
    pause_job = singleton(PauseJob, locals(), Slots, engine=Slots.invoker)
    pause_stage = singleton(PauseStage, locals(), Slots, engine=Slots.invoker)
    redrive_job = singleton(
        RedriveJob, locals(), Slots, connectors=Slots.connector_store, engine=Slots.invoker
    )
    outcome_pages = singleton(OutcomePages, locals(), Slots)
    explain_object = singleton(ExplainObject, locals(), Slots)
    group_failures = singleton(GroupFailures, locals(), Slots)
    queries = singleton(JobQueries, locals(), Slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiApp:
    """For the HTTP API."""

    start_sync: StartSync
    plan_sync: PlanSync
    connectors: Connectors
    check_connector: CheckConnector
    cancel_job: CancelJob
    pause_job: PauseJob
    pause_stage: PauseStage
    redrive_job: RedriveJob
    queries: JobQueries
    outcome_pages: OutcomePages
    explain_object: ExplainObject
    group_failures: GroupFailures
    costing: Costing
    default_discovery: Discovery
    clock: Clock
    telemetry: Telemetry


def api_app(container: ApiUseCases, *, default_discovery: Discovery) -> ApiApp:
    """Take the API's use cases."""
    return app_of(ApiApp, container, default_discovery=default_discovery)
