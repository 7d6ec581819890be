"""The use cases on chunks that engine and processor share."""

from __future__ import annotations

from application.execution.free_slots import FreeSlots
from application.jobs.ingest_backlog import IngestBacklog
from application.known_objects import KnownObjects
from application.multipart.unfinished_copies import UnfinishedCopies
from application.results.chunk_errors import ChunkErrors
from application.results.snapshot_files import SnapshotReader
from entrypoints.wiring.slots import Slots, singleton


class ChunkUseCases(Slots):
    """Created once per container, from the ports in its slots."""

    free_slots = singleton(FreeSlots, locals(), Slots)
    ingest_backlog = singleton(IngestBacklog, locals(), Slots, queue=Slots.ingest_queue)
    snapshots = singleton(SnapshotReader, locals(), Slots)
    known_objects = singleton(KnownObjects, locals(), Slots)
    unfinished_copies = singleton(UnfinishedCopies, locals(), Slots)
    chunk_errors = singleton(ChunkErrors, locals(), Slots)
