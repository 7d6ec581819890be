"""Sends chunk messages, and records that they were sent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from application.execution.fanout import fan_out
from domain.chunk import Chunk, ChunkQueued, ChunkStatus, evolve
from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from domain.message import chunk_message
from ports.chunk_queue import ChunkQueue
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.errors import Conflict

_MARKS_IN_FLIGHT: Final = 8


class ChunkEnqueuer:
    """Puts chunks on the processor queue: the record first, then the message, then the mark."""

    def __init__(self, *, chunks: ChunkStore, queue: ChunkQueue, clock: Clock) -> None:
        self._chunks = chunks
        self._queue = queue
        self._clock = clock

    async def enqueue(self, chunks: Sequence[Chunk], *, due: datetime | None = None) -> None:
        """Send the messages of recorded chunks, and mark those that still wait as QUEUED.

        With `due`, at most 15 minutes ahead, they are received after that time.

        The sweep finds lost messages by the time of the mark, so chunks that are QUEUED already
        are marked again. Each request's messages are marked before the next request: a process
        that dies here leaves at most one request's messages unmarked.
        """
        by_job: dict[str, list[Chunk]] = {}
        for chunk in chunks:
            by_job.setdefault(chunk.job_id, []).append(chunk)
        for waiting in by_job.values():
            for start in range(0, len(waiting), QUEUE_MESSAGE_COUNT_MAX):
                group = waiting[start : start + QUEUE_MESSAGE_COUNT_MAX]
                delay_s = 0 if due is None else self._delay_s(due)
                await self._queue.send([chunk_message(chunk) for chunk in group], delay_s=delay_s)
                await fan_out(group, self._mark, limit=_MARKS_IN_FLIGHT)

    def _delay_s(self, due: datetime) -> int:
        return max(0, math.ceil((due - self._clock.now()).total_seconds()))

    async def _mark(self, sent: Chunk) -> None:
        chunk = await self._chunks.get(sent.job_id, sent.index)
        waits = chunk.status in (ChunkStatus.PENDING, ChunkStatus.QUEUED)
        parked_again = chunk.parked and chunk.life != sent.life
        if not waits or parked_again:
            return  # a worker was quicker
        try:
            await self._chunks.save(evolve(chunk, ChunkQueued(), self._clock.now()))
        except Conflict:
            return  # a worker was quicker
