"""The whole service over the memory adapters: for scenario tests and the simulator."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from dependency_injector import providers

from adapters.memory.batch_jobs import MemoryBatchJobs
from adapters.memory.buckets import MemoryBuckets
from adapters.memory.catalog import MemoryCatalog
from adapters.memory.catalog_scan import MemoryCatalogScan
from adapters.memory.chunk_queue import MemoryChunkQueue
from adapters.memory.chunk_store import MemoryChunkStore
from adapters.memory.connector_store import MemoryConnectorStore
from adapters.memory.database import MemoryDatabase
from adapters.memory.engine_invoker import MemoryEngineInvoker
from adapters.memory.error_log import MemoryErrorLog
from adapters.memory.ingest_bus import MemoryIngestBus
from adapters.memory.ingest_queue import MemoryIngestQueue
from adapters.memory.job_store import MemoryJobStore
from adapters.memory.object_store import MemoryObjectStore
from adapters.memory.parquet_reader import MemoryParquetReader
from adapters.memory.results_store import MemoryResultsStore
from adapters.memory.schedule_runs import MemoryScheduleRunStore
from adapters.memory.scheduler import MemoryScheduler
from adapters.memory.share_store import MemoryShareStore
from adapters.memory.slot_store import MemorySlotStore
from adapters.memory.source_files import MemorySourceFiles
from adapters.memory.status_notifier import MemoryStatusNotifier
from adapters.memory.surveyor import MemorySurveyor
from adapters.memory.system import ManualClock, SeededIds
from adapters.memory.telemetry import MemoryTelemetry
from application.execution.tuning import Tuning
from domain.pricing.survey import CatalogShape
from domain.profile import GENERIC, Profile
from entrypoints.wiring.container import UseCases
from entrypoints.wiring.costing import costing_of
from entrypoints.wiring.ports import (
    CommonPorts,
    Configuration,
    EnginePorts,
    JobPorts,
    ObjectPorts,
    ProcessorPorts,
    container_over,
)

RESULTS_BUCKET_NAME = "asset-sync-results"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPorts:
    """All ports over memory, under the names of the container's slots."""

    clock: ManualClock
    ids: SeededIds
    telemetry: MemoryTelemetry
    jobs: MemoryJobStore
    chunks: MemoryChunkStore
    shares: MemoryShareStore
    connector_store: MemoryConnectorStore
    errors: MemoryErrorLog
    catalog: MemoryCatalog
    catalog_scan: MemoryCatalogScan
    objects: MemoryObjectStore
    results: MemoryResultsStore
    batch_jobs: MemoryBatchJobs
    source_files: MemorySourceFiles
    parquet_reader: MemoryParquetReader
    queue: MemoryChunkQueue
    slots: MemorySlotStore
    invoker: MemoryEngineInvoker
    notifier: MemoryStatusNotifier
    bus: MemoryIngestBus
    ingest_queue: MemoryIngestQueue
    surveyor: MemorySurveyor
    scheduler: MemoryScheduler
    schedule_runs: MemoryScheduleRunStore


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWorld:
    """The ports, and the state behind them that processes share and that outlives them."""

    database: MemoryDatabase
    buckets: MemoryBuckets
    ports: MemoryPorts


def memory_world(
    *,
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC),
    seed: int = 0,
    page_object_count: int = 1_000,
    part_bytes_min: int = 1,
) -> MemoryWorld:
    """Return ports over empty state."""
    clock = ManualClock(now)
    database = MemoryDatabase()
    buckets = MemoryBuckets(clock)
    objects = MemoryObjectStore(buckets, page_object_count=page_object_count)
    results = MemoryResultsStore(part_bytes_min=part_bytes_min)
    ports = MemoryPorts(
        clock=clock,
        ids=SeededIds(seed),
        telemetry=MemoryTelemetry(),
        jobs=MemoryJobStore(database),
        chunks=MemoryChunkStore(database),
        shares=MemoryShareStore(database),
        connector_store=MemoryConnectorStore(database),
        errors=MemoryErrorLog(database, clock),
        catalog=MemoryCatalog(database, asset_index=True),
        catalog_scan=MemoryCatalogScan(database),
        objects=objects,
        results=results,
        batch_jobs=MemoryBatchJobs(results, clock),
        source_files=MemorySourceFiles(objects),
        parquet_reader=MemoryParquetReader(),
        queue=MemoryChunkQueue(clock),
        slots=MemorySlotStore(database),
        invoker=MemoryEngineInvoker(),
        notifier=MemoryStatusNotifier(),
        bus=MemoryIngestBus(),
        ingest_queue=MemoryIngestQueue(clock),
        surveyor=MemorySurveyor(),
        scheduler=MemoryScheduler(),
        schedule_runs=MemoryScheduleRunStore(database),
    )
    return MemoryWorld(database=database, buckets=buckets, ports=ports)


def use_cases(ports: object, tuning: Tuning, *, profile: Profile = GENERIC) -> UseCases:
    """Return a container over `ports`: a MemoryPorts, or anything with its attributes.

    A simulator gives each process a container of its own, over ports that wrap the shared ones.
    """
    shape = CatalogShape(asset_index=True, path_index=True)
    # The tuning may itself be a provider: a simulator changes it between its worlds.
    costing: Any = providers.Callable(costing_of, tuning, shape)
    configuration = Configuration(
        tuning=tuning,
        profile=profile,
        results_bucket_name=RESULTS_BUCKET_NAME,
        costing=costing,
    )
    common, *own = (
        ports_of(kind, ports)
        for kind in (CommonPorts, JobPorts, ObjectPorts, EnginePorts, ProcessorPorts)
    )
    return container_over(UseCases, configuration, common, *own)


def ports_of(kind: type[Any], ports: object) -> Any:
    """Return one of the groups of `wiring.ports`, taken from the attributes of `ports`."""
    return kind(**{field.name: getattr(ports, field.name) for field in fields(kind)})
