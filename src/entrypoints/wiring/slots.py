"""The slots for ports and configuration, and how a use case is provided from them.

Each function's own module (`api_app`, `engine_app`, `processor_app`) adds its use cases, so that a
function imports no use case of another one. `container` puts them together for one process.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from dependency_injector import containers, providers

from application.jobs.status_publisher import StatusPublisher

if TYPE_CHECKING:
    from application.execution.tuning import Tuning
    from domain.discovery import Discovery
    from domain.pricing.costing import Costing
    from domain.profile import Profile
    from ports.batch_jobs import BatchJobs
    from ports.catalog import Catalog
    from ports.catalog_scan import CatalogScan
    from ports.chunk_queue import ChunkQueue
    from ports.chunk_store import ChunkStore
    from ports.clock import Clock
    from ports.connector_store import ConnectorStore
    from ports.engine_invoker import EngineInvoker
    from ports.error_log import ErrorLog
    from ports.ids import Ids
    from ports.ingest_bus import IngestBus
    from ports.ingest_queue import IngestQueue
    from ports.job_store import JobStore
    from ports.object_store import ObjectStore
    from ports.parquet_reader import ParquetReader
    from ports.results_store import ResultsStore
    from ports.schedule_runs import ScheduleRunStore
    from ports.scheduler import Scheduler
    from ports.share_store import ShareStore
    from ports.slot_store import SlotStore
    from ports.source_files import SourceFiles
    from ports.status_notifier import StatusNotifier
    from ports.surveyor import Surveyor
    from ports.telemetry import Telemetry

UseCase = TypeVar("UseCase")
App = TypeVar("App")


def singleton(
    use_case: Callable[..., UseCase],
    here: Mapping[str, Any],
    base: type[containers.DeclarativeContainer] = containers.DeclarativeContainer,
    **others: Any,
) -> providers.Singleton[UseCase]:
    """Provide a use case: each of its parameters is the provider of that name.

    `here` is the body of the container's class so far, and `base` is the class that it extends.
    `others` are the parameters that have another name there. A parameter without a provider is a
    KeyError when the container's module is imported.
    """
    known = {**base.providers, **here}
    names = inspect.signature(use_case).parameters.keys() - others.keys()
    return providers.Singleton(use_case, **{name: known[name] for name in names}, **others)


def app_of(kind: Callable[..., App], container: Slots, **settings: object) -> App:
    """Return an app: its settings, and what its other fields name in the container."""
    names = inspect.signature(kind).parameters.keys() - settings.keys()
    return kind(**settings, **{name: getattr(container, name)() for name in names})


class Slots(containers.DeclarativeContainer):
    """The slots, and the only use case that every function has."""

    tuning: providers.Dependency[Tuning] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    ids: providers.Dependency[Ids] = providers.Dependency()
    telemetry: providers.Dependency[Telemetry] = providers.Dependency()
    jobs: providers.Dependency[JobStore] = providers.Dependency()
    chunks: providers.Dependency[ChunkStore] = providers.Dependency()
    shares: providers.Dependency[ShareStore] = providers.Dependency()
    connector_store: providers.Dependency[ConnectorStore] = providers.Dependency()
    errors: providers.Dependency[ErrorLog] = providers.Dependency()
    catalog: providers.Dependency[Catalog] = providers.Dependency()
    catalog_scan: providers.Dependency[CatalogScan] = providers.Dependency()
    objects: providers.Dependency[ObjectStore] = providers.Dependency()
    results: providers.Dependency[ResultsStore] = providers.Dependency()
    batch_jobs: providers.Dependency[BatchJobs] = providers.Dependency()
    source_files: providers.Dependency[SourceFiles] = providers.Dependency()
    parquet_reader: providers.Dependency[ParquetReader] = providers.Dependency()
    queue: providers.Dependency[ChunkQueue] = providers.Dependency()
    invoker: providers.Dependency[EngineInvoker] = providers.Dependency()
    notifier: providers.Dependency[StatusNotifier] = providers.Dependency()
    bus: providers.Dependency[IngestBus] = providers.Dependency()
    ingest_queue: providers.Dependency[IngestQueue] = providers.Dependency()
    profile: providers.Dependency[Profile] = providers.Dependency()
    results_bucket_name: providers.Dependency[str] = providers.Dependency()
    costing: providers.Dependency[Costing] = providers.Dependency()
    slots: providers.Dependency[SlotStore] = providers.Dependency()
    surveyor: providers.Dependency[Surveyor] = providers.Dependency()
    scheduler: providers.Dependency[Scheduler] = providers.Dependency()
    schedule_runs: providers.Dependency[ScheduleRunStore] = providers.Dependency()
    default_discovery: providers.Dependency[Discovery] = providers.Dependency()

    status_publisher = singleton(StatusPublisher, locals())
