"""The ingest event bus, as a list of accepted events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.message import IngestEvent
from ports.errors import PortError, Refused
from ports.ingest_bus import IngestBus


class MemoryIngestBus:
    """Stores the accepted events in `events`, in order.

    `refuse` may be set to a function that returns, for each event, the error that rejects it.
    """

    def __init__(self) -> None:
        self.events: list[IngestEvent] = []
        self.refuse: Callable[[IngestEvent], PortError | None] = lambda _: None

    async def publish(self, events: Sequence[IngestEvent]) -> list[PortError | None]:
        if not events:
            return []
        if len(events) > INGEST_EVENT_COUNT_MAX:
            raise Refused(f"{len(events)} events in one request", operation="PutEvents")
        errors = [self.refuse(event) for event in events]
        self.events += [event for event, error in zip(events, errors, strict=True) if error is None]
        return errors


_: type[IngestBus] = MemoryIngestBus
