"""Which queued chunks have lost their message: told by what the queue still holds.

A chunk that has been QUEUED for hours either waits its turn in a long queue or has lost its
message; its record does not tell which. The queue's depth does: where it holds fewer messages than
chunks should have in it, the difference is lost. Which of them, nobody can see; the queue keeps
its order more or less, so the oldest are the likeliest. A guess that was wrong adds a message, so
that the depth does not show the loss before that message is worked off: a lost message costs at
most one for each chunk that waits before it, and is sent again at the latest when the queue is
empty, or has held all its messages as long as it keeps any.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.chunk import Chunk, ChunkStatus
from domain.limits import QUEUE_DEPTH_LAG_S

# Twice the lag that AWS names, to be sure.
_DEPTH_LAG: Final = timedelta(seconds=2 * QUEUE_DEPTH_LAG_S)

# Bounds the memory of a sweep; the next sweep finds the rest.
_CANDIDATE_COUNT_MAX: Final = 10_000

_WITH_MESSAGE: Final = frozenset({ChunkStatus.QUEUED, ChunkStatus.PROCESSING})


@dataclass(slots=True)
class WaitingChunks:
    """What one sweep has seen of chunks that should have a message in the queue.

    `depth` is what the queue held at `since`, before the first chunk was read; None if that is not
    known, and then only messages that are older than the queue keeps any count as lost.
    """

    since: datetime
    depth: int | None
    message_count: int = 0
    _oldest: list[tuple[float, str, int, Chunk]] = field(default_factory=list)

    def saw(self, chunk: Chunk) -> None:
        """Count a chunk, unless its message may be too new to show in the depth."""
        if chunk.status in _WITH_MESSAGE and chunk.updated_at + _DEPTH_LAG <= self.since:
            self.message_count += 1

    def suspect(self, chunk: Chunk) -> None:
        """Note a chunk that has been QUEUED for long; of very many the oldest are kept."""
        entry = (-chunk.updated_at.timestamp(), chunk.job_id, chunk.index, chunk)
        if len(self._oldest) < _CANDIDATE_COUNT_MAX:
            heapq.heappush(self._oldest, entry)
        else:
            heapq.heappushpop(self._oldest, entry)

    def lost(self, kept_s: float) -> list[Chunk]:
        """Return the suspects whose messages are taken for lost, the oldest first.

        `kept_s` is how long the queue keeps a message.
        """
        suspects = [entry[-1] for entry in sorted(self._oldest, key=lambda e: (-e[0], e[1:3]))]
        missing_count = 0 if self.depth is None else self.message_count - self.depth
        expired_before = self.since - timedelta(seconds=kept_s)
        expired_count = sum(chunk.updated_at <= expired_before for chunk in suspects)
        return suspects[: max(missing_count, expired_count)]
