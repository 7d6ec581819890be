"""What a worker has for its time at one chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from application.execution.fanout import AdaptiveLimit
from application.execution.stop_signal import StopSignal, ensure_may_start
from application.multipart.resumable_copies import ResumableCopies


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptContext:
    """When to stop, how many calls to have in flight, and the chunk's copies in parts."""

    stop_signal: StopSignal
    limit: AdaptiveLimit
    copies: ResumableCopies

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Wait for a turn to write, and hold it.

        Raises:
            StopRequested: nothing may be started any more.
        """
        async with self.limit:
            await ensure_may_start(self.stop_signal)
            yield
