"""The ingest event bus, as a list of accepted events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.message import IngestEvent, RemovalEvent
from ports.errors import PortError, Refused
from ports.ingest_bus import IngestBus

Event = TypeVar("Event", IngestEvent, RemovalEvent)


class MemoryIngestBus:
    """Stores the accepted events in `events` and `removals`, in order.

    `refuse` may be set to a function that returns, for each event, the error that rejects it.
    """

    def __init__(self) -> None:
        self.events: list[IngestEvent] = []
        self.removals: list[RemovalEvent] = []
        self.refuse: Callable[[IngestEvent | RemovalEvent], PortError | None] = lambda _: None

    async def publish(self, events: Sequence[IngestEvent]) -> list[PortError | None]:
        return self._accept(events, self.events)

    async def publish_removals(self, events: Sequence[RemovalEvent]) -> list[PortError | None]:
        return self._accept(events, self.removals)

    def _accept(self, events: Sequence[Event], accepted: list[Event]) -> list[PortError | None]:
        if len(events) > INGEST_EVENT_COUNT_MAX:
            raise Refused(f"{len(events)} events in one request", operation="PutEvents")
        errors = [self.refuse(event) for event in events]
        accepted += [event for event, error in zip(events, errors, strict=True) if error is None]
        return errors


_: type[IngestBus] = MemoryIngestBus
