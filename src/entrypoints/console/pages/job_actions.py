"""What can be done with a job: a page asks for confirmation, a form does it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from entrypoints.console.api import ApiError, job_path
from entrypoints.console.form_values import Values
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()


@ROUTES.get("/jobs/{job_id}/{action:cancel|redrive|pause|resume}")
async def confirm(request: web.Request) -> web.Response:
    """Ask whether it is done."""
    job = await console_of(request).api.get(job_path(request.match_info["job_id"]))
    context = {"job": job, "action": request.match_info["action"], "problem": None}
    return page(request, "job_confirm.html", context)


@ROUTES.post("/jobs/{job_id}/{action:cancel|redrive|pause|resume}")
async def act(request: web.Request) -> web.Response:
    """Do it."""
    job_id, action = request.match_info["job_id"], request.match_info["action"]
    reason = Values.of_form(await request.post()).text("reason")
    api = console_of(request).api
    try:
        await api.post(job_path(job_id, action), {"reason": reason} if reason else None)
    except ApiError as error:
        job = await api.get(job_path(job_id))
        context = {"job": job, "action": action, "problem": problem_of(error)}
        return page(request, "job_confirm.html", context, status=error.status)
    raise web.HTTPSeeOther(str(request.rel_url.parent))
