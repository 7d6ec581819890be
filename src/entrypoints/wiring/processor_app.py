"""The processor's use cases, and what its entrypoint takes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.processor.announce_objects import ObjectAnnouncements
from application.processor.check_bucket import CheckBucket
from application.processor.chunk_outcomes import ChunkOutcomes
from application.processor.decide_objects import ObjectDecisions
from application.processor.discover_object import DiscoverObject
from application.processor.hand_over import HandOver
from application.processor.lease_chunk import ChunkLeases
from application.processor.look_at_object import LookAtObject
from application.processor.process_chunk import ProcessChunk
from application.processor.process_objects import ObjectProcessor
from application.processor.run_attempt import ChunkAttempts
from application.processor.settle_chunk import ChunkSettlement
from application.processor.survey_bucket import SurveyBucket
from application.processor.worker_slot import WorkerSlots
from application.processor.write_object import ObjectWriter
from entrypoints.wiring.chunk_use_cases import ChunkUseCases
from entrypoints.wiring.slots import app_of, singleton

if TYPE_CHECKING:
    from ports.clock import Clock
    from ports.error_log import ErrorLog
    from ports.telemetry import Telemetry


class ProcessorUseCases(ChunkUseCases):
    """Created once per container, from the ports in its slots."""

    object_decisions = singleton(ObjectDecisions, locals(), ChunkUseCases)
    object_announcements = singleton(
        ObjectAnnouncements, locals(), ChunkUseCases, queue=ChunkUseCases.ingest_queue
    )
    object_writer = singleton(ObjectWriter, locals(), ChunkUseCases)
    object_processor = singleton(
        ObjectProcessor,
        locals(),
        ChunkUseCases,
        decisions=object_decisions,
        writer=object_writer,
        announcements=object_announcements,
    )
    discover_object = singleton(DiscoverObject, locals(), ChunkUseCases)
    survey_bucket = singleton(SurveyBucket, locals(), ChunkUseCases, decisions=object_decisions)
    look_at_object = singleton(LookAtObject, locals(), ChunkUseCases)
    check_bucket = singleton(CheckBucket, locals(), ChunkUseCases)
    chunk_leases = singleton(ChunkLeases, locals(), ChunkUseCases)
    hand_over = singleton(HandOver, locals(), ChunkUseCases, leases=chunk_leases)
    worker_slots = singleton(WorkerSlots, locals(), ChunkUseCases)
    chunk_attempts = singleton(ChunkAttempts, locals(), ChunkUseCases)
    chunk_outcomes = singleton(ChunkOutcomes, locals(), ChunkUseCases)
    settlement = singleton(ChunkSettlement, locals(), ChunkUseCases)
    process_chunk = singleton(
        ProcessChunk, locals(), ChunkUseCases, leases=chunk_leases, attempts=chunk_attempts
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorApp:
    """For the processor; messages of queues other than `queue_name` are dead letters."""

    process_chunk: ProcessChunk
    discover_object: DiscoverObject
    survey_bucket: SurveyBucket
    check_bucket: CheckBucket
    look_at_object: LookAtObject
    errors: ErrorLog
    queue_name: str
    clock: Clock
    telemetry: Telemetry


def processor_app(container: ProcessorUseCases, *, queue_name: str) -> ProcessorApp:
    """Take the processor's use cases."""
    return app_of(ProcessorApp, container, queue_name=queue_name)
