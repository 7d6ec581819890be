"""The rate of one worker: what its slot has of the objects per second of its connector."""

from __future__ import annotations

import asyncio
from typing import Final

from application.execution.stop_signal import StopSignal
from domain.pace import Pace
from ports.clock import Clock

_NAP_S: Final = 5.0
"""How long to wait at most before looking again: the rate may have changed, or the job ended."""


class AttemptPace:
    """Asked before objects are read, and again before each is decided and written.

    Without a rate it only asks the stop signal. The rate is that of the job as the stop signal
    last read it.
    """

    def __init__(self, stop_signal: StopSignal, clock: Clock) -> None:
        self._stop_signal = stop_signal
        self._clock = clock
        self._reads = Pace(clock.now())
        self._starts = Pace(clock.now())
        self._reading = asyncio.Lock()
        self._starting = asyncio.Lock()

    def window_size(self, object_count: int) -> int:
        """Return how many objects to read together: those of a second, `object_count` at most."""
        rate = self._stop_signal.rate
        return object_count if rate is None else max(1, min(object_count, int(rate)))

    async def may_read(self, object_count: int) -> bool:
        """Wait until so many objects may be read; False if nothing may be started any longer."""
        return await self._wait(self._reads, self._reading, object_count)

    async def may_start(self) -> bool:
        """Wait until one object may be started; False if nothing may be any longer."""
        return await self._wait(self._starts, self._starting, 1)

    async def _wait(self, pace: Pace, lock: asyncio.Lock, count: int) -> bool:
        if self._stop_signal.rate is None:
            return not await self._stop_signal.should_stop()
        async with lock:  # those behind wait for a rate that may change
            while not await self._stop_signal.should_stop():
                rate = self._stop_signal.rate
                if rate is None:
                    return True
                wait_s = pace.wait_s(count, rate, self._clock.now())
                if not wait_s:
                    pace.take(count)
                    return True
                await self._clock.sleep(min(wait_s, _NAP_S))
        return False
