"""Planning and starting a sync of a connector."""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import quote

from aiohttp import web

from domain.filters import MediaType, StorageClass
from domain.views import Json
from entrypoints.console.api import ApiError, connector_path
from entrypoints.console.form_values import Values, number
from entrypoints.console.forms import field_errors, sync_body
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()


@ROUTES.get("/connectors/{connector_id}/sync")
async def sync_form(request: web.Request) -> web.Response:
    """Show the form of a sync; a link may have filled it in."""
    values = Values.of_form(request.query)
    return page(request, "sync.html", await _context(request, values))


@ROUTES.post("/connectors/{connector_id}/sync")
async def start_or_plan(request: web.Request) -> web.Response:
    """Start the sync of a form, or show its plan."""
    values = Values.of_form(await request.post())
    if values.text("action") == "plan":
        return await _plan(request, values)
    api = console_of(request).api
    path = connector_path(request.match_info["connector_id"], "sync")
    body = sync_body(values)
    if values.text("maxCost"):
        body["maxCost"] = values.text("maxCost")
    try:
        job = await api.post(path, body, idempotency_key=values.text("once") or None)
    except ApiError as error:
        context = await _context(request, values, error=error)
        return page(request, "sync.html", context, status=error.status)
    raise web.HTTPSeeOther(f"/jobs/{quote(job['jobId'], safe='')}")


async def _plan(request: web.Request, values: Values) -> web.Response:
    path = connector_path(request.match_info["connector_id"], "plan")
    body = sync_body(values)
    if values.text("sampleSize"):
        body["sampleSize"] = number(values.text("sampleSize"))
    try:
        plan = await console_of(request).api.post(path, body)
    except ApiError as error:
        context = await _context(request, values, error=error)
        return page(request, "sync.html", context, status=error.status)
    return page(request, "sync.html", await _context(request, values, plan=plan))


async def _context(
    request: web.Request,
    values: Values,
    *,
    plan: Json | None = None,
    error: ApiError | None = None,
) -> Json:
    connector_id = request.match_info["connector_id"]
    connector = await console_of(request).api.get(connector_path(connector_id))
    return {
        "connector": connector,
        "values": values,
        "plan": plan,
        # The same form that is sent twice starts one job; a new page is a new sync.
        "once": f"console-{secrets.token_hex(12)}",
        "errors": field_errors(error) if error else {},
        "problem": problem_of(error) if error else None,
        "storage_classes": [each.value for each in StorageClass],
        "media_types": [each.value for each in MediaType],
    }
