"""How long the running process may work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time at which the runtime ends the process."""

    clock: Clock
    at: datetime

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> Deadline:
        """Return the deadline of something that may take so many seconds from now."""
        return cls(clock, clock.now() + timedelta(seconds=seconds))

    def remaining_s(self) -> float:
        """Return the remaining seconds; negative after the deadline."""
        return (self.at - self.clock.now()).total_seconds()

    def share(self, part: float) -> Deadline:
        """Return the deadline of something that may take this part of the remaining seconds."""
        return Deadline.after(self.clock, part * self.remaining_s())

    def near(self, margin_s: float) -> bool:
        """Return whether less than `margin_s` remains."""
        return self.remaining_s() < margin_s
