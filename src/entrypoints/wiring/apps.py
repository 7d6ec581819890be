"""The use cases and ports that each entrypoint uses, taken from the container."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

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

App = TypeVar("App")


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


def _app(kind: Callable[..., App], container: UseCases, **settings: object) -> App:
    """Return an app: its settings, and what its other fields name in the container."""
    names = inspect.signature(kind).parameters.keys() - settings.keys()
    return kind(**settings, **{name: getattr(container, name)() for name in names})


def api_app(container: UseCases, *, default_discovery: Discovery) -> ApiApp:
    """Take the API's use cases."""
    return _app(ApiApp, container, default_discovery=default_discovery)


def engine_app(container: UseCases) -> EngineApp:
    """Take the engine's use cases."""
    return _app(EngineApp, container)


def processor_app(container: UseCases, *, queue_name: str) -> ProcessorApp:
    """Take the processor's use cases."""
    return _app(ProcessorApp, container, queue_name=queue_name)
