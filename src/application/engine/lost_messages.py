"""Infers which queued chunks have lost their message, from the depth of the queue.

A chunk that has been QUEUED for hours either waits in a long queue or has lost its message; its
record does not show which. The depth of the queue does: if it has fewer messages than there are
waiting chunks, the difference is lost. The depth does not show which of them; the queue is roughly
ordered, so the oldest are the most likely. A wrong guess adds a message, which hides the loss until
that message is processed. So a lost message causes at most one extra message for each chunk that
waits before it. It is sent again at the latest when the queue is empty, or after the queue's
retention period.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.chunk import Chunk, ChunkStatus
from domain.limits import QUEUE_DEPTH_LAG_S

# Twice the lag that AWS documents.
_DEPTH_LAG: Final = timedelta(seconds=2 * QUEUE_DEPTH_LAG_S)

# Bounds the memory of a sweep; the next sweep finds the others.
_CANDIDATE_COUNT_MAX: Final = 10_000

_WITH_MESSAGE: Final = frozenset({ChunkStatus.QUEUED, ChunkStatus.PROCESSING})


@dataclass(slots=True)
class WaitingChunks:
    """The chunks that should have a message in the queue, as one sweep has read them.

    `depth` is the number of messages at `since`, before the first chunk was read. If it is None,
    unknown, only messages that are older than the retention period count as lost.
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
        """Add a chunk that has been QUEUED for long; only the oldest are kept."""
        entry = (-chunk.updated_at.timestamp(), chunk.job_id, chunk.index, chunk)
        if len(self._oldest) < _CANDIDATE_COUNT_MAX:
            heapq.heappush(self._oldest, entry)
        else:
            heapq.heappushpop(self._oldest, entry)

    def lost(self, kept_s: float) -> list[Chunk]:
        """Return the chunks whose messages are considered lost, the oldest first.

        `kept_s` is the retention period of the queue, in seconds.
        """
        suspects = [entry[-1] for entry in sorted(self._oldest, key=lambda e: (-e[0], e[1:3]))]
        missing_count = 0 if self.depth is None else self.message_count - self.depth
        expired_before = self.since - timedelta(seconds=kept_s)
        expired_count = sum(chunk.updated_at <= expired_before for chunk in suspects)
        return suspects[: max(missing_count, expired_count)]
