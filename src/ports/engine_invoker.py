"""Asynchronous invocation of the engine."""

from __future__ import annotations

from typing import Protocol


class EngineInvoker(Protocol):
    """Has the engine continue a job, in a separate invocation."""

    async def advance(self, job_id: str) -> None:
        """Request one invocation; it happens at least once, at some time, or (rarely) never.

        Raises:
            Retryable, Fatal: The request was not accepted, or that is unknown.
        """
        ...

    async def list_share(self, job_id: str, number: int) -> None:
        """Request one invocation that continues a share of the job's listing; as `advance`.

        Raises:
            Retryable, Fatal: As `advance`.
        """
        ...

    async def orphans(self, job_id: str) -> None:
        """Request one invocation that searches orphans after the job; as `advance`.

        Raises:
            Retryable, Fatal: As `advance`.
        """
        ...

    async def removals(self, job_id: str) -> None:
        """Request one invocation that compares the job with the sync before it; as `advance`.

        Raises:
            Retryable, Fatal: As `advance`.
        """
        ...
