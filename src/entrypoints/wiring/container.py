"""The ports and other use cases that each use case gets, independent of the adapters.

Ports are `Dependency` slots. `entrypoints.wiring.ports` fills them from typed values, one for each
function; the slots that a function does not need stay empty, and a use case that needs an empty
slot cannot be created. An app takes its use cases when it opens, so that is found at the start.
All providers are synchronous: clients are opened before the container is created.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from dependency_injector import containers, providers

from application.connectors import Connectors
from application.engine.advance_job import Engine, EngineSteps
from application.engine.batch_discovery import BatchDiscovery
from application.engine.cancel_chunk import CancelChunk
from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.chunk_recorder import ChunkRecorder
from application.engine.end_job import EndJob
from application.engine.ingest_watch import IngestWatch
from application.engine.list_bucket import ListBucket
from application.engine.record_failure import RecordFailure
from application.engine.repair_chunks import RepairChunks
from application.engine.repair_job import RepairJob
from application.engine.requeue_failures import RequeueFailures
from application.engine.split_into_chunks import SplitIntoChunks
from application.engine.stop_discovery import StopDiscovery
from application.engine.sweep import Sweep
from application.execution.tuning import Tuning
from application.jobs.cancel_job import CancelJob
from application.jobs.explain_object import ExplainObject
from application.jobs.job_queries import JobQueries
from application.jobs.outcome_pages import OutcomePages
from application.jobs.redrive_job import RedriveJob
from application.jobs.start_sync import StartSync
from application.jobs.status_publisher import StatusPublisher
from application.known_objects import KnownObjects
from application.multipart.unfinished_copies import UnfinishedCopies
from application.processor.announce_objects import ObjectAnnouncements
from application.processor.chunk_outcomes import ChunkOutcomes
from application.processor.decide_objects import ObjectDecisions
from application.processor.discover_object import DiscoverObject
from application.processor.lease_chunk import ChunkLeases
from application.processor.process_chunk import ProcessChunk
from application.processor.process_objects import ObjectProcessor
from application.processor.run_attempt import ChunkAttempts
from application.processor.settle_chunk import ChunkSettlement
from application.processor.write_object import ObjectWriter
from application.results.chunk_errors import ChunkErrors
from domain.profile import Profile
from ports.batch_jobs import BatchJobs
from ports.catalog import Catalog
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
from ports.results_store import ResultsStore
from ports.status_notifier import StatusNotifier
from ports.telemetry import Telemetry

UseCase = TypeVar("UseCase")


def _singleton(
    use_case: Callable[..., UseCase], here: Mapping[str, Any], **others: Any
) -> providers.Singleton[UseCase]:
    """Provide a use case: each of its parameters is the provider of that name in `here`.

    `others` are the parameters that have another name there. A parameter without a provider is a
    KeyError when this module is imported.
    """
    names = inspect.signature(use_case).parameters.keys() - others.keys()
    return providers.Singleton(use_case, **{name: here[name] for name in names}, **others)


class UseCases(containers.DeclarativeContainer):
    """Every use case, created once per container, from the ports in its slots."""

    tuning: providers.Dependency[Tuning] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    ids: providers.Dependency[Ids] = providers.Dependency()
    telemetry: providers.Dependency[Telemetry] = providers.Dependency()
    jobs: providers.Dependency[JobStore] = providers.Dependency()
    chunks: providers.Dependency[ChunkStore] = providers.Dependency()
    connector_store: providers.Dependency[ConnectorStore] = providers.Dependency()
    errors: providers.Dependency[ErrorLog] = providers.Dependency()
    catalog: providers.Dependency[Catalog] = providers.Dependency()
    objects: providers.Dependency[ObjectStore] = providers.Dependency()
    results: providers.Dependency[ResultsStore] = providers.Dependency()
    batch_jobs: providers.Dependency[BatchJobs] = providers.Dependency()
    queue: providers.Dependency[ChunkQueue] = providers.Dependency()
    invoker: providers.Dependency[EngineInvoker] = providers.Dependency()
    notifier: providers.Dependency[StatusNotifier] = providers.Dependency()
    bus: providers.Dependency[IngestBus] = providers.Dependency()
    ingest_queue: providers.Dependency[IngestQueue] = providers.Dependency()
    profile: providers.Dependency[Profile] = providers.Dependency()
    results_bucket_name: providers.Dependency[str] = providers.Dependency()

    status_publisher = _singleton(StatusPublisher, locals())
    queueing = _singleton(ChunkEnqueuer, locals())

    connectors = _singleton(Connectors, locals(), connectors=connector_store)
    start_sync = _singleton(StartSync, locals(), connectors=connector_store, engine=invoker)
    cancel_job = _singleton(CancelJob, locals(), engine=invoker)
    redrive_job = _singleton(RedriveJob, locals(), engine=invoker)
    outcome_pages = _singleton(OutcomePages, locals())
    explain_object = _singleton(ExplainObject, locals())
    queries = _singleton(JobQueries, locals())

    known_objects = _singleton(KnownObjects, locals())
    chunk_recorder = _singleton(ChunkRecorder, locals())
    ingest_watch = _singleton(IngestWatch, locals(), connectors=connector_store, queue=ingest_queue)
    list_bucket = _singleton(ListBucket, locals())
    discovery = _singleton(BatchDiscovery, locals())
    split = _singleton(SplitIntoChunks, locals())
    requeue = _singleton(RequeueFailures, locals())
    unfinished_copies = _singleton(UnfinishedCopies, locals())
    chunk_errors = _singleton(ChunkErrors, locals())
    stop_discovery = _singleton(StopDiscovery, locals())
    cancel_chunk = _singleton(CancelChunk, locals())
    record_failure = _singleton(RecordFailure, locals())
    end_job = _singleton(EndJob, locals())
    engine_steps = _singleton(EngineSteps, locals())
    engine = _singleton(Engine, locals(), steps=engine_steps)
    repair_chunks = _singleton(RepairChunks, locals())
    repair_job = _singleton(RepairJob, locals())
    sweep = _singleton(Sweep, locals())

    object_decisions = _singleton(ObjectDecisions, locals())
    object_announcements = _singleton(ObjectAnnouncements, locals(), queue=ingest_queue)
    object_writer = _singleton(ObjectWriter, locals())
    object_processor = _singleton(
        ObjectProcessor,
        locals(),
        decisions=object_decisions,
        writer=object_writer,
        announcements=object_announcements,
    )
    discover_object = _singleton(DiscoverObject, locals())
    chunk_leases = _singleton(ChunkLeases, locals())
    chunk_attempts = _singleton(ChunkAttempts, locals())
    chunk_outcomes = _singleton(ChunkOutcomes, locals())
    settlement = _singleton(ChunkSettlement, locals())
    process_chunk = _singleton(ProcessChunk, locals(), leases=chunk_leases, attempts=chunk_attempts)
