"""Ingest queues of an Asset Management System, each as a list of accepted messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from domain.limits import QUEUE_MESSAGE_COUNT_MAX
from domain.message import IngestMessage
from ports.clock import Clock
from ports.errors import NotFound, PortError, Refused
from ports.ingest_queue import IngestQueue

# SQS Developer Guide, "Exactly-once processing in Amazon SQS" (read in 2026-11).
DEDUPLICATION_INTERVAL: Final = timedelta(minutes=5)


_Sent = tuple[IngestMessage, datetime]


@dataclass(slots=True)
class _Queue:
    """The messages of one queue; `taken_at` is the time of each message in a FIFO queue."""

    waiting: list[_Sent] = field(default_factory=list)
    received: list[_Sent] = field(default_factory=list)
    taken_at: dict[IngestMessage, datetime] = field(default_factory=dict)


class MemoryIngestQueue:
    """Stores the messages of each queue from `create`; a URL that ends in `.fifo` is FIFO.

    `refuse` may be set to a function that returns, for each message, the error that rejects it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self.refuse: Callable[[IngestMessage], PortError | None] = lambda _: None

    def create(self, queue_url: str) -> None:
        """Create an empty queue, or leave an existing one unchanged."""
        self._queues.setdefault(queue_url, _Queue())

    async def send(
        self, queue_url: str, messages: Sequence[IngestMessage]
    ) -> list[PortError | None]:
        if not messages:
            return []
        if len(messages) > QUEUE_MESSAGE_COUNT_MAX:
            raise Refused(f"{len(messages)} messages in one request", operation="SendMessageBatch")
        queue = self._queue(queue_url, "SendMessageBatch")
        errors = [self.refuse(message) for message in messages]
        for message, error in zip(messages, errors, strict=True):
            if error is None and not (
                queue_url.endswith(".fifo") and self._repeated(queue, message)
            ):
                queue.waiting.append((message, self._clock.now()))
        return errors

    async def depth(self, queue_url: str) -> int:
        queue = self._queue(queue_url, "GetQueueAttributes")
        return len(queue.waiting) + len(queue.received)

    async def oldest_age_s(self, queue_url: str) -> int | None:
        queue = self._queue(queue_url, "GetMetricData")
        oldest = min((at for _, at in (*queue.waiting, *queue.received)), default=None)
        return None if oldest is None else int((self._clock.now() - oldest).total_seconds())

    def receive(self, queue_url: str) -> list[IngestMessage]:
        """Return the waiting messages; they are in flight until `finish`."""
        queue = self._queue(queue_url, "ReceiveMessage")
        received, queue.waiting = queue.waiting, []
        queue.received += received
        return [message for message, _ in received]

    def finish(self, queue_url: str, message: IngestMessage | None = None) -> None:
        """Remove a received message; all of them if none is given."""
        received = self._queue(queue_url, "DeleteMessageBatch").received
        if message is None:
            received.clear()
        else:
            received.remove(next(sent for sent in received if sent[0] == message))

    def notify(self, queue_url: str, message: IngestMessage) -> None:
        """Add a message that is not the service's: S3 sends to the same queue."""
        self._queue(queue_url, "SendMessage").waiting.append((message, self._clock.now()))

    def drain(self, queue_url: str) -> list[IngestMessage]:
        """Remove all messages, and return the waiting ones."""
        received = self.receive(queue_url)
        self.finish(queue_url)
        return received

    def _queue(self, queue_url: str, operation: str) -> _Queue:
        if queue_url not in self._queues:
            raise NotFound(
                f"there is no queue {queue_url}", operation=operation, resource=queue_url
            )
        return self._queues[queue_url]

    def _repeated(self, queue: _Queue, message: IngestMessage) -> bool:
        """Return whether the message repeats one within the interval; record it if not."""
        now = self._clock.now()
        taken_at = queue.taken_at.get(message)
        if taken_at is not None and now - taken_at < DEDUPLICATION_INTERVAL:
            return True
        queue.taken_at[message] = now
        return False


_: type[IngestQueue] = MemoryIngestQueue
