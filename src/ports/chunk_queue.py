"""The processor queue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.message import ChunkMessage


class ChunkQueue(Protocol):
    """Sends chunk messages; they come at least once, in any order."""

    async def send(self, messages: Sequence[ChunkMessage], *, delay_s: int = 0) -> None:
        """Send messages, any number, to be received after `delay_s` (0 to 900).

        Raises:
            Retryable, Fatal: some messages may have been sent; sending all again does no harm.
        """
        ...

    async def depth(self) -> int:
        """Return how many messages the queue holds: waiting, delayed, or being worked on.

        The number is approximate, and may lag behind by a minute.

        Raises:
            Retryable, Fatal: the number could not be had.
        """
        ...
