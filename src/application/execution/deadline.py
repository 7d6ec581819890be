"""How long the running process may still work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant at which the runtime ends the process."""

    clock: Clock
    at: datetime

    def remaining_s(self) -> float:
        """Return the seconds left; negative after the instant."""
        return (self.at - self.clock.now()).total_seconds()

    def share(self, part: float) -> Deadline:
        """Return the deadline of something that may take this part of the seconds left."""
        return replace(self, at=self.clock.now() + timedelta(seconds=part * self.remaining_s()))

    def near(self, margin_s: float) -> bool:
        """Tell whether less than `margin_s` is left."""
        return self.remaining_s() < margin_s
