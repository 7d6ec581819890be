"""The routes of removals: what a sync no longer saw, and the confirmation of it."""

from __future__ import annotations

from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from domain.removal_views import removal_row_view
from entrypoints.http import parameters as given
from entrypoints.http.accepted_job import accepted_job
from entrypoints.http.parameters import PAGE_ITEM_COUNT, App, OurRequest
from entrypoints.http.problems import (
    CONFLICT,
    CONNECTOR_DISABLED,
    CONNECTOR_REMOVED,
    NOT_CONFIRMABLE,
)
from entrypoints.http.removal_bodies import ConfirmationBody
from entrypoints.http.route import RouteTable

Json = dict[str, Any]

REMOVAL_ROUTES: Final = RouteTable()


@REMOVAL_ROUTES.route("GET", "/jobs/{jobId}/removals", "RemovalPage")
async def list_removals(
    app: App,
    job_id: given.JobIdInPath,
    state: given.RemovalStateFilter = None,
    limit: given.Limit = PAGE_ITEM_COUNT,
    cursor: given.PageCursor = None,
) -> Json:
    """List the objects that the sync before saw and this one did not."""
    page = await app.removal_pages.page(job_id, state, limit=limit, cursor=cursor)
    return {"items": [removal_row_view(row) for row in page.items], "nextCursor": page.cursor}


@REMOVAL_ROUTES.route(
    "POST",
    "/jobs/{jobId}/removals/confirm",
    "Job",
    202,
    NOT_CONFIRMABLE,
    CONNECTOR_DISABLED,
    CONNECTOR_REMOVED,
    CONFLICT,
)
async def confirm_removals(
    app: App, request: OurRequest, job_id: given.JobIdInPath, body: ConfirmationBody
) -> Response[str]:
    """Confirm missing objects that the guard has stopped, so that they are announced."""
    job = await app.confirm_removals.confirm(job_id, expected=body.missing)
    return accepted_job(app, request, job)
