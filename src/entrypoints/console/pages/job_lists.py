"""Lists: jobs, and of one job its chunks, its failures and its objects by outcome."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from domain.job import JobStatus
from domain.outcome import OutcomeKind
from entrypoints.console import job_facts, pictures
from entrypoints.console.api import Query, both, job_path
from entrypoints.console.pages.jobs import read_causes
from entrypoints.console.rendering import console_of, page

ROUTES: Final = web.RouteTableDef()

_PAGE_ITEM_COUNT: Final = 50
_CHUNK_COUNT: Final = 100


@ROUTES.get("/jobs")
async def list_jobs(request: web.Request) -> web.Response:
    """List jobs, the newest first, of one connector or with one status."""
    given = {name: request.query.get(name) or None for name in ("connectorId", "status", "cursor")}
    api = console_of(request).api
    listed = await api.get("/jobs", {"limit": _PAGE_ITEM_COUNT, **given})
    context = {"listed": listed, "given": given, "statuses": [each.value for each in JobStatus]}
    return page(request, "jobs.html", context)


@ROUTES.get("/jobs/{job_id}/chunks")
async def list_chunks(request: web.Request) -> web.Response:
    """List the job's chunks."""
    path = job_path(request.match_info["job_id"])
    query = {"limit": _CHUNK_COUNT, "cursor": request.query.get("cursor")}
    api = console_of(request).api
    job, listed = await both(api.get(path), api.get(f"{path}/chunks", query))
    context = {
        "job": job,
        "listed": listed,
        "picture": pictures.chunk_picture(listed["items"], len(listed["items"])),
    }
    return page(request, "chunks.html", context)


@ROUTES.get("/jobs/{job_id}/errors")
async def list_failures(request: web.Request) -> web.Response:
    """List what failed, below the causes."""
    path = job_path(request.match_info["job_id"])
    query = {"limit": _PAGE_ITEM_COUNT, "cursor": request.query.get("cursor")}
    api = console_of(request).api
    job, listed = await both(api.get(path), api.get(f"{path}/errors", query))
    context = {"job": job, "listed": listed, "causes": await read_causes(console_of(request), job)}
    return page(request, "failures.html", context)


@ROUTES.get("/jobs/{job_id}/outcomes")
async def list_outcomes(request: web.Request) -> web.Response:
    """List the job's objects that ended one way."""
    path = job_path(request.match_info["job_id"])
    outcome = request.query.get("outcome") or OutcomeKind.FAILED.value
    cursor = request.query.get("cursor")
    api = console_of(request).api
    query: Query = {"outcome": outcome, "limit": _PAGE_ITEM_COUNT, "cursor": cursor}
    job, listed = await both(api.get(path), api.get(f"{path}/outcomes", query))
    context = {
        "job": job,
        "listed": listed,
        "outcome": outcome,
        "outcomes": job_facts.outcomes(job),
    }
    return page(request, "outcomes.html", context)
