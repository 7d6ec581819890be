"""The ingest event bus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.message import IngestEvent, RemovalEvent
from ports.errors import PortError


class IngestBus(Protocol):
    """Publishes objects to the Asset Management System."""

    async def publish(self, events: Sequence[IngestEvent]) -> list[PortError | None]:
        """Publish up to ten events in one request.

        Returns, for each event in order, None if the bus accepted it, or else the error (Retryable
        or Fatal).

        Raises:
            Retryable, Fatal: The request as a whole failed; some events may have been accepted.
        """
        ...

    async def publish_removals(self, events: Sequence[RemovalEvent]) -> list[PortError | None]:
        """Publish up to ten events of removed objects in one request; as `publish`.

        Raises:
            Retryable, Fatal: As `publish`.
        """
        ...
