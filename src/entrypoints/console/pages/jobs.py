"""One job: how far, how fast, when done, what failed and why, what it cost."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from domain.job import JobStatus
from domain.views import Json
from entrypoints.console import job_facts, pictures, text
from entrypoints.console.api import job_path
from entrypoints.console.features import CAUSES
from entrypoints.console.pages.retriggers import waiting_objects
from entrypoints.console.rendering import Console, console_of, now, page

ROUTES: Final = web.RouteTableDef()


@ROUTES.get("/jobs/{job_id}")
async def show_job(request: web.Request) -> web.Response:
    """Show one job."""
    context = await job_context(request)
    context["waiting"] = await waiting_objects(request, context["job"])
    return page(request, "job.html", context)


@ROUTES.get("/jobs/{job_id}/live")
async def job_live(request: web.Request) -> web.Response:
    """Show the part of the job's page that changes."""
    return page(request, "job_live.html", await job_context(request))


async def job_context(request: web.Request) -> Json:
    """Return what the page of a job shows."""
    console = console_of(request)
    job = await console.api.get(job_path(request.match_info["job_id"]))
    chunks = await console.chunks.read(job)
    causes = await read_causes(console, job)
    last_change = max(
        text.parse(at) for at in (job["updatedAt"], *(chunk["updatedAt"] for chunk in chunks))
    )
    at = now()
    return {
        "job": job,
        "phases": job_facts.phases(job),
        "outcomes": job_facts.outcomes(job),
        "announcement": job_facts.announcement(job),
        "last_change": last_change.isoformat(),
        "silence": job_facts.silence(job, last_change, at),
        "picture": pictures.chunk_picture(chunks, job["chunks"]["total"]),
        "plot": pictures.throughput(chunks, text.parse(job["createdAt"]), at),
        "causes": causes,
        "elapsed_s": (
            (at if job_facts.is_active(job) else last_change) - text.parse(job["createdAt"])
        ).total_seconds(),
    }


async def read_causes(console: Console, job: Json) -> Json:
    """Return the causes of the job's failures: one page, which groups thousands of them.

    Of a job without any, they are not asked for. One that failed as a whole has an entry.
    """
    counted = job["statistics"]["failed"] or job["chunks"]["failed"]
    failed = counted or job["status"] == JobStatus.FAILED
    if not failed or not await console.features.has(CAUSES):
        return {"items": [], "failuresRead": 0, "nextCursor": None}
    return await console.api.get(job_path(job["jobId"], "causes"))
