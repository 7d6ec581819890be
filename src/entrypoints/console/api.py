"""What the console needs of a client of the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from domain.views import Json

Query = Mapping[str, str | int | None]


class ApiError(Exception):
    """A request was rejected or the API cannot be reached; the message says what to do.

    `problem` is the API's document (RFC 9457), as far as there is one. `more` are further lines.
    """

    def __init__(self, message: str, problem: Json, more: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problem = problem
        self.more = tuple(more)

    @property
    def kind(self) -> str:
        """The kind of problem, such as `not-found`; empty if the API did not answer with one."""
        kind = self.problem.get("type")
        return kind.removeprefix("/problems/") if isinstance(kind, str) else ""

    @property
    def status(self) -> int:
        """The status of the response; 502 if the API did not answer with a problem."""
        status = self.problem.get("status")
        return status if isinstance(status, int) and 400 <= status < 600 else 502


class Api(Protocol):
    """A client of the API. Paths are below its base URL; every method raises ApiError."""

    @property
    def label(self) -> str:
        """The name of what is called: a stage, or a URL."""
        ...

    async def get(self, path: str, query: Query | None = None) -> Json:
        """Read a resource."""
        ...

    async def get_with_tag(self, path: str) -> tuple[Json, str | None]:
        """Read a resource, and its ETag."""
        ...

    async def post(
        self, path: str, body: Json | None = None, *, idempotency_key: str | None = None
    ) -> Json:
        """Send a request."""
        ...

    async def patch(self, path: str, body: Json, *, if_match: str | None) -> Json:
        """Change a resource, if it still has this ETag."""
        ...

    async def put(self, path: str, body: Json, *, if_match: str | None) -> Json:
        """Replace a resource, if it still has this ETag."""
        ...

    async def delete(self, path: str, *, if_match: str | None) -> None:
        """Remove a resource, if it still has this ETag."""
        ...

    def close(self) -> None:
        """End its threads; requests under way are not waited for."""
        ...


def job_path(job_id: str, *rest: str) -> str:
    """Return the path of a job in the API, or of what is below it."""
    return "/".join(("/jobs", quote(job_id, safe=""), *rest))


def connector_path(connector_id: str, *rest: str) -> str:
    """Return the path of a connector in the API, or of what is below it."""
    return "/".join(("/connectors", quote(connector_id, safe=""), *rest))


async def both(
    one: Coroutine[Any, Any, Json], other: Coroutine[Any, Any, Json]
) -> tuple[Json, Json]:
    """Return the results of two requests that run at the same time.

    Raises:
        ApiError: one of them failed; the other is cancelled.
    """
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return first.result(), second.result()
