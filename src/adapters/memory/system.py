"""Time and ids under a test's control."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from ports.clock import Clock
from ports.ids import Ids


class ManualClock:
    """A clock that only a test advances; `sleep` advances it and returns at once."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, duration_s: float) -> None:
        """Advance by some seconds."""
        self._now += timedelta(seconds=duration_s)

    def move_to(self, time: datetime) -> None:
        """Advance to a time; a past time leaves the clock unchanged."""
        self._now = max(self._now, time)

    async def sleep(self, duration_s: float) -> None:
        self.advance(duration_s)


class SeededIds:
    """The same ids in the same order for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  # repeatable, and not a secret
        self._job_count = 0

    def new_job_id(self) -> str:
        self._job_count += 1
        return f"job-{self._job_count:010d}{self._hex(16)}"

    def new_connector_id(self) -> str:
        return f"con-{self._hex(16)}"

    def new_token(self) -> str:
        return self._hex(32)

    def _hex(self, digit_count: int) -> str:
        return f"{self._random.getrandbits(4 * digit_count):0{digit_count}x}"


_clock: type[Clock] = ManualClock
_ids: type[Ids] = SeededIds
