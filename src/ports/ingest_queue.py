"""The Asset Management System's own ingest queue, if a connector has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.message import IngestMessage
from ports.errors import PortError


class IngestQueue(Protocol):
    """Sends messages to the system's ingest, in the form of S3 event notifications.

    A queue is named by its URL; it may be in another Region. Delivery is at least once, in any
    order between objects. On a FIFO queue the messages of one object keep their order, those of
    different objects are in different groups as far as possible, and the queue drops a message that
    is sent again within five minutes.
    """

    async def send(
        self, queue_url: str, messages: Sequence[IngestMessage]
    ) -> list[PortError | None]:
        """Send up to ten messages in one request; return for each None, or the error.

        Raises:
            Retryable: The request as a whole failed; some messages may have been sent.
            NotFound: There is no such queue.
            AccessDenied: Sending to it is not allowed.
        """
        ...

    async def oldest_age_s(self, queue_url: str) -> int | None:
        """Return the age of the oldest message in seconds, as reported last.

        None if none was reported in the last AGE_METRIC_LAG_S seconds: the queue is empty, was
        idle until then, or belongs to another account. Messages that are received again and again
        may not count, and the age may lag behind by minutes.

        Raises:
            Retryable: The age could not be read.
            AccessDenied: Reading it is not allowed.
        """
        ...

    async def depth(self, queue_url: str) -> int:
        """Return how many messages the queue holds: visible, delayed, or in flight.

        The number is approximate, and may lag behind by a minute.

        Raises:
            Retryable: The number could not be read.
            NotFound: There is no such queue.
            AccessDenied: Reading its attributes is not allowed.
        """
        ...
