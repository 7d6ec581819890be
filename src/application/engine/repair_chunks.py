"""Recovers chunks: those whose worker died, and those whose message is lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.lost_messages import WaitingChunks
from application.execution.deadline import Deadline
from application.execution.free_slots import FreeSlots
from application.execution.tuning import Tuning
from application.results.failure_records import cause_of
from domain.chunk import Chunk, ChunkLeaseExpired, ChunkStatus, evolve, lease_expired
from domain.hold import Hold, hold_of
from domain.job import Job
from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from domain.parking import park_chunk
from ports.chunk_queue import ChunkQueue
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import Conflict
from ports.telemetry import Metric, Telemetry

_AHEAD: Final = timedelta(minutes=6)
"""The sweep runs every five minutes. What it misses by being late, the next one sends."""

_CLOCKS_DIFFER: Final = timedelta(seconds=2)
"""A worker whose clock is behind would park the chunk again."""


class RepairChunks:
    """The part of the sweep that goes over chunks."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        queue: ChunkQueue,
        queueing: ChunkEnqueuer,
        free_slots: FreeSlots,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._chunks = chunks
        self._queue = queue
        self._queueing = queueing
        self._free_slots = free_slots
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def read_queue_depth(self) -> tuple[WaitingChunks, Exception | None]:
        """Read the queue's depth before any chunk: a message that leaves later is not lost."""
        now = self._clock.now()
        try:
            return WaitingChunks(since=now, depth=await self._queue.depth()), None
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("queue_not_read", cause=cause_of(error))
            return WaitingChunks(since=now, depth=None), error

    async def repair(
        self, job: Job, now: datetime, waiting: WaitingChunks, deadline: Deadline
    ) -> None:
        """Requeue chunks without a message; add to `waiting` those that may have none.

        While the job is held none is requeued: chunks of dead workers are parked. Where workers
        need slots, as many parked chunks are requeued as there are free ones. The messages of
        parked chunks are sent before a time window opens, and received when it does.
        """
        hold = hold_of(job, now)
        held, due = hold is not None, _opens_soon(job, hold, now)
        may_send = not held or due is not None
        lost: list[Chunk] = []
        free = await self._free_slots.count(job) if may_send else 0
        async for chunk in self._chunks.chunks(job.job_id):
            if deadline.near(self._tuning.stop_margin_s):
                break
            if lease_expired(chunk, now):
                released = await self._release_expired(chunk, now, park=held)
                if released is not None and not held:
                    lost.append(released)
            elif chunk.parked:
                if may_send and free != 0:
                    lost.append(chunk)
                    free = None if free is None else free - 1
            elif chunk.status is ChunkStatus.PENDING:
                if not held and self._stale(chunk, now, self._tuning.stuck_after_s):
                    lost.append(chunk)
            else:
                waiting.saw(chunk)
                if chunk.status is ChunkStatus.QUEUED and self._stale(
                    chunk, now, self._tuning.queued_again_after_s
                ):
                    waiting.suspect(chunk)
            if len(lost) >= QUEUE_MESSAGE_COUNT_MAX:
                await self._requeue(lost, due)
                lost = []
        await self._requeue(lost, due)

    async def send_lost(self, waiting: WaitingChunks, deadline: Deadline) -> None:
        """Send the messages again that are considered lost."""
        lost = waiting.lost(self._tuning.queue_retention_s)
        for start in range(0, len(lost), QUEUE_MESSAGE_COUNT_MAX):
            if deadline.near(self._tuning.stop_margin_s):
                return
            await self._requeue(lost[start : start + QUEUE_MESSAGE_COUNT_MAX])

    async def _release_expired(self, chunk: Chunk, now: datetime, *, park: bool) -> Chunk | None:
        free = park_chunk(chunk, now) if park else evolve(chunk, ChunkLeaseExpired(), now)
        try:
            return await self._chunks.save(free)
        except Conflict:
            return None  # its worker settled it, or another worker leased it

    async def _requeue(self, chunks: Sequence[Chunk], due: datetime | None = None) -> None:
        if chunks:
            self._telemetry.count(Metric.CHUNKS_RECOVERED, len(chunks))
            await self._queueing.enqueue(chunks, due=due)

    def _stale(self, chunk: Chunk, now: datetime, after_s: float) -> bool:
        return (now - chunk.updated_at).total_seconds() >= after_s


def _opens_soon(job: Job, hold: Hold | None, now: datetime) -> datetime | None:
    """Return when to receive messages of a job whose window opens before the next sweep looks."""
    if hold is None or hold.until is None or job.backlog is not None:
        return None
    return hold.until + _CLOCKS_DIFFER if hold.until - now <= _AHEAD else None
