"""The routes of the API: each reads its arguments, calls one use case, and shows the result.

Powertools reads the annotations at run time, to validate the arguments and to describe them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from aws_lambda_powertools.event_handler.api_gateway import Response

from application.jobs.outcome_pages import WantedOutcomes
from application.jobs.plan_sync import PlanOptions
from domain.bucket_report import BucketReport
from domain.connector import Connector
from domain.errors import FieldIssue, InvalidRequest
from domain.job import Job
from domain.pricing.plan_views import plan_view
from domain.report_view import report_view
from domain.schedule_view import connector_schedule_view
from domain.views import (
    cause_view,
    chunk_view,
    connector_view,
    failure_view,
    indexed_view,
    job_view,
    listed_view,
    outcome_view,
)
from entrypoints.http import parameters as given
from entrypoints.http.accepted_job import accepted_job
from entrypoints.http.bodies import PlanBody, SyncBody
from entrypoints.http.connector_bodies import ConnectorBody, ConnectorChangesBody
from entrypoints.http.connector_job_routes import JOB, under_connector
from entrypoints.http.json_answers import json_answer as _json
from entrypoints.http.json_answers import tag_of as _tag
from entrypoints.http.object_routes import ROUTES as OBJECT_ROUTES
from entrypoints.http.orphan_routes import ORPHAN_ROUTES
from entrypoints.http.parameters import PAGE_ITEM_COUNT, App, OurRequest
from entrypoints.http.pause_routes import PAUSE_ROUTES
from entrypoints.http.problems import (
    ABOVE_MAX_COST,
    ALREADY_EXISTS,
    BUCKET_NOT_READABLE,
    CONFLICT,
    CONNECTOR_DISABLED,
    CONNECTOR_IN_USE,
    CONNECTOR_REMOVED,
    KEY_REUSED,
    NOT_REDRIVABLE,
    OVERLAPPING_JOB,
    PRECONDITION_FAILED,
    TOO_MANY_PREFIXES,
)
from entrypoints.http.removal_routes import REMOVAL_ROUTES
from entrypoints.http.route import RouteTable
from entrypoints.http.schedule_routes import SCHEDULE_ROUTES
from entrypoints.wiring.api_app import ApiApp
from ports.paging import Page

Item = TypeVar("Item")
Json = dict[str, Any]

ROUTES: Final = RouteTable()

# With discovery `batch` a key may be in any of thousands of chunks; what is not shown is counted.
_SHOWN_CHUNK_COUNT: Final = 20
# Lambda Developer Guide, "Lambda quotas": a response is at most 6 MB (hard limit). The margin is
# for the body's quotation marks, which are escaped once more in the response.
_RESPONSE_CHARS_MAX: Final = 4_500_000
_CAUSE_CHARS_MAX: Final = 500


@ROUTES.route("POST", "/connectors", "SavedConnector", 201, ALREADY_EXISTS)
async def create_connector(
    app: App, request: OurRequest, body: ConnectorBody, check: given.Check = True
) -> Response[str]:
    """Register a bucket."""
    vetting = app.check_connector.vetting(app.default_discovery)
    connector = await app.connectors.register(body.to_connector(), vet=vetting if check else None)
    location = request.link(f"/connectors/{connector.connector_id}")
    return _saved(app, connector, vetting.report, 201, {"Location": location})


@ROUTES.route("GET", "/connectors", "ConnectorPage")
async def list_connectors(
    app: App, limit: given.Limit = PAGE_ITEM_COUNT, cursor: given.PageCursor = None
) -> Response[str]:
    """List connectors."""
    page = await app.connectors.list_page(limit=limit, cursor=cursor)
    return _page(page, lambda connector: _connector(app, connector))


@ROUTES.route("GET", "/connectors/{connectorId}", "Connector")
async def get_connector(app: App, connector_id: given.ConnectorIdInPath) -> Response[str]:
    """Show a connector."""
    connector = await app.connectors.get(connector_id)
    return _json(200, _connector(app, connector), _tag(connector))


@ROUTES.route(
    "PATCH", "/connectors/{connectorId}", "SavedConnector", 200, PRECONDITION_FAILED, CONFLICT
)
async def edit_connector(
    app: App,
    connector_id: given.ConnectorIdInPath,
    body: ConnectorChangesBody,
    check: given.Check = True,
    if_match: given.IfMatch = None,
) -> Response[str]:
    """Change a connector; jobs that have started keep what it was."""
    vetting = app.check_connector.vetting(app.default_discovery)
    vet = vetting if check else None
    connector = await app.connectors.edit(connector_id, body.changed, revisions=if_match, vet=vet)
    return _saved(app, connector, vetting.report)


@ROUTES.route("POST", "/connectors/{connectorId}/check", "BucketReport")
async def check_connector(app: App, connector_id: given.ConnectorIdInPath) -> Json:
    """Look at a connector's bucket: what is there, and what is allowed; nothing is written."""
    found = await app.check_connector.check(connector_id, app.default_discovery)
    connector, report = found
    return report_view(report, connector.bucket.role_arn)


@ROUTES.route(
    "DELETE",
    "/connectors/{connectorId}",
    "Nothing",
    204,
    CONNECTOR_IN_USE,
    PRECONDITION_FAILED,
    CONFLICT,
)
async def remove_connector(
    app: App, connector_id: given.ConnectorIdInPath, if_match: given.IfMatch = None
) -> Response[str]:
    """Remove a connector that has no active job; its jobs can still be read."""
    await app.connectors.remove(connector_id, revisions=if_match)
    return Response(204, body="")


@ROUTES.route(
    "POST",
    "/connectors/{connectorId}/sync",
    "Job",
    202,
    CONNECTOR_DISABLED,
    OVERLAPPING_JOB,
    TOO_MANY_PREFIXES,
    KEY_REUSED,
    ABOVE_MAX_COST,
    BUCKET_NOT_READABLE,
    CONFLICT,
)
async def start_sync(
    app: App,
    request: OurRequest,
    connector_id: given.ConnectorIdInPath,
    body: SyncBody,
    idempotency_key: given.IdempotencyKey = None,
) -> Response[str]:
    """Start a sync of the connector's bucket."""
    options = body.to_options(app.default_discovery)
    try:
        started = await app.start_sync.start(
            connector_id, options, idempotency_key=idempotency_key, max_cost=body.max_cost
        )
    except InvalidRequest as error:
        raise (error if body.prefix is None else _of_one_prefix(error)) from error
    replayed = {} if started.created else {"Idempotency-Replayed": "true"}
    return accepted_job(app, request, started.job, replayed, under=f"/connectors/{connector_id}")


@ROUTES.route("POST", "/connectors/{connectorId}/plan", "Plan", 200, BUCKET_NOT_READABLE)
async def plan_sync(app: App, connector_id: given.ConnectorIdInPath, body: PlanBody) -> Json:
    """Plan a sync: what it would do, cost and take, and every other way to sync."""
    prices = body.prices.to_changes() if body.prices else None
    plan = PlanOptions(trigger=body.trigger, sample_size=body.sample_size, prices=prices)
    options = body.to_options(app.default_discovery)
    try:
        planned = await app.plan_sync.plan(connector_id, options, plan)
    except InvalidRequest as error:
        raise (error if body.prefix is None else _of_one_prefix(error)) from error
    return plan_view(planned.plan, planned.request)


@ROUTES.route("GET", "/jobs", "JobPage")
async def list_jobs(
    app: App,
    limit: given.Limit = PAGE_ITEM_COUNT,
    cursor: given.PageCursor = None,
    connector_id: given.ConnectorFilter = None,
    status: given.StatusFilter = None,
) -> Response[str]:
    """List jobs, the newest first."""
    page = await app.queries.jobs(
        connector_id=connector_id, status=status, limit=limit, cursor=cursor
    )
    now = app.clock.now()
    holders = await app.queries.slot_holders(page.items)

    def view(job: Job) -> Json:
        of_connector = holders.get(job.request.connector_id, ())
        return job_view(job, now, app.costing, cost_lines=False, slot_holders=of_connector)

    return _page(page, view)


@ROUTES.route("GET", "/jobs/{jobId}", "Job")
async def get_job(app: App, job_id: given.JobIdInPath) -> Json:
    """Show a job: its status, counts and progress."""
    job = await app.queries.job(job_id)
    holders = (await app.queries.slot_holders((job,))).get(job.request.connector_id, ())
    return job_view(job, app.clock.now(), app.costing, slot_holders=holders)


@ROUTES.route("GET", "/jobs/{jobId}/chunks", "ChunkPage")
async def list_chunks(
    app: App,
    job_id: given.JobIdInPath,
    limit: given.Limit = PAGE_ITEM_COUNT,
    cursor: given.PageCursor = None,
) -> Response[str]:
    """List a job's chunks."""
    return _page(await app.queries.chunks(job_id, limit=limit, cursor=cursor), chunk_view)


@ROUTES.route("GET", "/jobs/{jobId}/errors", "FailurePage")
async def list_errors(
    app: App,
    job_id: given.JobIdInPath,
    limit: given.Limit = PAGE_ITEM_COUNT,
    cursor: given.PageCursor = None,
) -> Response[str]:
    """List what failed in a job."""
    return _page(await app.queries.failures(job_id, limit=limit, cursor=cursor), failure_view)


@ROUTES.route("GET", "/jobs/{jobId}/causes", "FailureCausePage")
async def list_causes(app: App, job_id: given.JobIdInPath, cursor: given.PageCursor = None) -> Json:
    """List the causes of what failed in a job, with counts and a next step."""
    grouped = await app.group_failures.group(job_id, cursor=cursor)
    return {
        "items": [cause_view(cause) for cause in grouped.causes],
        "failuresRead": grouped.read_count,
        "objectsFailed": grouped.failed_object_count,
        "nextCursor": grouped.cursor,
    }


@ROUTES.route("GET", "/jobs/{jobId}/outcomes", "ObjectOutcomePage")
async def list_outcomes(
    app: App,
    job_id: given.JobIdInPath,
    limit: given.OutcomeLimit = PAGE_ITEM_COUNT,
    cursor: given.PageCursor = None,
    outcome: given.Outcome = None,
    decision: given.DecisionFilter = None,
    prefix: given.KeyPrefix = None,
) -> Response[str]:
    """List a job's objects with their outcomes, all or some; by key, once there is the index."""
    wanted = WantedOutcomes(kind=outcome, decision=decision, prefix=prefix or "")
    page = await app.outcome_pages.page(job_id, wanted, limit=limit, cursor=cursor)
    return _page(page, indexed_view)


@ROUTES.route("GET", "/jobs/{jobId}/objects", "Explanation")
async def explain_object(
    app: App, job_id: given.JobIdInPath, key: given.Key, cursor: given.PageCursor = None
) -> Json:
    """Show the outcome of one object in a job."""
    explanation = await app.explain_object.explain(job_id, key, cursor=cursor)
    outcome = explanation.outcome
    return {
        "jobId": job_id,
        "objectKey": explanation.key,
        "listed": None if explanation.listed is None else listed_view(explanation.listed),
        "outcome": None if outcome is None else outcome_view(outcome),
        "chunkCount": explanation.chunk_count,
        "chunks": [chunk_view(chunk) for chunk in explanation.chunks[:_SHOWN_CHUNK_COUNT]],
        "nextCursor": explanation.cursor,
    }


@ROUTES.route("POST", "/jobs/{jobId}/cancel", "Job", 202, CONFLICT)
async def cancel_job(app: App, request: OurRequest, job_id: given.JobIdInPath) -> Response[str]:
    """Cancel a job; one that has ended stays as it is."""
    return accepted_job(app, request, await app.cancel_job.cancel(job_id))


@ROUTES.route(
    "POST",
    "/jobs/{jobId}/redrive",
    "Job",
    202,
    NOT_REDRIVABLE,
    CONNECTOR_DISABLED,
    CONNECTOR_REMOVED,
    OVERLAPPING_JOB,
    TOO_MANY_PREFIXES,
    CONFLICT,
)
async def redrive_job(app: App, request: OurRequest, job_id: given.JobIdInPath) -> Response[str]:
    """Try a job's failed objects again."""
    return accepted_job(app, request, await app.redrive_job.redrive(job_id))


@ROUTES.route("GET", "/connectors/{connectorId}/jobs", "JobPage")
async def list_connector_jobs(
    app: App,
    connector_id: given.ConnectorIdInPath,
    limit: given.Limit = PAGE_ITEM_COUNT,
    cursor: given.PageCursor = None,
    status: given.StatusFilter = None,
) -> Response[str]:
    """List the jobs of a connector, the newest first; also of one that was removed."""
    return await list_jobs(app, limit, cursor, connector_id, status)


ROUTES.extend([*SCHEDULE_ROUTES, *REMOVAL_ROUTES, *ORPHAN_ROUTES, *OBJECT_ROUTES, *PAUSE_ROUTES])
ROUTES.extend([under_connector(route) for route in ROUTES if route.path.startswith(JOB)])


@ROUTES.route("GET", "/openapi.json", "OpenApi")
async def describe_api(request: OurRequest) -> Json:
    """Show this description."""
    # What it takes to describe is imported on demand: every cold start would pay for it.
    from entrypoints.http.openapi import document

    return document(ROUTES, server=request.link("") or "/")


def _connector(app: ApiApp, connector: Connector) -> Json:
    return connector_view(connector) | connector_schedule_view(connector, now=app.clock.now())


def _saved(
    app: ApiApp,
    connector: Connector,
    report: BucketReport | None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response[str]:
    shown = report_view(report, connector.bucket.role_arn) if report else None
    return _json(
        status,
        {**_connector(app, connector), "check": shown},
        {**_tag(connector), **(headers or {})},
    )


def _page(page: Page[Item], view: Callable[[Item], Json]) -> Response[str]:
    body: Json = {"items": [view(item) for item in page.items], "nextCursor": page.cursor}
    if page.unreadable:
        body["unreadable"] = [
            {"id": each.record_id, "cause": each.cause[:_CAUSE_CHARS_MAX]}
            for each in page.unreadable
        ]
    response = _json(200, body)
    if len(response.body or "") > _RESPONSE_CHARS_MAX:
        message = "makes a page that is too large to be sent; ask for fewer items"
        raise InvalidRequest(FieldIssue(path="limit", message=message))
    return response


def _of_one_prefix(error: InvalidRequest) -> InvalidRequest:
    """Return the error in terms of `prefix`, which the use case knows as `prefixes.0`."""
    return InvalidRequest(
        *(
            replace(issue, path="prefix") if issue.path.startswith("prefixes") else issue
            for issue in error.issues
        )
    )
