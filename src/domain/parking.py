"""Parking a chunk whose job is held: its message is taken, and sent again when the job goes on.

A message that waited in the queue instead would be received again and again, and so end in the
dead-letter queue, or expire.
"""

from __future__ import annotations

from datetime import datetime

from domain.chunk import Chunk, ChunkLeaseExpired, ChunkParked, ChunkQueued, ChunkStatus, evolve
from domain.errors import ChunkAlreadySettled


def park_chunk(chunk: Chunk, now: datetime) -> Chunk:
    """Return the open chunk parked, because a message of it was taken while its job is held.

    A chunk that a worker holds is returned unchanged: the worker parks it. So is a parked one.

    Raises:
        ChunkAlreadySettled: There is nothing left to do.
    """
    if chunk.terminal:
        raise ChunkAlreadySettled(f"chunk {chunk.index} of {chunk.job_id} is {chunk.status}")
    if chunk.parked or (chunk.lease is not None and chunk.lease.live(now)):
        return chunk
    if chunk.lease is not None:
        chunk = evolve(chunk, ChunkLeaseExpired(), now)
    if chunk.status is ChunkStatus.PENDING:
        chunk = evolve(chunk, ChunkQueued(), now)
    return evolve(chunk, ChunkParked(progress_key=chunk.progress_key), now)
