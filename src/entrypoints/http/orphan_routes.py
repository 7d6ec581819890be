"""The routes of orphans: records of the catalog whose objects do not exist."""

from __future__ import annotations

import json
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response

from domain.orphan_views import orphan_row_view
from domain.pricing.orphan_plan import orphan_plan_view
from domain.views import job_view
from entrypoints.http import parameters as given
from entrypoints.http.parameters import PAGE_ITEM_COUNT, App, OurRequest
from entrypoints.http.problems import (
    CONFLICT,
    CONNECTOR_DISABLED,
    CONNECTOR_REMOVED,
    NOT_SEARCHABLE,
)
from entrypoints.http.route import RouteTable

Json = dict[str, Any]

ORPHAN_ROUTES: Final = RouteTable()


@ORPHAN_ROUTES.route("GET", "/jobs/{jobId}/orphans", "OrphanPage")
async def list_orphans(
    app: App,
    job_id: given.JobIdInPath,
    limit: given.Limit = PAGE_ITEM_COUNT,
    cursor: given.PageCursor = None,
) -> Json:
    """List the records of the catalog whose objects do not exist."""
    page = await app.orphan_pages.page(job_id, limit=limit, cursor=cursor)
    return {"items": [orphan_row_view(row) for row in page.items], "nextCursor": page.cursor}


@ORPHAN_ROUTES.route("GET", "/jobs/{jobId}/orphans/plan", "OrphanPlan", 200, NOT_SEARCHABLE)
async def plan_orphans(app: App, job_id: given.JobIdInPath) -> Json:
    """Plan a search for orphans: what it would cost; nothing is started."""
    job, plan = await app.plan_orphans.plan(job_id)
    return orphan_plan_view(job, plan)


@ORPHAN_ROUTES.route(
    "POST",
    "/jobs/{jobId}/orphans",
    "Job",
    202,
    NOT_SEARCHABLE,
    CONNECTOR_DISABLED,
    CONNECTOR_REMOVED,
    CONFLICT,
)
async def find_orphans(app: App, request: OurRequest, job_id: given.JobIdInPath) -> Response[str]:
    """Search the catalog for records whose objects do not exist."""
    job = await app.find_orphans.find(job_id)
    text = json.dumps(job_view(job, app.clock.now(), app.costing), separators=(",", ":"))
    headers = {"Location": request.link(f"/jobs/{job_id}"), "Retry-After": "5"}
    return Response(202, "application/json", text, headers)
