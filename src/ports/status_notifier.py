"""The status topic."""

from __future__ import annotations

from typing import Protocol

from domain.message import StatusMessage


class StatusNotifier(Protocol):
    """Publishes changes of a job's status."""

    async def publish(self, message: StatusMessage) -> None:
        """Publish one message, with its status as an attribute so that subscribers can filter.

        Raises:
            Retryable, Fatal: It was not published, or that is unknown.
        """
        ...
