"""Connectors: the list, and one with its jobs, its settings and what can be done with it."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

from aiohttp import web

from domain.views import Json
from entrypoints.console import job_facts
from entrypoints.console.api import ApiError, both, connector_path
from entrypoints.console.features import ORPHANS
from entrypoints.console.form_values import Values
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_PAGE_ITEM_COUNT: Final = 50
_JOB_COUNT: Final = 10


@ROUTES.get("/connectors")
async def list_connectors(request: web.Request) -> web.Response:
    """List the connectors."""
    api = console_of(request).api
    query = {"limit": _PAGE_ITEM_COUNT, "cursor": request.query.get("cursor")}
    listed = await api.get("/connectors", query)
    return page(request, "connectors.html", {"listed": listed})


@ROUTES.get("/connectors/{connector_id}")
async def show_connector(request: web.Request) -> web.Response:
    """Show one connector."""
    return page(request, "connector.html", await connector_context(request))


@ROUTES.post("/connectors/{connector_id}/check")
async def check_connector(request: web.Request) -> web.Response:
    """Look at the connector's bucket now, and show what was found."""
    connector_id = request.match_info["connector_id"]
    report = await console_of(request).api.post(connector_path(connector_id, "check"), {})
    return page(request, "connector.html", await connector_context(request, report=report))


@ROUTES.post("/connectors/{connector_id}/status")
async def set_status(request: web.Request) -> web.Response:
    """Enable or disable the connector."""
    connector_id = request.match_info["connector_id"]
    values = Values.of_form(await request.post())
    api = console_of(request).api
    await api.patch(connector_path(connector_id), {"status": values.text("status")}, if_match=None)
    raise web.HTTPSeeOther(f"/connectors/{quote(connector_id, safe='')}")


@ROUTES.get("/connectors/{connector_id}/delete")
async def confirm_delete(request: web.Request) -> web.Response:
    """Ask whether the connector is removed."""
    return page(request, "connector_delete.html", await connector_context(request))


@ROUTES.post("/connectors/{connector_id}/delete")
async def delete_connector(request: web.Request) -> web.Response:
    """Remove the connector, if it is as it was shown."""
    connector_id = request.match_info["connector_id"]
    values = Values.of_form(await request.post())
    try:
        await console_of(request).api.delete(
            connector_path(connector_id), if_match=values.text("etag") or None
        )
    except ApiError as error:
        context = await connector_context(request, problem=error)
        return page(request, "connector_delete.html", context, status=error.status)
    raise web.HTTPSeeOther("/connectors")


async def connector_context(
    request: web.Request, *, report: Json | None = None, problem: ApiError | None = None
) -> Json:
    """Return what pages about one connector show."""
    connector_id = request.match_info["connector_id"]
    api = console_of(request).api

    async def with_tag() -> Json:
        connector, tag = await api.get_with_tag(connector_path(connector_id))
        return {"connector": connector, "etag": tag or ""}

    found, jobs = await both(
        with_tag(), api.get(connector_path(connector_id, "jobs"), {"limit": _JOB_COUNT})
    )
    # An id that is used again is another connector.
    own = [
        job
        for job in jobs["items"]
        if job["connectorCreatedAt"] in (None, found["connector"]["createdAt"])
    ]
    return {
        **found,
        "jobs": own,
        "more_jobs": jobs["nextCursor"] is not None,
        "has_orphans": await console_of(request).features.has(ORPHANS),
        "searched": [job for job in own if job.get("orphans")],
        "searchable": next((job for job in own if job_facts.has_completed(job)), None),
        "active": [job for job in own if job_facts.is_active(job)],
        "report": report,
        "statement": statement_text(report),
        "problem": problem_of(problem) if problem else None,
    }


def statement_text(report: Json | None) -> str | None:
    """Return the policy statement with what is missing, as it is pasted."""
    statement = report["missingStatement"] if report else None
    return json.dumps(statement, indent=2) if statement else None
