"""Logs and metrics, kept in lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ports.telemetry import Metric, Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log."""

    name: str
    facts: Mapping[str, str | int | float | bool | None]


class MemoryTelemetry:
    """Holds what was told: `events`, `warnings`, and `counts` by metric."""

    def __init__(self) -> None:
        self.events: list[Entry] = []
        self.warnings: list[Entry] = []
        self.counts: Counter[Metric] = Counter()

    def event(self, name: str, **facts: str | int | float | bool | None) -> None:
        """See the port."""
        self.events.append(Entry(name=name, facts=facts))

    def warning(self, name: str, **facts: str | int | float | bool | None) -> None:
        """See the port."""
        self.warnings.append(Entry(name=name, facts=facts))

    def count(self, metric: Metric, value: int = 1) -> None:
        """See the port."""
        self.counts[metric] += value


_: type[Telemetry] = MemoryTelemetry
