"""The API's use cases, and what its entrypoint takes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.check_connector import CheckConnector
from application.connectors import Connectors
from application.jobs.cancel_job import CancelJob
from application.jobs.confirm_removals import ConfirmRemovals
from application.jobs.explain_object import ExplainObject
from application.jobs.find_orphans import FindOrphans
from application.jobs.group_failures import GroupFailures
from application.jobs.job_queries import JobQueries
from application.jobs.object_history import ObjectHistory
from application.jobs.orphan_pages import OrphanPages
from application.jobs.outcome_pages import OutcomePages
from application.jobs.pause_job import PauseJob
from application.jobs.pause_stage import PauseStage
from application.jobs.plan_orphans import PlanOrphans
from application.jobs.plan_sync import PlanSync
from application.jobs.redrive_job import RedriveJob
from application.jobs.removal_pages import RemovalPages
from application.jobs.start_planned_sync import StartPlannedSync
from application.jobs.start_sync import StartSync
from application.keep_timers import KeepTimers
from application.limit_jobs import LimitJobs
from application.schedules.schedules import Schedules
from entrypoints.wiring.slots import Slots, app_of, singleton

if TYPE_CHECKING:
    from domain.discovery import Discovery
    from domain.pricing.costing import Costing
    from ports.clock import Clock
    from ports.telemetry import Telemetry


class ApiUseCases(Slots):
    """Created once per container, from the ports in its slots."""

    timers = singleton(KeepTimers, locals(), Slots, connectors=Slots.connector_store)
    limit_jobs = singleton(LimitJobs, locals(), Slots, engine=Slots.invoker)
    connectors = singleton(Connectors, locals(), Slots, connectors=Slots.connector_store)
    schedules = singleton(
        Schedules,
        locals(),
        Slots,
        connectors=Slots.connector_store,
        edits=connectors,
        runs=Slots.schedule_runs,
    )
    plan_sync = singleton(PlanSync, locals(), Slots, connectors=Slots.connector_store)
    check_connector = singleton(CheckConnector, locals(), Slots, connectors=Slots.connector_store)
    sync_starter = singleton(
        StartSync,
        locals(),
        Slots,
        connectors=Slots.connector_store,
        engine=Slots.invoker,
    )
    start_sync = singleton(
        StartPlannedSync, locals(), Slots, start_sync=sync_starter, planner=plan_sync
    )
    cancel_job = singleton(CancelJob, locals(), Slots, engine=Slots.invoker)
    removal_pages = singleton(RemovalPages, locals(), Slots)
    confirm_removals = singleton(
        ConfirmRemovals, locals(), Slots, connectors=Slots.connector_store, engine=Slots.invoker
    )
    orphan_pages = singleton(OrphanPages, locals(), Slots)
    find_orphans = singleton(
        FindOrphans, locals(), Slots, connectors=Slots.connector_store, engine=Slots.invoker
    )
    plan_orphans = singleton(PlanOrphans, locals(), Slots)
    pause_job = singleton(PauseJob, locals(), Slots, engine=Slots.invoker)
    pause_stage = singleton(PauseStage, locals(), Slots, engine=Slots.invoker)
    redrive_job = singleton(
        RedriveJob, locals(), Slots, connectors=Slots.connector_store, engine=Slots.invoker
    )
    outcome_pages = singleton(OutcomePages, locals(), Slots)
    explain_object = singleton(ExplainObject, locals(), Slots)
    object_history = singleton(ObjectHistory, locals(), Slots, connectors=Slots.connector_store)
    group_failures = singleton(GroupFailures, locals(), Slots)
    queries = singleton(JobQueries, locals(), Slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiApp:
    """For the HTTP API."""

    start_sync: StartPlannedSync
    plan_sync: PlanSync
    connectors: Connectors
    check_connector: CheckConnector
    schedules: Schedules
    cancel_job: CancelJob
    pause_job: PauseJob
    pause_stage: PauseStage
    redrive_job: RedriveJob
    removal_pages: RemovalPages
    confirm_removals: ConfirmRemovals
    orphan_pages: OrphanPages
    find_orphans: FindOrphans
    plan_orphans: PlanOrphans
    queries: JobQueries
    outcome_pages: OutcomePages
    explain_object: ExplainObject
    object_history: ObjectHistory
    group_failures: GroupFailures
    costing: Costing
    default_discovery: Discovery
    clock: Clock
    telemetry: Telemetry


def api_app(container: ApiUseCases, *, default_discovery: Discovery) -> ApiApp:
    """Take the API's use cases."""
    return app_of(ApiApp, container, default_discovery=default_discovery)
