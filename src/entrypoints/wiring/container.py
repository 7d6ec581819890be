"""The ports and other use cases that each use case gets, independent of the adapters.

Ports are `Dependency` slots. `entrypoints.wiring.ports` fills them from typed values, one for each
function; the slots that a function does not need stay empty, and a use case that needs an empty
slot cannot be created. An app takes its use cases when it opens, so that is found at the start.
All providers are synchronous: clients are opened before the container is created.
"""

from __future__ import annotations

from dependency_injector import containers, providers

from application.connectors import Connectors
from application.engine.advance_job import Engine, EngineSteps
from application.engine.batch_discovery import BatchDiscovery
from application.engine.cancel_chunk import CancelChunk
from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.end_job import EndJob
from application.engine.ingest_watch import IngestWatch
from application.engine.list_bucket import ListBucket
from application.engine.repair_chunks import RepairChunks
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

    status_publisher = providers.Singleton(
        StatusPublisher,
        jobs=jobs,
        results=results,
        notifier=notifier,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    queueing = providers.Singleton(ChunkEnqueuer, chunks=chunks, queue=queue, clock=clock)

    connectors = providers.Singleton(
        Connectors,
        connectors=connector_store,
        profile=profile,
        results_bucket_name=results_bucket_name,
        clock=clock,
        ids=ids,
    )
    start_sync = providers.Singleton(
        StartSync,
        connectors=connector_store,
        jobs=jobs,
        engine=invoker,
        status_publisher=status_publisher,
        clock=clock,
        ids=ids,
        telemetry=telemetry,
    )
    cancel_job = providers.Singleton(
        CancelJob, jobs=jobs, engine=invoker, clock=clock, telemetry=telemetry
    )
    redrive_job = providers.Singleton(
        RedriveJob,
        jobs=jobs,
        engine=invoker,
        status_publisher=status_publisher,
        clock=clock,
        telemetry=telemetry,
    )
    outcome_pages = providers.Singleton(
        OutcomePages, jobs=jobs, chunks=chunks, results=results, clock=clock, tuning=tuning
    )
    explain_object = providers.Singleton(
        ExplainObject, jobs=jobs, chunks=chunks, results=results, clock=clock, tuning=tuning
    )
    queries = providers.Singleton(JobQueries, jobs=jobs, chunks=chunks, errors=errors)

    ingest_watch = providers.Singleton(
        IngestWatch,
        connectors=connector_store,
        queue=ingest_queue,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    list_bucket = providers.Singleton(
        ListBucket,
        objects=objects,
        results=results,
        ingest_watch=ingest_watch,
        profile=profile,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    discovery = providers.Singleton(
        BatchDiscovery,
        batch_jobs=batch_jobs,
        results=results,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    split = providers.Singleton(
        SplitIntoChunks,
        jobs=jobs,
        chunks=chunks,
        results=results,
        errors=errors,
        queueing=queueing,
        clock=clock,
        tuning=tuning,
    )
    requeue = providers.Singleton(
        RequeueFailures, jobs=jobs, chunks=chunks, queueing=queueing, clock=clock, tuning=tuning
    )
    unfinished_copies = providers.Singleton(
        UnfinishedCopies, objects=objects, results=results, telemetry=telemetry
    )
    chunk_errors = providers.Singleton(
        ChunkErrors,
        errors=errors,
        results=results,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    stop_discovery = providers.Singleton(
        StopDiscovery,
        batch_jobs=batch_jobs,
        results=results,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    cancel_chunk = providers.Singleton(
        CancelChunk,
        chunks=chunks,
        results=results,
        chunk_errors=chunk_errors,
        unfinished_copies=unfinished_copies,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    end_job = providers.Singleton(
        EndJob,
        jobs=jobs,
        chunks=chunks,
        errors=errors,
        stop_discovery=stop_discovery,
        cancel_chunk=cancel_chunk,
        status_publisher=status_publisher,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    engine_steps = providers.Singleton(
        EngineSteps,
        list_bucket=list_bucket,
        discovery=discovery,
        split=split,
        requeue=requeue,
        end_job=end_job,
    )
    engine = providers.Singleton(
        Engine,
        jobs=jobs,
        steps=engine_steps,
        status_publisher=status_publisher,
        invoker=invoker,
        clock=clock,
        ids=ids,
        telemetry=telemetry,
        tuning=tuning,
    )
    repair_chunks = providers.Singleton(
        RepairChunks,
        chunks=chunks,
        queue=queue,
        queueing=queueing,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    sweep = providers.Singleton(
        Sweep,
        jobs=jobs,
        repair_chunks=repair_chunks,
        end_job=end_job,
        status_publisher=status_publisher,
        invoker=invoker,
        clock=clock,
        telemetry=telemetry,
        ingest_watch=ingest_watch,
        tuning=tuning,
    )

    object_decisions = providers.Singleton(
        ObjectDecisions,
        objects=objects,
        catalog=catalog,
        profile=profile,
        clock=clock,
        tuning=tuning,
    )
    object_announcements = providers.Singleton(
        ObjectAnnouncements, bus=bus, queue=ingest_queue, tuning=tuning
    )
    object_writer = providers.Singleton(ObjectWriter, objects=objects, tuning=tuning)
    object_processor = providers.Singleton(
        ObjectProcessor,
        decisions=object_decisions,
        writer=object_writer,
        announcements=object_announcements,
        clock=clock,
        tuning=tuning,
    )
    discover_object = providers.Singleton(
        DiscoverObject, jobs=jobs, object_processor=object_processor, clock=clock
    )
    chunk_leases = providers.Singleton(
        ChunkLeases,
        chunks=chunks,
        results=results,
        queue=queue,
        clock=clock,
        ids=ids,
        telemetry=telemetry,
        tuning=tuning,
    )
    chunk_attempts = providers.Singleton(
        ChunkAttempts,
        jobs=jobs,
        objects=objects,
        results=results,
        object_processor=object_processor,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    chunk_outcomes = providers.Singleton(
        ChunkOutcomes, results=results, clock=clock, telemetry=telemetry, tuning=tuning
    )
    settlement = providers.Singleton(
        ChunkSettlement,
        chunks=chunks,
        chunk_outcomes=chunk_outcomes,
        chunk_errors=chunk_errors,
        status_publisher=status_publisher,
        unfinished_copies=unfinished_copies,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
    process_chunk = providers.Singleton(
        ProcessChunk,
        jobs=jobs,
        leases=chunk_leases,
        attempts=chunk_attempts,
        settlement=settlement,
        status_publisher=status_publisher,
        clock=clock,
        telemetry=telemetry,
        tuning=tuning,
    )
