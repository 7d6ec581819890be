"""The Asset Management System's own ingest queue, of a connector that has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.message import IngestMessage
from ports.errors import PortError


class IngestQueue(Protocol):
    """Sends what the system's ingest reads, in the form of an S3 event notification.

    A queue is named by its URL; its Region may be another than the service's. At least once, in any
    order between objects. On a FIFO queue the messages of one object keep their order, those of
    different objects are in different groups as far as possible, and a message that is sent again
    within five minutes is dropped by the queue.
    """

    async def send(
        self, queue_url: str, messages: Sequence[IngestMessage]
    ) -> list[PortError | None]:
        """Send up to ten messages in one request; returns for each None, or why it was not sent.

        Raises:
            Retryable: the request as a whole failed; some messages may have been sent.
            NotFound: there is no such queue.
            AccessDenied: nothing may be sent to it.
        """
        ...

    async def depth(self, queue_url: str) -> int:
        """Return how many messages the queue holds: waiting, delayed, or being worked on.

        The number is approximate, and may lag behind by a minute.

        Raises:
            Retryable: the number could not be had.
            NotFound: there is no such queue.
            AccessDenied: its attributes may not be read.
        """
        ...
