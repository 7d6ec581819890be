"""The limits of one attempt at a chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from application.execution.fanout import AdaptiveLimit
from application.execution.stop_signal import StopSignal, ensure_may_start
from application.multipart.resumable_copies import ResumableCopies
from application.processor.attempt_pace import AttemptPace


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptContext:
    """When to stop, how fast to go, how many calls in flight, and the chunk's multipart copies."""

    stop_signal: StopSignal
    pace: AttemptPace
    limit: AdaptiveLimit
    copies: ResumableCopies

    @asynccontextmanager
    async def write_slot(self) -> AsyncIterator[None]:
        """Wait for a slot to write in, and hold it.

        Raises:
            StopRequested: nothing may be started any longer.
        """
        async with self.limit:
            await ensure_may_start(self.stop_signal)
            yield
