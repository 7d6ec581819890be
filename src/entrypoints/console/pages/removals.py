"""What is gone? The objects that the sync before saw, and this one did not."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from domain.removal_views import ROW_FIELDS
from entrypoints.console.api import ApiError, both, job_path
from entrypoints.console.downloads import send_file
from entrypoints.console.form_values import Values, number
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_PAGE_ITEM_COUNT: Final = 50
STATES: Final = ("REMOVED", "MOVED", "RETURNED", "OUT_OF_SCOPE", "MISSING")


@ROUTES.get("/jobs/{job_id}/removals")
async def list_removals(request: web.Request) -> web.Response:
    """List the objects of the comparison."""
    path = job_path(request.match_info["job_id"])
    given = {name: request.query.get(name) or None for name in ("state", "cursor")}
    api = console_of(request).api
    job, listed = await both(
        api.get(path), api.get(f"{path}/removals", {"limit": _PAGE_ITEM_COUNT, **given})
    )
    context = {"job": job, "listed": listed, "given": given, "states": STATES}
    return page(request, "removals.html", context)


@ROUTES.get(r"/jobs/{job_id}/removals/file.{format:csv|json}")
async def download(request: web.Request) -> web.StreamResponse:
    """Send all objects of the comparison, or those in one state, as a file."""
    path = job_path(request.match_info["job_id"], "removals")
    query = {"state": request.query.get("state") or None}
    name = f"removals-{request.match_info['job_id']}"
    return await send_file(request, path, query, name=name, columns=ROW_FIELDS)


@ROUTES.get("/jobs/{job_id}/removals/confirm")
async def confirm(request: web.Request) -> web.Response:
    """Ask whether what the guard has stopped is gone indeed."""
    job = await console_of(request).api.get(job_path(request.match_info["job_id"]))
    return page(request, "removals_confirm.html", {"job": job, "problem": None})


@ROUTES.post("/jobs/{job_id}/removals/confirm")
async def act(request: web.Request) -> web.Response:
    """Confirm the number that was shown."""
    path = job_path(request.match_info["job_id"])
    api = console_of(request).api
    missing = number(Values.of_form(await request.post()).text("missing"))
    try:
        await api.post(f"{path}/removals/confirm", {"missing": missing})
    except ApiError as error:
        context = {"job": await api.get(path), "problem": problem_of(error)}
        return page(request, "removals_confirm.html", context, status=error.status)
    raise web.HTTPSeeOther(str(request.rel_url.parent.parent))
