"""Values that leave the service: chunk messages, ingest events and messages, status messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.chunk import FIRST_LIFE, Chunk, ChunkLife
from domain.decision import Decision
from domain.identity import Identity, event_id
from domain.job import Job, JobStatus, StatusNotice
from domain.outcome import Statistics
from domain.removal_rows import RemovalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkMessage:
    """An open chunk waits for a worker; `life` is the chunk's when the message was sent."""

    job_id: str
    chunk_index: int
    life: ChunkLife = FIRST_LIFE


def chunk_message(chunk: Chunk) -> ChunkMessage:
    """Return the message for a chunk's current life."""
    return ChunkMessage(job_id=chunk.job_id, chunk_index=chunk.index, life=chunk.life)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestEvent:
    """An object is ready for ingestion.

    `event_id` is equal for every repetition, and different for other content. The ids are None if
    the system generates them.
    """

    event_id: str
    job_id: str
    connector_id: str
    bucket_name: str
    object_key: str
    version_id: str | None
    e_tag: str
    size_bytes: int
    asset_id: str | None
    inventory_id: str | None
    processing_action: Decision


def ingest_event(
    job: Job,
    *,
    key: str,
    version_id: str | None,
    e_tag: str,
    size_bytes: int,
    identity: Identity,
    action: Decision,
) -> IngestEvent:
    """Return the event for one object of a job."""
    return IngestEvent(
        event_id=event_id(
            job.job_id, job.request.bucket.name, key, e_tag=e_tag, version_id=version_id
        ),
        job_id=job.job_id,
        connector_id=job.request.connector_id,
        bucket_name=job.request.bucket.name,
        object_key=key,
        version_id=version_id,
        e_tag=e_tag,
        size_bytes=size_bytes,
        asset_id=identity.asset_id,
        inventory_id=identity.inventory_id,
        processing_action=action,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestMessage:
    """One object for the system's ingest queue; `e_tag` has no quotes."""

    job_id: str
    bucket_name: str
    object_key: str
    version_id: str | None
    e_tag: str
    size_bytes: int


def ingest_message(event: IngestEvent) -> IngestMessage:
    """Return the message for the same object as an event."""
    return IngestMessage(
        job_id=event.job_id,
        bucket_name=event.bucket_name,
        object_key=event.object_key,
        version_id=event.version_id,
        e_tag=event.e_tag,
        size_bytes=event.size_bytes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusMessage:
    """A job's status changed."""

    job_id: str
    connector_id: str
    bucket_name: str
    status: JobStatus
    previous_status: JobStatus | None
    statistics: Statistics
    occurred_at: datetime


def status_message(job: Job, notice: StatusNotice) -> StatusMessage:
    """Return the message for one notice of the job, with the current counts."""
    return StatusMessage(
        job_id=job.job_id,
        connector_id=job.request.connector_id,
        bucket_name=job.request.bucket.name,
        status=notice.status,
        previous_status=notice.previous_status,
        statistics=job.tally.statistics,
        occurred_at=notice.occurred_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalEvent:
    """An object that an earlier sync saw no longer exists.

    `event_id` is equal for every repetition, and different for every disappearance. The ids are
    None if they are not known. `new_object_key` is where its content was found, if it was moved.
    `last_seen_in` is the job that saw it last.
    """

    event_id: str
    job_id: str
    connector_id: str
    bucket_name: str
    object_key: str
    e_tag: str | None
    size_bytes: int | None
    asset_id: str | None
    inventory_id: str | None
    last_seen_in: str
    new_object_key: str | None


def removal_event(job: Job, row: RemovalRow) -> RemovalEvent:
    """Return the event for one removed object; its row has the id."""
    return RemovalEvent(
        event_id=row.event_id or "",
        job_id=job.job_id,
        connector_id=job.request.connector_id,
        bucket_name=job.request.bucket.name,
        object_key=row.key,
        e_tag=row.e_tag,
        size_bytes=row.size_bytes,
        asset_id=row.asset_id,
        inventory_id=row.inventory_id,
        last_seen_in=row.last_seen_in,
        new_object_key=row.new_key,
    )
