"""The ports that each function needs, as values that mypy checks.

A composition root creates these values, and `container_over` puts them into the slots of the
container. A port that is forgotten is a missing argument: mypy reports it, and the function fails
when it opens, before its first request.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar

from domain.discovery import Discovery
from domain.pricing.costing import Costing
from entrypoints.wiring.slots import Slots

if TYPE_CHECKING:
    from application.execution.tuning import Tuning
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

Container = TypeVar("Container", bound=Slots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the use cases take besides ports."""

    tuning: Tuning
    profile: Profile
    results_bucket_name: str
    costing: Costing = field(default_factory=Costing)
    default_discovery: Discovery = Discovery.BATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonPorts:
    """The ports of every function."""

    clock: Clock
    ids: Ids
    telemetry: Telemetry
    jobs: JobStore
    chunks: ChunkStore
    errors: ErrorLog
    slots: SlotStore
    results: ResultsStore
    notifier: StatusNotifier


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPorts:
    """What starts syncs: connectors, schedules, plans and the engine. For API and engine."""

    connector_store: ConnectorStore
    invoker: EngineInvoker
    scheduler: Scheduler
    schedule_runs: ScheduleRunStore
    surveyor: Surveyor
    catalog_scan: CatalogScan


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPorts:
    """The customers' buckets, the catalog and queues: for engine and processor."""

    objects: ObjectStore
    catalog: Catalog
    queue: ChunkQueue
    ingest_queue: IngestQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePorts:
    """What only the engine needs."""

    batch_jobs: BatchJobs
    source_files: SourceFiles
    parquet_reader: ParquetReader
    shares: ShareStore
    bus: IngestBus


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorPorts:
    """What only the processor needs."""

    bus: IngestBus


def container_over(
    kind: type[Container],
    configuration: Configuration,
    common: CommonPorts,
    *others: JobPorts | ObjectPorts | EnginePorts | ProcessorPorts,
) -> Container:
    """Return a container of this kind with these ports in its slots."""
    return kind(
        **{
            each.name: getattr(group, each.name)
            for group in (configuration, common, *others)
            for each in fields(group)
        }
    )
