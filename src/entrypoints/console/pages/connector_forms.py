"""Registering and editing a connector. The bucket is looked at before it is saved."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import web

from domain.filters import MediaType, StorageClass
from domain.views import Json
from entrypoints.console.api import ApiError, connector_path
from entrypoints.console.features import REMOVALS, STAGE_PAUSE
from entrypoints.console.forms import (
    NEW_CONNECTOR,
    Values,
    connector_changes,
    connector_values,
    field_errors,
    new_connector_body,
)
from entrypoints.console.pages.connectors import statement_text
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

# Not below `/connectors`, where every word may be the id of a connector.
_NEW: Final = "/add-connector"


@ROUTES.get(_NEW)
async def new_connector(request: web.Request) -> web.Response:
    """Show the form of a new connector."""
    return page(request, "connector_form.html", await _form(request, NEW_CONNECTOR))


@ROUTES.post(_NEW)
async def add_connector(request: web.Request) -> web.Response:
    """Register the connector, and show what the look at its bucket found."""
    values = Values.of_form(await request.post())
    api = console_of(request).api
    check = "true" if not values.on("skipCheck") else "false"
    try:
        saved = await api.post(f"/connectors?check={check}", new_connector_body(values))
    except ApiError as error:
        return page(
            request,
            "connector_form.html",
            await _form(request, values, error=error),
            status=error.status,
        )
    return _saved(request, saved, "added")


@ROUTES.get("/connectors/{connector_id}/edit")
async def edit_connector(request: web.Request) -> web.Response:
    """Show the form of a connector."""
    connector, tag = await console_of(request).api.get_with_tag(
        connector_path(request.match_info["connector_id"])
    )
    values = connector_values(connector)
    return page(
        request, "connector_form.html", await _form(request, values, connector=connector, etag=tag)
    )


@ROUTES.post("/connectors/{connector_id}/edit")
async def save_connector(request: web.Request) -> web.Response:
    """Save what was changed, if the connector is still as the form showed it."""
    path = connector_path(request.match_info["connector_id"])
    values = Values.of_form(await request.post())
    api = console_of(request).api
    connector, tag = await api.get_with_tag(path)
    etag = values.text("etag")
    # Of a connector that was changed since, the form's differences are not those of the operator:
    # the API rejects the tag.
    changes = connector_changes(values, connector)
    if not changes and etag == tag:
        raise web.HTTPSeeOther(f"/connectors/{quote(connector['connectorId'], safe='')}")
    try:
        saved = await api.patch(path, changes, if_match=etag or None)
    except ApiError as error:
        context = await _form(request, values, connector=connector, etag=etag, error=error)
        return page(request, "connector_form.html", context, status=error.status)
    return _saved(request, saved, "saved")


def _saved(request: web.Request, saved: Json, verb: str) -> web.Response:
    report = saved["check"]
    if report is None or (report["ready"] and not report["warnings"]):
        done = f"/connectors/{quote(saved['connectorId'], safe='')}?done={verb}"
        raise web.HTTPSeeOther(done)
    context = {
        "connector": saved,
        "verb": verb,
        "report": report,
        "statement": statement_text(report),
    }
    return page(request, "connector_saved.html", context)


async def _form(
    request: web.Request,
    values: Values,
    *,
    connector: Json | None = None,
    etag: str | None = None,
    error: ApiError | None = None,
) -> Json:
    features = console_of(request).features
    return {
        "values": values,
        "connector": connector,
        "etag": etag or "",
        "errors": field_errors(error) if error else {},
        "problem": problem_of(error) if error else None,
        "has_removals": await features.has(REMOVALS),
        "has_back_pressure": await features.has(STAGE_PAUSE),
        "storage_classes": [each.value for each in StorageClass],
        "media_types": [each.value for each in MediaType],
    }
