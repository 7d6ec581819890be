"""The processor queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.message import ChunkMessage


class ChunkQueue(Protocol):
    """Sends chunk messages; they are delivered at least once, in any order."""

    async def send(self, messages: Sequence[ChunkMessage], *, delay_s: int = 0) -> None:
        """Send any number of messages, to be received after `delay_s` (0 to 900).

        Raises:
            Retryable, Fatal: Some messages may have been sent; it is safe to send all again.
        """
        ...

    async def depth(self) -> int:
        """Return how many messages the queue holds: visible, delayed, or in flight.

        The number is approximate, and may lag behind by a minute.

        Raises:
            Retryable, Fatal: The number could not be read.
        """
        ...
