"""Registering and editing a connector. The bucket is looked at before it is saved."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from aiohttp import web

from domain.filters import MediaType, StorageClass
from domain.views import Json
from domain.work_limits import Weekday
from entrypoints.console.api import ApiError, connector_path
from entrypoints.console.edits import base_text, merged
from entrypoints.console.features import ORPHANS, REMOVALS, STAGE_PAUSE
from entrypoints.console.form_values import Values
from entrypoints.console.forms import (
    FILTER_NAMES,
    NEW_CONNECTOR,
    connector_changes,
    connector_values,
    field_errors,
    new_connector_body,
)
from entrypoints.console.limit_forms import window_rows, without_gaps
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
    values = without_gaps(Values.of_form(await request.post()))
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
    connector, tag = await _read(request)
    values = connector_values(connector)
    context = await _form(request, values, connector=connector, etag=tag)
    return page(request, "connector_form.html", context)


@ROUTES.post("/connectors/{connector_id}/edit")
async def save_connector(request: web.Request) -> web.Response:
    """Save what was changed, if the connector is still as the form showed it."""
    connector, tag = await _read(request)
    values = without_gaps(Values.of_form(await request.post()))
    if values.text("etag") != tag:
        return await _changed_since(request, values)
    changes = connector_changes(values, connector)
    if not changes:
        raise web.HTTPSeeOther(f"/connectors/{quote(connector['connectorId'], safe='')}")
    path = connector_path(connector["connectorId"])
    try:
        saved = await console_of(request).api.patch(path, changes, if_match=tag)
    except ApiError as error:
        if error.kind == "precondition-failed":
            return await _changed_since(request, values)
        context = await _form(request, values, connector=connector, etag=tag, error=error)
        return page(request, "connector_form.html", context, status=error.status)
    return _saved(request, saved, "saved")


async def _changed_since(request: web.Request, values: Values) -> web.Response:
    """Show the form with what someone else changed, and with what the user typed."""
    connector, tag = await _read(request)
    now = connector_values(connector)
    both = merged(values, now)
    context = await _form(request, both.values, connector=connector, etag=tag, base=now)
    context["differences"] = both.differences
    status = HTTPStatus.PRECONDITION_FAILED
    return page(request, "connector_form.html", context, status=status)


async def _read(request: web.Request) -> tuple[Json, str]:
    path = connector_path(request.match_info["connector_id"])
    connector, tag = await console_of(request).api.get_with_tag(path)
    return connector, tag or ""


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
    etag: str = "",
    base: Values | None = None,
    error: ApiError | None = None,
) -> Json:
    features = console_of(request).features
    has_limits = "limits" in connector if connector else await features.has(ORPHANS)
    shown = base or (connector_values(connector) if connector else NEW_CONNECTOR)
    return {
        "values": values,
        "connector": connector,
        "etag": etag,
        "base": base_text(shown),
        "differences": None,
        "errors": field_errors(error) if error else {},
        "problem": problem_of(error) if error else None,
        "has_removals": await features.has(REMOVALS),
        "has_back_pressure": await features.has(STAGE_PAUSE),
        "has_limits": has_limits,
        "filter_names": FILTER_NAMES,
        "window_rows": window_rows(values),
        "weekdays": [each.value for each in Weekday],
        "storage_classes": [each.value for each in StorageClass],
        "media_types": [each.value for each in MediaType],
    }
