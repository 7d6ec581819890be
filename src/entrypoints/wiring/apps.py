"""The use cases and ports that each entrypoint uses, taken from the container."""

from __future__ import annotations

from dataclasses import dataclass

from application.connectors import Connectors
from application.engine.advance_job import Engine
from application.engine.sweep import Sweep
from application.jobs.cancel_job import CancelJob
from application.jobs.explain_object import ExplainObject
from application.jobs.job_queries import JobQueries
from application.jobs.outcome_pages import OutcomePages
from application.jobs.redrive_job import RedriveJob
from application.jobs.start_sync import StartSync
from application.processor.discover_object import DiscoverObject
from application.processor.process_chunk import ProcessChunk
from domain.job import Discovery
from entrypoints.wiring.container import UseCases
from ports.batch_jobs import BatchJobs
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiApp:
    """For the HTTP API."""

    start_sync: StartSync
    connectors: Connectors
    cancel_job: CancelJob
    redrive_job: RedriveJob
    queries: JobQueries
    outcome_pages: OutcomePages
    explain_object: ExplainObject
    default_discovery: Discovery
    clock: Clock
    telemetry: Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineApp:
    """For the engine's function."""

    engine: Engine
    sweep: Sweep
    batch_jobs: BatchJobs
    clock: Clock
    telemetry: Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorApp:
    """For the processor; messages of queues other than `queue_name` are dead letters."""

    process_chunk: ProcessChunk
    discover_object: DiscoverObject
    errors: ErrorLog
    queue_name: str
    clock: Clock
    telemetry: Telemetry


def api_app(container: UseCases, *, default_discovery: Discovery) -> ApiApp:
    """Take the API's use cases."""
    return ApiApp(
        start_sync=container.start_sync(),
        connectors=container.connectors(),
        cancel_job=container.cancel_job(),
        redrive_job=container.redrive_job(),
        queries=container.queries(),
        explain_object=container.explain_object(),
        outcome_pages=container.outcome_pages(),
        default_discovery=default_discovery,
        clock=container.clock(),
        telemetry=container.telemetry(),
    )


def engine_app(container: UseCases) -> EngineApp:
    """Take the engine's use cases."""
    return EngineApp(
        engine=container.engine(),
        sweep=container.sweep(),
        batch_jobs=container.batch_jobs(),
        clock=container.clock(),
        telemetry=container.telemetry(),
    )


def processor_app(container: UseCases, *, queue_name: str) -> ProcessorApp:
    """Take the processor's use cases."""
    return ProcessorApp(
        process_chunk=container.process_chunk(),
        discover_object=container.discover_object(),
        errors=container.errors(),
        queue_name=queue_name,
        clock=container.clock(),
        telemetry=container.telemetry(),
    )
