"""The routes of what holds for all jobs of a stage."""

from __future__ import annotations

from typing import Any, Final

from domain.views import stage_view
from entrypoints.http.parameters import App, OurRequest
from entrypoints.http.pause_bodies import PauseBody
from entrypoints.http.route import RouteTable

STAGE_ROUTES: Final = RouteTable()

Json = dict[str, Any]


@STAGE_ROUTES.route("GET", "/stage", "Stage")
async def get_stage(app: App) -> Json:
    """Show whether all jobs are paused."""
    return stage_view(await app.pause_stage.current())


@STAGE_ROUTES.route("POST", "/stage/pause", "Stage")
async def pause_stage(app: App, request: OurRequest, body: PauseBody) -> Json:
    """Pause all jobs, also those that are started later."""
    return stage_view(await app.pause_stage.pause(reason=body.reason, by=request.caller))


@STAGE_ROUTES.route("POST", "/stage/resume", "Stage")
async def resume_stage(app: App) -> Json:
    """End the pause of all jobs; a job that was paused itself stays so."""
    await app.pause_stage.resume()
    return stage_view(await app.pause_stage.current())
