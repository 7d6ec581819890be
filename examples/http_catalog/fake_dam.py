"""The DAM itself, for tests: its two reads over HTTP, and the ways in which they fail.

It is made up, after what such APIs have in common:

- `POST /assets:batchGet` with `{"ids": [...], "nextToken": ...}`: the assets that exist of 50 ids
  at most, in any order.
- `GET /assets?path=s3://bucket/key&nextToken=...`: the assets at a path.
- Both answer `{"assets": [...], "nextToken": ...}`, a page; the last has no token. 400 for what is
  wrong, 401 without the token, 429 with Retry-After for too many requests, 503 now and then.

An asset: `{"id", "assetId", "status": "ready" | "uploading", "source": {"bucket", "key"},
"file": {"etag", "size", "modifiedAt"}}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

TOKEN: Final = "example-token"  # noqa: S105  # it opens nothing
_ID_COUNT_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An answer in place of the right one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": "by the test"}'


class FakeDam:
    """Holds assets by id and answers for them.

    Attributes:
        assets: What it has.
        failures: The next answers; None is a right one. When the list is empty all are right.
        requests: The requests so far, as `POST /assets:batchGet`.
        in_flight_max: The most requests that it worked on at once.
        page_size: Assets on one page.
        work_s: How long it works on each request.
        url: Where it listens.
    """

    def __init__(self) -> None:
        self.assets: dict[str, dict[str, Any]] = {}
        self.failures: list[Failure | None] = []
        self.requests: list[str] = []
        self.in_flight_max = 0
        self.page_size = 20
        self.work_s = 0.0
        self.url = ""
        self._in_flight = 0

    @classmethod
    @asynccontextmanager
    async def serving(cls) -> AsyncIterator[FakeDam]:
        """Give a DAM that listens on a port of its own."""
        dam = cls()
        app = web.Application(middlewares=[dam._before])
        app.router.add_post("/assets:batchGet", dam._batch_get)
        app.router.add_get("/assets", dam._at_path)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            dam.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield dam
        finally:
            await runner.cleanup()

    @web.middleware
    async def _before(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        self._in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self._in_flight)
        try:
            await asyncio.sleep(self.work_s)
            failure = self.failures.pop(0) if self.failures else None
            if failure is not None:
                return web.Response(
                    status=failure.status, headers=failure.headers, text=failure.body
                )
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return web.json_response({"error": "no token, or a wrong one"}, status=401)
            answer: web.StreamResponse = await handler(request)
            return answer
        finally:
            self._in_flight -= 1

    async def _batch_get(self, request: web.Request) -> web.Response:
        asked = await request.json()
        ids = asked["ids"]
        if not 0 < len(ids) <= _ID_COUNT_MAX or len(set(ids)) < len(ids):
            return web.json_response({"error": "1 to 50 ids, each once"}, status=400)
        found = [self.assets[each] for each in ids if each in self.assets]
        return self._page(found, asked.get("nextToken"))

    async def _at_path(self, request: web.Request) -> web.Response:
        path = request.query["path"]
        found = [
            asset
            for asset in self.assets.values()
            if asset["source"] and path == "s3://{bucket}/{key}".format(**asset["source"])
        ]
        return self._page(found, request.query.get("nextToken"))

    def _page(self, found: Sequence[dict[str, Any]], token: str | None) -> web.Response:
        start = int(token or 0)
        end = start + self.page_size
        page: dict[str, Any] = {"assets": list(found[start:end])}
        if end < len(found):
            page["nextToken"] = str(end)
        return web.json_response(page)
