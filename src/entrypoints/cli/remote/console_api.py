"""The client of the API, for the console: its requests wait in threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from domain.views import Json
from entrypoints.cli.remote.api_client import CONNECTION_COUNT, ApiClient
from entrypoints.cli.terminal.api_problem import ApiProblem
from entrypoints.console.api import Api, ApiError, Query

P = ParamSpec("P")
T = TypeVar("T")


class ConsoleApi:
    """Implements the console's port with the client of the command line."""

    def __init__(self, client: ApiClient, label: str) -> None:
        self._client = client
        self._label = label
        self._threads = ThreadPoolExecutor(CONNECTION_COUNT, thread_name_prefix="console")

    @property
    def label(self) -> str:
        """The name of what is called."""
        return self._label

    async def get(self, path: str, query: Query | None = None) -> Json:
        """Read a resource."""
        return await self._call(self._client.get, path, query)

    async def get_with_tag(self, path: str) -> tuple[Json, str | None]:
        """Read a resource, and its ETag."""
        document, headers = await self._call(self._client.get_with_headers, path)
        return document, headers.get("ETag")

    async def post(
        self, path: str, body: Json | None = None, *, idempotency_key: str | None = None
    ) -> Json:
        """Send a request."""
        if idempotency_key is None:
            return await self._call(self._client.post, path, body)
        document, _ = await self._call(self._client.post_once, path, body or {}, idempotency_key)
        return document

    async def patch(self, path: str, body: Json, *, if_match: str | None) -> Json:
        """Change a resource, if it still has this ETag."""
        document, _ = await self._call(self._client.patch, path, body, if_match=if_match)
        return document

    async def put(self, path: str, body: Json, *, if_match: str | None) -> Json:
        """Replace a resource, if it still has this ETag."""
        document, _ = await self._call(self._client.put, path, body, if_match=if_match)
        return document

    async def delete(self, path: str, *, if_match: str | None) -> None:
        """Remove a resource, if it still has this ETag."""
        await self._call(self._client.delete, path, if_match=if_match)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        def run() -> T:
            return method(*args, **kwargs)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, run)
        except ApiProblem as error:
            raise ApiError(str(error), error.problem, error.more) from error


_: Final[type[Api]] = ConsoleApi
