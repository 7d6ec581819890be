"""What happened to this file? The outcome of one key in one job."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aiohttp import web

from domain.views import Json
from entrypoints.console.api import Api, ApiError, job_path
from entrypoints.console.problems import Problem, problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_SHOWN_JOB_COUNT: Final = 50
# A search may take several requests; after this time the page has a link that continues it.
_SEARCH_S: Final = 20.0


@ROUTES.get("/explain")
async def explain(request: web.Request) -> web.Response:
    """Search a key in a job, and show its outcome."""
    api = console_of(request).api
    key, job_id = request.query.get("key", ""), request.query.get("job", "")
    cursor = request.query.get("cursor") or None
    jobs = (await api.get("/jobs", {"limit": _SHOWN_JOB_COUNT}))["items"]
    found: Json | None = None
    problem: Problem | None = None
    status = 200
    if key and job_id:
        try:
            found = await _search(api, job_id, key, cursor)
        except ApiError as error:
            problem, status = problem_of(error), error.status
    context = {
        "jobs": jobs,
        "key": key,
        "job_id": job_id,
        "found": found,
        "problem": problem,
    }
    return page(request, "explain.html", context, status=status)


async def _search(api: Api, job_id: str, key: str, cursor: str | None) -> Json:
    """Follow the cursors of a search; chunks of all answers are collected.

    Raises:
        ApiError: the key is not in the job, or the search failed.
    """
    deadline = time.monotonic() + _SEARCH_S
    chunks: list[Json] = []
    while True:
        found = await api.get(job_path(job_id, "objects"), {"key": key, "cursor": cursor})
        cursor = found["nextCursor"]
        if found["outcome"] is not None:
            return found
        chunks += found["chunks"]
        if cursor is None or time.monotonic() > deadline:
            return {**found, "chunks": chunks}
        await asyncio.sleep(0)
