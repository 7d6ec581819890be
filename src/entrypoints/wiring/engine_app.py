"""The engine's use cases, and what its entrypoint takes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.engine.advance_job import Engine, EngineSteps
from application.engine.batch_discovery import BatchDiscovery
from application.engine.cancel_chunk import CancelChunk
from application.engine.check_missing import CheckMissing
from application.engine.check_orphans import CheckOrphans
from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.chunk_recorder import ChunkRecorder
from application.engine.compare_keys import CompareKeys
from application.engine.compare_records import CompareRecords
from application.engine.compare_syncs import CompareSyncs
from application.engine.end_job import EndJob
from application.engine.ingest_watch import IngestWatch
from application.engine.list_bucket import ListBucket
from application.engine.list_share import ListShare
from application.engine.make_index import MakeIndex
from application.engine.record_failure import RecordFailure
from application.engine.repair_chunks import RepairChunks
from application.engine.repair_job import RepairJob
from application.engine.requeue_failures import RequeueFailures
from application.engine.requeue_parked import RequeueParked
from application.engine.run_work import RunWork
from application.engine.scan_records import ScanRecords
from application.engine.search_orphans import SearchOrphans
from application.engine.share_listing import ShareListing
from application.engine.split_into_chunks import SplitIntoChunks
from application.engine.stop_discovery import StopDiscovery
from application.engine.sweep import Sweep
from application.engine.take_snapshot import TakeSnapshot
from application.engine.watch_connectors import WatchConnectors
from application.jobs.start_sync import StartSync
from application.keep_timers import KeepTimers
from application.limit_jobs import LimitJobs
from application.results.outcome_index import IndexReader
from application.schedules.start_scheduled_sync import StartScheduledSync
from entrypoints.wiring.chunk_use_cases import ChunkUseCases
from entrypoints.wiring.slots import app_of, singleton

if TYPE_CHECKING:
    from ports.batch_jobs import BatchJobs
    from ports.clock import Clock
    from ports.telemetry import Telemetry


class EngineUseCases(ChunkUseCases):
    """Created once per container, from the ports in its slots."""

    ingest_watch = singleton(
        IngestWatch,
        locals(),
        ChunkUseCases,
        connectors=ChunkUseCases.connector_store,
        queue=ChunkUseCases.ingest_queue,
    )
    queueing = singleton(ChunkEnqueuer, locals(), ChunkUseCases)
    chunk_recorder = singleton(ChunkRecorder, locals(), ChunkUseCases)
    requeue_parked = singleton(RequeueParked, locals(), ChunkUseCases)
    take_snapshot = singleton(TakeSnapshot, locals(), ChunkUseCases)
    share_listing = singleton(ShareListing, locals(), ChunkUseCases)
    list_bucket = singleton(ListBucket, locals(), ChunkUseCases)
    discovery = singleton(BatchDiscovery, locals(), ChunkUseCases)
    split = singleton(SplitIntoChunks, locals(), ChunkUseCases)
    requeue = singleton(RequeueFailures, locals(), ChunkUseCases)
    stop_discovery = singleton(StopDiscovery, locals(), ChunkUseCases)
    cancel_chunk = singleton(CancelChunk, locals(), ChunkUseCases)
    record_failure = singleton(RecordFailure, locals(), ChunkUseCases)
    end_job = singleton(EndJob, locals(), ChunkUseCases)
    list_share = singleton(ListShare, locals(), ChunkUseCases)
    make_index = singleton(MakeIndex, locals(), ChunkUseCases)
    index_reader = singleton(IndexReader, locals(), ChunkUseCases)
    run_work = singleton(RunWork, locals(), ChunkUseCases)
    compare_keys = singleton(CompareKeys, locals(), ChunkUseCases)
    check_missing = singleton(CheckMissing, locals(), ChunkUseCases)
    compare_syncs = singleton(
        CompareSyncs, locals(), ChunkUseCases, connectors=ChunkUseCases.connector_store
    )
    scan_records = singleton(ScanRecords, locals(), ChunkUseCases)
    compare_records = singleton(CompareRecords, locals(), ChunkUseCases)
    check_orphans = singleton(CheckOrphans, locals(), ChunkUseCases)
    search_orphans = singleton(
        SearchOrphans, locals(), ChunkUseCases, connectors=ChunkUseCases.connector_store
    )
    engine_steps = singleton(EngineSteps, locals(), ChunkUseCases)
    engine = singleton(Engine, locals(), ChunkUseCases, steps=engine_steps)
    repair_chunks = singleton(RepairChunks, locals(), ChunkUseCases)
    repair_job = singleton(RepairJob, locals(), ChunkUseCases)
    timers_of_engine = singleton(
        KeepTimers, locals(), ChunkUseCases, connectors=ChunkUseCases.connector_store
    )
    limits_of_engine = singleton(LimitJobs, locals(), ChunkUseCases, engine=ChunkUseCases.invoker)
    watch_connectors = singleton(
        WatchConnectors,
        locals(),
        ChunkUseCases,
        connectors=ChunkUseCases.connector_store,
        timers=timers_of_engine,
        limit_jobs=limits_of_engine,
    )
    sweep = singleton(Sweep, locals(), ChunkUseCases)
    sync_starter_of_engine = singleton(
        StartSync,
        locals(),
        ChunkUseCases,
        connectors=ChunkUseCases.connector_store,
        engine=ChunkUseCases.invoker,
    )
    start_scheduled_sync = singleton(
        StartScheduledSync,
        locals(),
        ChunkUseCases,
        connectors=ChunkUseCases.connector_store,
        runs=ChunkUseCases.schedule_runs,
        start_sync=sync_starter_of_engine,
        timers=timers_of_engine,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineApp:
    """For the engine's function."""

    engine: Engine
    list_share: ListShare
    compare_syncs: CompareSyncs
    search_orphans: SearchOrphans
    sweep: Sweep
    start_scheduled_sync: StartScheduledSync
    batch_jobs: BatchJobs
    clock: Clock
    telemetry: Telemetry


def engine_app(container: EngineUseCases) -> EngineApp:
    """Take the engine's use cases."""
    return app_of(EngineApp, container)
