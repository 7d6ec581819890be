"""What each route does: read the request, call one use case, show the result."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from application.connectors import NewConnector
from application.jobs.explain_object import Explanation
from domain.connector import Ingest
from domain.errors import FieldIssue, InvalidRequest
from domain.job import Job, SyncOptions
from domain.outcome import Outcome
from domain.views import chunk_view, connector_view, failure_view, job_view
from entrypoints.http.bodies import (
    ConnectorBody,
    JobsQuery,
    ObjectQuery,
    OutcomesQuery,
    PageQuery,
    SyncBody,
)
from entrypoints.http.exchange import Json, Reply, Request
from entrypoints.http.parsing import idempotency_key, parse_body, parse_query
from entrypoints.wiring.apps import ApiApp
from ports.errors import NotFound
from ports.paging import Page

Item = TypeVar("Item")

# Ids that we make or accept are such words; others are of nothing, and no table has to be asked
# (DynamoDB refuses keys over 2,048 bytes).
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,127}", re.ASCII)

# A guess at when there is something new to see; a sync takes from seconds to hours.
_JOB_RETRY_AFTER_S: Final = 5

# With discovery `batch` a key may be in any of thousands of chunks; what is not shown is counted.
_SHOWN_CHUNK_COUNT: Final = 20

# Lambda Developer Guide, "Lambda quotas": a response is at most 6 MB (hard limit). The margin is
# for the body's quotation marks, which are escaped once more in the response.
_REPLY_CHARS_MAX: Final = 4_500_000
_CAUSE_CHARS_MAX: Final = 500


async def create_connector(app: ApiApp, request: Request, _: str) -> Reply:
    """Register a bucket."""
    body = parse_body(request, ConnectorBody)
    connector = await app.connectors.register(
        NewConnector(
            bucket_name=body.bucket_name,
            connector_id=body.connector_id,
            prefixes=tuple(body.prefixes or ()),
            status=body.status,
            ingest=Ingest(
                trigger=body.trigger,
                ids=body.ids,
                restore_tags=body.restore_tags,
                queue_url=body.ingest_queue_url,
                file_filter=body.file_filter.to_filter() if body.file_filter else None,
            ),
            expected_owner=body.expected_bucket_owner,
            role_arn=body.role_arn,
        )
    )
    location = request.link(f"/connectors/{connector.connector_id}")
    return Reply(status=201, body=connector_view(connector), headers={"Location": location})


async def list_connectors(app: ApiApp, request: Request, _: str) -> Reply:
    """Show a page of connectors."""
    query = parse_query(request, PageQuery)
    page = await app.connectors.list_page(limit=query.limit, cursor=query.cursor)
    return _page(page, connector_view)


async def get_connector(app: ApiApp, _: Request, connector_id: str) -> Reply:
    """Show one connector."""
    connector = await app.connectors.get(_known("connector", connector_id))
    return Reply(status=200, body=connector_view(connector))


async def start_sync(app: ApiApp, request: Request, connector_id: str) -> Reply:
    """Start a job, or find the one that an equal request started."""
    body = parse_body(request, SyncBody)
    key = idempotency_key(request)
    one_prefix = () if body.prefix is None else (body.prefix,)
    options = SyncOptions(
        prefixes=tuple(body.prefixes or one_prefix),
        discovery=body.discovery or app.default_discovery,
        dry_run=body.dry_run,
        modified_since=body.modified_since,
        include=tuple(body.include or ()),
        exclude=tuple(body.exclude or ()),
        retrigger=body.retrigger,
    )
    try:
        started = await app.start_sync.start(
            _known("connector", connector_id), options, idempotency_key=key
        )
    except InvalidRequest as error:
        raise (_of_one_prefix(error) if one_prefix else error) from error
    return _accepted(app, request, started.job, replayed=not started.created)


async def list_jobs(app: ApiApp, request: Request, _: str) -> Reply:
    """Show a page of jobs, the newest first."""
    query = parse_query(request, JobsQuery)
    page = await app.queries.jobs(
        connector_id=query.connector_id,
        status=query.status,
        limit=query.limit,
        cursor=query.cursor,
    )
    now = app.clock.now()
    return _page(page, lambda job: job_view(job, now))


async def get_job(app: ApiApp, _: Request, job_id: str) -> Reply:
    """Show one job."""
    job = await app.queries.job(_known("job", job_id))
    return Reply(status=200, body=job_view(job, app.clock.now()))


async def list_chunks(app: ApiApp, request: Request, job_id: str) -> Reply:
    """Show a page of a job's chunks."""
    query = parse_query(request, PageQuery)
    page = await app.queries.chunks(_known("job", job_id), limit=query.limit, cursor=query.cursor)
    return _page(page, chunk_view)


async def list_errors(app: ApiApp, request: Request, job_id: str) -> Reply:
    """Show a page of a job's failures."""
    query = parse_query(request, PageQuery)
    page = await app.queries.failures(_known("job", job_id), limit=query.limit, cursor=query.cursor)
    return _page(page, failure_view)


async def list_outcomes(app: ApiApp, request: Request, job_id: str) -> Reply:
    """Show a page of the objects that ended one way."""
    query = parse_query(request, OutcomesQuery)
    page = await app.outcome_pages.page(
        _known("job", job_id), query.outcome, limit=query.limit, cursor=query.cursor
    )
    return _page(page, lambda outcome: {"objectKey": outcome.key, **_outcome_view(outcome)})


async def explain_object(app: ApiApp, request: Request, job_id: str) -> Reply:
    """Show what became of one key."""
    query = parse_query(request, ObjectQuery)
    explanation = await app.explain_object.explain(
        _known("job", job_id), query.key, cursor=query.cursor
    )
    return Reply(status=200, body=_explanation_view(job_id, explanation))


async def cancel_job(app: ApiApp, request: Request, job_id: str) -> Reply:
    """Order a job's end."""
    job = await app.cancel_job.cancel(_known("job", job_id))
    return _accepted(app, request, job)


async def redrive_job(app: ApiApp, request: Request, job_id: str) -> Reply:
    """Order that a job's failures are tried again."""
    job = await app.redrive_job.redrive(_known("job", job_id))
    return _accepted(app, request, job)


def _known(thing: str, thing_id: str) -> str:
    if not _ID.fullmatch(thing_id):
        shown = thing_id[:64].encode("utf-8", "replace").decode()
        raise NotFound(f"there is no {thing} {shown!r}")
    return thing_id


def _accepted(app: ApiApp, request: Request, job: Job, *, replayed: bool = False) -> Reply:
    headers = {
        "Location": request.link(f"/jobs/{job.job_id}"),
        "Retry-After": str(_JOB_RETRY_AFTER_S),
    }
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return Reply(status=202, body=job_view(job, app.clock.now()), headers=headers)


def _page(page: Page[Item], view: Callable[[Item], Json]) -> Reply:
    body: Json = {"items": [view(item) for item in page.items], "nextCursor": page.cursor}
    if page.unreadable:
        body["unreadable"] = [
            {"id": each.record_id, "cause": each.cause[:_CAUSE_CHARS_MAX]}
            for each in page.unreadable
        ]
    reply = Reply(status=200, body=body)
    if len(reply.text()) > _REPLY_CHARS_MAX:
        message = "makes a page that is too large to be sent; ask for fewer items"
        raise InvalidRequest(FieldIssue(path="limit", message=message))
    return reply


def _of_one_prefix(error: InvalidRequest) -> InvalidRequest:
    """Return the error in terms of `prefix`, which the use case knows as `prefixes.0`."""
    return InvalidRequest(
        *(
            replace(fault, path="prefix") if fault.path.startswith("prefixes") else fault
            for fault in error.issues
        )
    )


def _explanation_view(job_id: str, explanation: Explanation) -> Json:
    outcome = explanation.outcome
    return {
        "jobId": job_id,
        "objectKey": explanation.key,
        "outcome": None if outcome is None else _outcome_view(outcome),
        "chunkCount": explanation.chunk_count,
        "chunks": [chunk_view(chunk) for chunk in explanation.chunks[:_SHOWN_CHUNK_COUNT]],
        "nextCursor": explanation.cursor,
    }


def _outcome_view(outcome: Outcome) -> Json:
    return {
        "outcome": outcome.kind.value,
        "reason": outcome.reason,
        "decision": outcome.decision.value if outcome.decision else None,
        "assetId": outcome.asset_id,
        "inventoryId": outcome.inventory_id,
        "size": outcome.size_bytes,
        "eTag": outcome.e_tag,
        "versionId": outcome.version_id,
        "triggeredAt": outcome.triggered_at,
        "triggerCount": outcome.trigger_count,
        "message": outcome.message,
        "vendorCode": outcome.vendor_code,
        "requestId": outcome.request_id,
    }
