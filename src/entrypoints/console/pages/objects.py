"""What happened to this file? What is there now, and its outcome in one job or in several."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aiohttp import web

from domain.views import Json
from entrypoints.console.api import Api, ApiError, both, connector_path, job_path
from entrypoints.console.features import OBJECT_HISTORY
from entrypoints.console.problems import Problem, problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_SHOWN_JOB_COUNT: Final = 50
_SHOWN_CONNECTOR_COUNT: Final = 100
# A search may take several requests; after this time the page has a link that continues it.
_SEARCH_S: Final = 20.0
_URI: Final = "s3://"


@ROUTES.get("/explain")
async def explain(request: web.Request) -> web.Response:
    """Search a key in a job, or look at it and at the latest jobs of its connector.

    `where` is the id of a job or a connector with its kind, as the form has it.
    """
    console = console_of(request)
    key, cursor = request.query.get("key", ""), request.query.get("cursor") or None
    jobs, connectors = await both(
        console.api.get("/jobs", {"limit": _SHOWN_JOB_COUNT}),
        console.api.get("/connectors", {"limit": _SHOWN_CONNECTOR_COUNT}),
    )
    has_history = await console.features.has(OBJECT_HISTORY)
    kind, target = _target(request)
    problem: Problem | None = None
    if has_history and key.startswith(_URI):
        kind, (target, key, problem) = "connector", _of_bucket(key, connectors["items"])
    found: Json | None = None
    history: Json | None = None
    try:
        if key and kind == "job" and target:
            found = await _search(console.api, target, key, cursor)
        elif key and kind == "connector" and target and has_history:
            history = await console.api.get(connector_path(target, "objects"), {"key": key})
    except ApiError as error:
        problem = problem_of(error)
    context = {
        "jobs": jobs["items"],
        "connectors": connectors["items"] if has_history else [],
        "key": key,
        "kind": kind,
        "target": target,
        "found": found,
        "history": history,
        "problem": problem,
    }
    return page(request, "explain.html", context, status=problem.status if problem else 200)


def _target(request: web.Request) -> tuple[str, str]:
    """Return what is searched: a job or a connector, by a link or by the form."""
    for kind in ("job", "connector"):
        if request.query.get(kind):
            return kind, request.query[kind]
    kind, _, target = request.query.get("where", "").partition(":")
    return kind, target


def _of_bucket(uri: str, connectors: list[Json]) -> tuple[str, str, Problem | None]:
    """Return the connector of an S3 URI, and the key."""
    bucket, _, key = uri.removeprefix(_URI).partition("/")
    for each in connectors:
        prefixes = each["prefixes"] or [""]
        if each["bucketName"] == bucket and any(key.startswith(prefix) for prefix in prefixes):
            return each["connectorId"], key, None
    problem = Problem(
        title="No connector is about this object",
        cause=f"None of the first {_SHOWN_CONNECTOR_COUNT} connectors has the bucket {bucket!r} and"
        " a prefix of the key.",
        next_step="Check the bucket's name and the connectors' prefixes, or choose a job.",
        status=404,
    )
    return "", uri, problem


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
