"""Which assets of the catalog have no object? A search that is asked for, and its report."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from domain.orphan_views import ROW_FIELDS
from domain.views import Json
from entrypoints.console.api import ApiError, both, job_path
from entrypoints.console.downloads import send_file
from entrypoints.console.problems import problem_of
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_PAGE_ITEM_COUNT: Final = 50


@ROUTES.get("/jobs/{job_id}/orphans")
async def list_orphans(request: web.Request) -> web.Response:
    """Show how far the job's last search is, and what it found."""
    return page(request, "orphans.html", await _context(request))


@ROUTES.get("/jobs/{job_id}/orphans/live")
async def orphans_live(request: web.Request) -> web.Response:
    """Show the part of the page that changes."""
    return page(request, "orphans_live.html", await _context(request))


@ROUTES.get(r"/jobs/{job_id}/orphans/file.{format:csv|json}")
async def download(request: web.Request) -> web.StreamResponse:
    """Send the whole report as a file."""
    path = job_path(request.match_info["job_id"])
    search = (await console_of(request).api.get(path))["orphans"]
    if search is None:
        raise web.HTTPSeeOther(str(request.rel_url.parent))
    name = f"orphans-{request.match_info['job_id']}-{search['number']}"
    return await send_file(request, f"{path}/orphans", {}, name=name, columns=ROW_FIELDS)


@ROUTES.get("/jobs/{job_id}/orphans/search")
async def confirm(request: web.Request) -> web.Response:
    """Say what a search does and costs, and ask whether it is started."""
    job = await console_of(request).api.get(job_path(request.match_info["job_id"]))
    return page(request, "orphans_search.html", {"job": job, "problem": None})


@ROUTES.post("/jobs/{job_id}/orphans/search")
async def search(request: web.Request) -> web.Response:
    """Start the search; one that is under way is not started again."""
    path = job_path(request.match_info["job_id"])
    api = console_of(request).api
    try:
        await api.post(f"{path}/orphans")
    except ApiError as error:
        context = {"job": await api.get(path), "problem": problem_of(error)}
        return page(request, "orphans_search.html", context, status=error.status)
    raise web.HTTPSeeOther(str(request.rel_url.parent))


async def _context(request: web.Request) -> Json:
    path = job_path(request.match_info["job_id"])
    cursor = request.query.get("cursor")
    api = console_of(request).api
    query = {"limit": _PAGE_ITEM_COUNT, "cursor": cursor}
    job, listed = await both(api.get(path), api.get(f"{path}/orphans", query))
    return {"job": job, "listed": listed, "cursor": cursor}
