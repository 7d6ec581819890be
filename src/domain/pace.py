"""A pace: not more than so many objects per second, without bursts."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Final

_CREDIT_S: Final = 0.1
"""For how long a pace saves up what was not used, so that short waits for others cost nothing."""

_ROUNDING: Final = 1e-6


class Pace:
    """Objects are paid for with time before they are started; a new pace has nothing saved up.

    So one pace that follows another does not exceed the rate of both. In any T seconds at most
    `rate * (T + 0.1)` objects are started, and as many more as are started together.
    """

    def __init__(self, now: datetime) -> None:
        self._paid = 0.0
        self._at = now

    def wait_s(self, count: int, rate: float, now: datetime) -> float:
        """Return for how long so many objects must wait, in whole microseconds; 0 for not."""
        passed_s = max(0.0, (now - self._at).total_seconds())
        self._at = now
        self._paid = min(self._paid + passed_s * rate, max(float(count), rate * _CREDIT_S))
        missing = count - self._paid
        if missing <= _ROUNDING:
            return 0.0
        return math.ceil(missing / rate * 1e6) / 1e6

    def take(self, count: int) -> None:
        """Start so many objects, which need not wait any longer."""
        self._paid -= count
