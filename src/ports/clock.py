"""The time, as a port, so that tests control it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Provides the time and waits."""

    def now(self) -> datetime:
        """Return the current time as an aware datetime in UTC."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` seconds."""
        ...
