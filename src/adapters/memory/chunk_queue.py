"""The processor queue, with delays on the test's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.limits import QUEUE_DELAY_S_MAX
from domain.message import ChunkMessage
from ports.chunk_queue import ChunkQueue
from ports.clock import Clock
from ports.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage(ChunkMessage):
    """A message that has not been received yet."""

    visible_at: datetime


class MemoryChunkQueue:
    """Stores sent messages in `messages`; a receiver may send one again, as SQS would.

    `taken_count` counts received messages that are still in progress, for `depth`. The receiver
    maintains it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.messages: list[SentMessage] = []
        self.taken_count = 0

    async def send(self, messages: Sequence[ChunkMessage], *, delay_s: int = 0) -> None:
        if not 0 <= delay_s <= QUEUE_DELAY_S_MAX:
            raise Refused(f"a delay of {delay_s} s", operation="SendMessageBatch")
        visible_at = self._clock.now() + timedelta(seconds=delay_s)
        self.messages += [
            SentMessage(
                job_id=message.job_id,
                chunk_index=message.chunk_index,
                life=message.life,
                visible_at=visible_at,
            )
            for message in messages
        ]

    async def depth(self) -> int:
        return len(self.messages) + self.taken_count

    def receive(self) -> list[SentMessage]:
        """Remove and return the messages whose delay is over."""
        now = self._clock.now()
        received = [message for message in self.messages if message.visible_at <= now]
        self.messages = [message for message in self.messages if message.visible_at > now]
        return received


_: type[ChunkQueue] = MemoryChunkQueue
