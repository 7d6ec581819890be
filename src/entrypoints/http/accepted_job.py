"""The response to a request that changes a job: the job, and where and when to look again."""

from __future__ import annotations

from typing import Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from domain.job import Job
from domain.views import job_view
from entrypoints.http.event import Request
from entrypoints.http.json_answers import json_answer
from entrypoints.wiring.api_app import ApiApp

# A guess at when there is something new to see; a sync takes from seconds to hours.
_JOB_RETRY_AFTER_S: Final = 5


def accepted_job(
    app: ApiApp,
    request: Request,
    job: Job,
    headers: dict[str, str] | None = None,
    *,
    under: str = "",
) -> Response[str]:
    """Return a 202 with the job; `under` is the connector's path, if its own path is wanted."""
    location = request.link(f"{under}/jobs/{job.job_id}")
    own = {"Location": location, "Retry-After": str(_JOB_RETRY_AFTER_S), **(headers or {})}
    return json_answer(202, job_view(job, app.clock.now(), app.costing), own)
