"""The schedule of a connector: when its syncs start on their own, and what happened."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import web

from domain.views import Json
from entrypoints.console.api import Api, ApiError, connector_path
from entrypoints.console.form_values import Values, number
from entrypoints.console.forms import field_errors
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_PATH: Final = "/connectors/{connector_id}/schedule"
NEW_SCHEDULE: Final = Values(
    {
        "expression": ("cron(0 2 * * ? *)",),
        "timeZone": ("UTC",),
        "mode": ("incremental",),
        "fullEvery": ("7",),
        "jitterMinutes": ("0",),
        "enabled": ("on",),
    }
)


@ROUTES.get(_PATH)
async def show_schedule(request: web.Request) -> web.Response:
    """Show the schedule, its last runs, and its form."""
    connector, etag = await _connector(request)
    schedule = await _schedule(console_of(request).api, connector)
    values = schedule_values(schedule) if schedule else NEW_SCHEDULE
    context = _context(connector, etag, schedule, values)
    return page(request, "schedule.html", context)


@ROUTES.post(_PATH)
async def change_schedule(request: web.Request) -> web.Response:
    """Set the schedule of a form, or remove it."""
    connector, _ = await _connector(request)
    api = console_of(request).api
    values = Values.of_form(await request.post())
    etag = values.text("etag")
    path = connector_path(connector["connectorId"], "schedule")
    try:
        if values.text("action") == "remove":
            await api.delete(path, if_match=etag or None)
        else:
            await api.put(path, schedule_body(values), if_match=etag or None)
    except ApiError as error:
        schedule = await _schedule(api, connector)
        context = _context(connector, etag, schedule, values, error)
        return page(request, "schedule.html", context, status=error.status)
    raise web.HTTPSeeOther(f"/connectors/{quote(connector['connectorId'], safe='')}/schedule")


async def _connector(request: web.Request) -> tuple[Json, str]:
    path = connector_path(request.match_info["connector_id"])
    connector, tag = await console_of(request).api.get_with_tag(path)
    return connector, tag or ""


async def _schedule(api: Api, connector: Json) -> Json | None:
    if connector["schedule"] is None:
        return None
    return await api.get(connector_path(connector["connectorId"], "schedule"))


def schedule_values(schedule: Json) -> Values:
    """Return the form that shows a schedule."""
    fields = {
        name: (str(schedule[name]),)
        for name in ("expression", "timeZone", "mode", "fullEvery", "jitterMinutes")
    }
    return Values(fields | ({"enabled": ("on",)} if schedule["enabled"] else {}))


def schedule_body(values: Values) -> Json:
    """Return the schedule of a form; what is empty is left out."""
    body = {
        "expression": values.text("expression"),
        "timeZone": values.text("timeZone"),
        "mode": values.text("mode"),
        "fullEvery": number(values.text("fullEvery")),
        "jitterMinutes": number(values.text("jitterMinutes")),
    }
    given = {name: value for name, value in body.items() if value not in ("", None)}
    return {**given, "enabled": values.on("enabled")}


def _context(
    connector: Json,
    etag: str,
    schedule: Json | None,
    values: Values,
    error: ApiError | None = None,
) -> Json:
    return {
        "connector": connector,
        "etag": etag,
        "schedule": schedule,
        "values": values,
        "errors": field_errors(error) if error else {},
        "problem": problem_of(error) if error else None,
    }
