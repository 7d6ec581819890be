"""Asynchronous invocation of the engine."""

from __future__ import annotations

from typing import Protocol


class EngineInvoker(Protocol):
    """Has the engine go on with a job, in an invocation of its own."""

    async def advance(self, job_id: str) -> None:
        """Order one invocation; it comes at least once, some time, or (rarely) never.

        Raises:
            Retryable, Fatal: the order was not taken, or it is not known whether it was.
        """
        ...
