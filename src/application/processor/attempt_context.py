"""What a worker has for its time at one chunk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from application.execution.fanout import AdaptiveLimit
from application.execution.stop_signal import Watch, go_on
from application.multipart.resumable_copies import PartCopies


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """When to stop, how many calls to have in flight, and the chunk's copies in parts."""

    watch: Watch
    limit: AdaptiveLimit
    copies: PartCopies

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Wait for a turn to write, and hold it.

        Raises:
            Unfinished: nothing may be started any more.
        """
        async with self.limit:
            await go_on(self.watch)
            yield
