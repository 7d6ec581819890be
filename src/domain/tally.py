"""The tally: a job's counts, the sum over its chunks."""

from __future__ import annotations

from dataclasses import dataclass

from domain.chunk import Chunk, ChunkStatus
from domain.outcome import NOTHING, Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The sum over a job's chunks. `completed` counts chunks that ended with and without errors.

    `failed_in_discovery` is the part of `statistics.failed` that never reached a worker.
    """

    statistics: Statistics = NOTHING
    failed_in_discovery: int = 0
    chunks_total: int = 0
    chunks_completed: int = 0
    chunks_failed: int = 0
    chunks_cancelled: int = 0

    @property
    def chunks_settled(self) -> int:
        """Chunks in a terminal state."""
        return self.chunks_completed + self.chunks_failed + self.chunks_cancelled

    @property
    def reopens(self) -> bool:
        """As a change: whether it takes a chunk out of a terminal state."""
        return self.chunks_settled < 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            statistics=self.statistics + other.statistics,
            failed_in_discovery=self.failed_in_discovery + other.failed_in_discovery,
            chunks_total=self.chunks_total + other.chunks_total,
            chunks_completed=self.chunks_completed + other.chunks_completed,
            chunks_failed=self.chunks_failed + other.chunks_failed,
            chunks_cancelled=self.chunks_cancelled + other.chunks_cancelled,
        )


def tally_of(chunk: Chunk) -> Tally:
    """Return what one chunk contributes to its job's tally."""
    return Tally(
        statistics=chunk.statistics,
        failed_in_discovery=chunk.discovered.failed,
        chunks_total=1,
        chunks_completed=int(
            chunk.status in (ChunkStatus.COMPLETED, ChunkStatus.COMPLETED_WITH_ERRORS)
        ),
        chunks_failed=int(chunk.status is ChunkStatus.FAILED),
        chunks_cancelled=int(chunk.status is ChunkStatus.CANCELLED),
    )


def tally_change(before: Chunk, after: Chunk) -> Tally:
    """Return the change of the tally when a chunk changes; what discovery found stays."""
    old, new = tally_of(before), tally_of(after)
    return Tally(
        statistics=new.statistics - old.statistics,
        chunks_completed=new.chunks_completed - old.chunks_completed,
        chunks_failed=new.chunks_failed - old.chunks_failed,
        chunks_cancelled=new.chunks_cancelled - old.chunks_cancelled,
    )
