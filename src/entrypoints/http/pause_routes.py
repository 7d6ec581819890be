"""The routes of pauses: of one job, and of all jobs of a stage."""

from __future__ import annotations

from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from domain.views import stage_view
from entrypoints.http import parameters as given
from entrypoints.http.accepted_job import accepted_job
from entrypoints.http.parameters import App, OurRequest
from entrypoints.http.pause_bodies import PauseBody
from entrypoints.http.problems import CONFLICT, NOT_PAUSABLE
from entrypoints.http.route import RouteTable

PAUSE_ROUTES: Final = RouteTable()

Json = dict[str, Any]


@PAUSE_ROUTES.route("GET", "/stage", "Stage")
async def get_stage(app: App) -> Json:
    """Show whether all jobs are paused."""
    return stage_view(await app.pause_stage.current())


@PAUSE_ROUTES.route("POST", "/stage/pause", "Stage")
async def pause_stage(app: App, request: OurRequest, body: PauseBody) -> Json:
    """Pause all jobs, also those that are started later."""
    return stage_view(await app.pause_stage.pause(reason=body.reason, by=request.caller))


@PAUSE_ROUTES.route("POST", "/stage/resume", "Stage")
async def resume_stage(app: App) -> Json:
    """End the pause of all jobs; a job that was paused itself stays so."""
    await app.pause_stage.resume()
    return stage_view(await app.pause_stage.current())


@PAUSE_ROUTES.route("POST", "/jobs/{jobId}/pause", "Job", 202, NOT_PAUSABLE, CONFLICT)
async def pause_job(
    app: App, request: OurRequest, job_id: given.JobIdInPath, body: PauseBody
) -> Response[str]:
    """Pause a job: nothing new of it is started."""
    paused = app.pause_job.pause(job_id, reason=body.reason, by=request.caller)
    return accepted_job(app, request, await paused)


@PAUSE_ROUTES.route("POST", "/jobs/{jobId}/resume", "Job", 202, CONFLICT)
async def resume_job(app: App, request: OurRequest, job_id: given.JobIdInPath) -> Response[str]:
    """Resume a job that was paused; another one stays as it is."""
    return accepted_job(app, request, await app.pause_job.resume(job_id))
