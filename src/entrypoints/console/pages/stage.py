"""Pausing all jobs of the stage."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from entrypoints.console.form_values import Values
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()


@ROUTES.get("/stage/pause")
async def confirm_pause(request: web.Request) -> web.Response:
    """Ask whether all jobs are paused, and why."""
    stage = await console_of(request).api.get("/stage")
    return page(request, "stage_pause.html", {"stage": stage})


@ROUTES.post("/stage/{action:pause|resume}")
async def act(request: web.Request) -> web.Response:
    """Pause or resume all jobs."""
    action = request.match_info["action"]
    reason = Values.of_form(await request.post()).text("reason")
    body = {"reason": reason} if action == "pause" and reason else None
    await console_of(request).api.post(f"/stage/{action}", body)
    raise web.HTTPSeeOther("/")
