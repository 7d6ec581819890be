"""The chunk: a slice of the manifest, and the unit of queueing, lease, retry and settlement.

Life of a chunk: The splitter records it as PENDING, sends its message, and marks it QUEUED. A
worker that receives the message leases it (PROCESSING): the worker holds a token until a time at
which its process is certain to have ended. It settles the chunk (COMPLETED, or
COMPLETED_WITH_ERRORS if an object failed), or releases it with its progress saved (QUEUED). The
sweep returns a chunk with an expired lease to QUEUED. A message that ends in the dead-letter queue
takes the lease and releases the chunk. That does not count as an attempt, because a receive that
Lambda throttled is not one. After too many attempts, or too many dead letters, without progress a
chunk is FAILED. Only a redrive, which a user requests, returns a settled chunk to QUEUED.
While its job is held, a chunk is parked: it is QUEUED, and has no message until the job goes on.

Fencing is by `version`: a chunk carries the version that was read, the store writes only over that
version, and every write creates a new one. A worker whose lease was taken over has an old version
and can write nothing.

Dead letters are fenced by the chunk's life (`ChunkLife`): they may be days old, and a chunk that
was released or redriven since then has another message.

Messages may arrive before the chunk is marked QUEUED, so leasing a PENDING chunk passes through
QUEUED.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import ChunkAlreadySettled, ChunkLeaseHeld, LeaseLost, MessageOutdated
from domain.lease import Lease
from domain.machine import Table, next_state, table, terminal_states
from domain.outcome import NOTHING, Statistics


class ChunkStatus(StrEnum):
    """States of a chunk."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FULLY_REPORTED: Final = frozenset({ChunkStatus.COMPLETED, ChunkStatus.COMPLETED_WITH_ERRORS})
"""States in which a chunk's files have the outcome of each of its objects."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ChunkLife:
    """The chunk's redrive, and how often it was released within that redrive.

    Each life has its own message. Later lives compare as greater.
    """

    redrive_number: int = 0
    released_count: int = 0

    def next(self) -> ChunkLife:
        """Return the life after one more release."""
        return replace(self, released_count=self.released_count + 1)


FIRST_LIFE: Final = ChunkLife()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk's record.

    Of `object_count` manifest entries, `entry_count` need a worker. The outcomes of the others were
    known when the chunk was created and are counted in `discovered`. `statistics` is this chunk's
    part of the job's tally: `discovered`, and after settlement all outcomes. `entries_key` names
    the file with the entries, if the index alone does not. `progress_key` names the file with the
    outcomes of earlier attempts, whose objects are not processed again.
    `attempt_count` counts the workers' leases since the last progress, `dead_letter_count` the
    dead letters since then. `life` is that of a message sent now.
    A `parked` chunk has no message: its job is held.
    `status_reason` is why the chunk failed, or the last attempt at it ended.
    """

    job_id: str
    index: int
    status: ChunkStatus
    version: int = 0
    object_count: int
    entry_count: int
    size_bytes: int
    first_key: str
    last_key: str
    discovered: Statistics = NOTHING
    statistics: Statistics = NOTHING
    attempt_count: int = 0
    lease: Lease | None = None
    entries_key: str | None = None
    progress_key: str | None = None
    life: ChunkLife = FIRST_LIFE
    dead_letter_count: int = 0
    parked: bool = False
    status_reason: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def terminal(self) -> bool:
        """Whether the chunk is settled."""
        return self.status in TERMINAL

    def covers(self, key: str) -> bool:
        """Return whether the key may belong to the chunk: it is within the range of its keys."""
        return self.first_key <= key <= self.last_key

    @property
    def lease_token(self) -> str:
        """The token of the chunk's lease, empty without one."""
        return self.lease.token if self.lease else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkQueued:
    """Its message was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLeased:
    """A worker leased it."""

    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReleased:
    """Its worker released it and saved the progress under `progress_key`.

    `reason` is the error that ended the attempt, if there was one.
    """

    progress_key: str | None
    progressed: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkDeadLettered:
    """Its message ended in the dead-letter queue; it was leased only to be released unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkParked:
    """Its job is held: its message was taken, or its worker stopped with its progress saved."""

    progress_key: str | None
    progressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLeaseExpired:
    """Its worker did not respond before the lease expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkCompleted:
    """All of its objects have outcomes, and none failed."""

    statistics: Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkCompletedWithErrors:
    """All of its objects have outcomes, and some failed."""

    statistics: Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFailed:
    """It failed; objects without an outcome count as failed."""

    statistics: Statistics
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkCancelled:
    """Its job is ending; `statistics` counts the objects done before."""

    statistics: Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRedriven:
    """A user requested that its failed objects are tried again."""

    redrive_number: int


ChunkEvent = (
    ChunkQueued
    | ChunkLeased
    | ChunkReleased
    | ChunkDeadLettered
    | ChunkParked
    | ChunkLeaseExpired
    | ChunkCompleted
    | ChunkCompletedWithErrors
    | ChunkFailed
    | ChunkCancelled
    | ChunkRedriven
)

CHUNK_TRANSITIONS: Final[Table[ChunkStatus]] = table(
    {
        ChunkStatus.PENDING: {
            ChunkQueued: ChunkStatus.QUEUED,
            ChunkCancelled: ChunkStatus.CANCELLED,
        },
        ChunkStatus.QUEUED: {
            ChunkQueued: ChunkStatus.QUEUED,
            ChunkLeased: ChunkStatus.PROCESSING,
            ChunkParked: ChunkStatus.QUEUED,
            ChunkCancelled: ChunkStatus.CANCELLED,
        },
        ChunkStatus.PROCESSING: {
            ChunkReleased: ChunkStatus.QUEUED,
            ChunkDeadLettered: ChunkStatus.QUEUED,
            ChunkParked: ChunkStatus.QUEUED,
            ChunkLeaseExpired: ChunkStatus.QUEUED,
            ChunkCompleted: ChunkStatus.COMPLETED,
            ChunkCompletedWithErrors: ChunkStatus.COMPLETED_WITH_ERRORS,
            ChunkFailed: ChunkStatus.FAILED,
            ChunkCancelled: ChunkStatus.CANCELLED,
        },
        ChunkStatus.COMPLETED: {},
        ChunkStatus.COMPLETED_WITH_ERRORS: {ChunkRedriven: ChunkStatus.QUEUED},
        ChunkStatus.FAILED: {ChunkRedriven: ChunkStatus.QUEUED},
        ChunkStatus.CANCELLED: {},
    }
)

TERMINAL: Final = terminal_states(CHUNK_TRANSITIONS, reopening=frozenset({ChunkRedriven}))


def evolve(chunk: Chunk, event: ChunkEvent, at: datetime) -> Chunk:
    """Return the chunk after `event`.

    Raises:
        IllegalTransition: The chunk's state does not allow this event.
    """
    status = next_state("chunk", CHUNK_TRANSITIONS, chunk.status, event)
    moved = replace(chunk, status=status, updated_at=at, parked=isinstance(event, ChunkParked))
    match event:
        case ChunkQueued():
            return moved
        case ChunkLeased(lease=lease):
            return replace(moved, lease=lease, attempt_count=chunk.attempt_count + 1)
        case ChunkReleased(progress_key=key, progressed=progressed, reason=reason):
            return replace(
                moved,
                lease=None,
                status_reason=reason,
                progress_key=key,
                attempt_count=0 if progressed else chunk.attempt_count,
                dead_letter_count=0 if progressed else chunk.dead_letter_count,
                life=chunk.life.next(),
            )
        case ChunkDeadLettered():
            return replace(
                moved,
                lease=None,
                attempt_count=chunk.attempt_count - 1,
                dead_letter_count=chunk.dead_letter_count + 1,
                life=chunk.life.next(),
            )
        case ChunkParked(progress_key=key, progressed=progressed):
            attempt_count = chunk.attempt_count - (chunk.lease is not None)
            return replace(
                moved,
                lease=None,
                progress_key=key,
                attempt_count=0 if progressed else attempt_count,
                dead_letter_count=0 if progressed else chunk.dead_letter_count,
                life=chunk.life.next(),
            )
        case ChunkLeaseExpired():
            return replace(moved, lease=None)
        case (
            ChunkCompleted(statistics=statistics)
            | ChunkCompletedWithErrors(statistics=statistics)
            | ChunkCancelled(statistics=statistics)
        ):
            return replace(moved, lease=None, statistics=statistics, status_reason=None)
        case ChunkFailed(statistics=statistics, reason=reason):
            return replace(moved, lease=None, statistics=statistics, status_reason=reason)
        case ChunkRedriven(redrive_number=number):
            return replace(
                moved,
                statistics=replace(chunk.statistics, failed=chunk.discovered.failed),
                attempt_count=0,
                progress_key=None,
                life=ChunkLife(redrive_number=number),
                dead_letter_count=0,
                status_reason=None,
            )


def redrivable(chunk: Chunk) -> bool:
    """Return whether a retry may fix a failure; failures of discovery are not retried."""
    match chunk.status:
        case ChunkStatus.FAILED:
            return chunk.entry_count > 0
        case ChunkStatus.COMPLETED_WITH_ERRORS:
            return chunk.statistics.failed > chunk.discovered.failed
        case _:
            return False


def lease_chunk(chunk: Chunk, *, token: str, now: datetime, lease_s: float) -> Chunk:
    """Return the chunk leased to `token` until `lease_s` seconds from now.

    An expired lease may be taken over at once, without waiting for the sweep.

    Raises:
        ChunkAlreadySettled: There is nothing left to do.
        ChunkLeaseHeld: Another token's lease is live.
    """
    if chunk.terminal:
        raise ChunkAlreadySettled(f"chunk {chunk.index} of {chunk.job_id} is {chunk.status}")
    if chunk.lease is not None:
        if chunk.lease.live(now):
            raise ChunkLeaseHeld(
                f"chunk {chunk.index} of {chunk.job_id} is leased until {chunk.lease.expires_at}"
            )
        chunk = evolve(chunk, ChunkLeaseExpired(), now)
    if chunk.status is ChunkStatus.PENDING:
        chunk = evolve(chunk, ChunkQueued(), now)
    lease = Lease(token=token, expires_at=now + timedelta(seconds=lease_s))
    return evolve(chunk, ChunkLeased(lease=lease), now)


def check_life(chunk: Chunk, life: ChunkLife) -> None:
    """Check that the open chunk has had no newer message than those of this life.

    Raises:
        MessageOutdated: The chunk was released or redriven since the message was sent.
    """
    if life < chunk.life and not chunk.terminal:
        raise MessageOutdated(
            f"the message is of {life}; chunk {chunk.index} of {chunk.job_id} is in {chunk.life}"
        )


def check_lease(chunk: Chunk, *, token: str, now: datetime) -> None:
    """Check that `token` may still write for this chunk.

    Raises:
        LeaseLost: Another token has the lease, or it expired.
    """
    if chunk.lease is None or chunk.lease.token != token or not chunk.lease.live(now):
        raise LeaseLost(f"the lease on chunk {chunk.index} of {chunk.job_id} has been lost")


def settle_chunk(chunk: Chunk, processed: Statistics, *, now: datetime) -> Chunk:
    """Return the leased chunk settled; `processed` counts its entries' outcomes."""
    statistics = chunk.discovered + processed
    if statistics.failed:
        return evolve(chunk, ChunkCompletedWithErrors(statistics=statistics), now)
    return evolve(chunk, ChunkCompleted(statistics=statistics), now)


def fail_chunk(chunk: Chunk, processed: Statistics, reason: str, *, now: datetime) -> Chunk:
    """Return the leased chunk FAILED; its entries without an outcome count as failed.

    If no outcome is known, for example because its files cannot be read, the earlier counts stay.
    """
    counted = _counted(chunk, processed)
    missing = chunk.object_count - counted.total
    statistics = replace(counted, failed=counted.failed + missing)
    return evolve(chunk, ChunkFailed(statistics=statistics, reason=reason), now)


def cancel_chunk(chunk: Chunk, processed: Statistics, *, now: datetime) -> Chunk:
    """Return the chunk CANCELLED, its finished objects counted; no other lease may be live.

    If no outcome is known, the earlier counts stay.
    """
    return evolve(chunk, ChunkCancelled(statistics=_counted(chunk, processed)), now)


def _counted(chunk: Chunk, processed: Statistics) -> Statistics:
    return chunk.discovered + processed if processed.total else chunk.statistics


def lease_expired(chunk: Chunk, now: datetime) -> bool:
    """Return whether a worker had the chunk and its lease has expired."""
    return chunk.lease is not None and not chunk.lease.live(now)
