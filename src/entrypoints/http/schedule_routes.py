"""The routes of a connector's schedule."""

from __future__ import annotations

from typing import Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from domain.schedule_view import schedule_view
from entrypoints.http import parameters as given
from entrypoints.http.json_answers import json_answer, tag_of
from entrypoints.http.parameters import App
from entrypoints.http.problems import CONFLICT, PRECONDITION_FAILED
from entrypoints.http.route import RouteTable
from entrypoints.http.schedule_bodies import ScheduleBody

SCHEDULE_ROUTES: Final = RouteTable()
_PATH: Final = "/connectors/{connectorId}/schedule"


@SCHEDULE_ROUTES.route("GET", _PATH, "Schedule")
async def get_schedule(app: App, connector_id: given.ConnectorIdInPath) -> Response[str]:
    """Show a connector's schedule, its next run and the last ones."""
    return await _shown(app, connector_id)


@SCHEDULE_ROUTES.route("PUT", _PATH, "Schedule", 200, PRECONDITION_FAILED, CONFLICT)
async def set_schedule(
    app: App,
    connector_id: given.ConnectorIdInPath,
    body: ScheduleBody,
    if_match: given.IfMatch = None,
) -> Response[str]:
    """Set or replace a connector's schedule; the runs so far are kept."""
    await app.schedules.set(connector_id, body.to_schedule(), revisions=if_match)
    return await _shown(app, connector_id)


@SCHEDULE_ROUTES.route("DELETE", _PATH, "Nothing", 204, PRECONDITION_FAILED, CONFLICT)
async def remove_schedule(
    app: App, connector_id: given.ConnectorIdInPath, if_match: given.IfMatch = None
) -> Response[str]:
    """Remove a connector's schedule; a job that it has started goes on."""
    await app.schedules.remove(connector_id, revisions=if_match)
    return Response(204, body="")


async def _shown(app: App, connector_id: str) -> Response[str]:
    connector, schedule, runs = await app.schedules.show(connector_id)
    view = schedule_view(connector, schedule, runs, now=app.clock.now())
    return json_answer(200, view, tag_of(connector))
