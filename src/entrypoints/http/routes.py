"""The table of routes: what the API serves, and what its description is made of."""

from __future__ import annotations

from typing import Final

from entrypoints.http import operations
from entrypoints.http.bodies import (
    ConnectorBody,
    JobsQuery,
    ObjectQuery,
    OutcomesQuery,
    PageQuery,
    SyncBody,
)
from entrypoints.http.exchange import Reply, Request
from entrypoints.http.problems import (
    ALREADY_EXISTS,
    CONFLICT,
    CONNECTOR_DISABLED,
    INVALID_CURSOR,
    INVALID_JSON,
    KEY_REUSED,
    NOT_FOUND,
    NOT_REDRIVABLE,
    OVERLAPPING_JOB,
    TOO_MANY_PREFIXES,
    UNSUPPORTED_MEDIA_TYPE,
)
from entrypoints.http.route import Route
from entrypoints.wiring.apps import ApiApp

_BODY: Final = (INVALID_JSON, UNSUPPORTED_MEDIA_TYPE)


async def describe(_app: ApiApp, request: Request, _: str) -> Reply:
    """Serve the API's description."""
    # What it takes to describe is imported when somebody asks; few do, and every cold start pays.
    from entrypoints.http.openapi import document

    return Reply(status=200, body=document(ROUTES, server=request.prefix or "/"))


ROUTES: Final = (
    Route(
        method="POST",
        path="/connectors",
        serve=operations.create_connector,
        operation="createConnector",
        summary="Register a bucket",
        status=201,
        answers="Connector",
        body=ConnectorBody,
        problems=(*_BODY, ALREADY_EXISTS),
    ),
    Route(
        method="GET",
        path="/connectors",
        serve=operations.list_connectors,
        operation="listConnectors",
        summary="List connectors",
        status=200,
        answers="ConnectorPage",
        query=PageQuery,
        problems=(INVALID_CURSOR,),
    ),
    Route(
        method="GET",
        path="/connectors/{connectorId}",
        serve=operations.get_connector,
        operation="getConnector",
        summary="Show a connector",
        status=200,
        answers="Connector",
        problems=(NOT_FOUND,),
    ),
    Route(
        method="POST",
        path="/connectors/{connectorId}/sync",
        serve=operations.start_sync,
        operation="startSync",
        summary="Start a sync of the connector's bucket",
        status=202,
        answers="Job",
        body=SyncBody,
        problems=(
            *_BODY,
            NOT_FOUND,
            CONNECTOR_DISABLED,
            OVERLAPPING_JOB,
            TOO_MANY_PREFIXES,
            KEY_REUSED,
        ),
        replayable=True,
    ),
    Route(
        method="GET",
        path="/jobs",
        serve=operations.list_jobs,
        operation="listJobs",
        summary="List jobs, the newest first",
        status=200,
        answers="JobPage",
        query=JobsQuery,
        problems=(INVALID_CURSOR,),
    ),
    Route(
        method="GET",
        path="/jobs/{jobId}",
        serve=operations.get_job,
        operation="getJob",
        summary="Show a job: its status, counts and progress",
        status=200,
        answers="Job",
        problems=(NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/jobs/{jobId}/chunks",
        serve=operations.list_chunks,
        operation="listChunks",
        summary="List a job's chunks",
        status=200,
        answers="ChunkPage",
        query=PageQuery,
        problems=(INVALID_CURSOR, NOT_FOUND),
    ),
    Route(
        method="GET",
        path="/jobs/{jobId}/errors",
        serve=operations.list_errors,
        operation="listErrors",
        summary="List what failed in a job",
        status=200,
        answers="FailurePage",
        query=PageQuery,
        problems=(INVALID_CURSOR, NOT_FOUND),
    ),
    Route(
        method="GET",
        path="/jobs/{jobId}/outcomes",
        serve=operations.list_outcomes,
        operation="listOutcomes",
        summary="List a job's objects that ended one way, such as NOT_TAKEN",
        status=200,
        answers="ObjectOutcomePage",
        query=OutcomesQuery,
        problems=(INVALID_CURSOR, NOT_FOUND),
    ),
    Route(
        method="GET",
        path="/jobs/{jobId}/objects",
        serve=operations.explain_object,
        operation="explainObject",
        summary="Show what became of one object in a job",
        status=200,
        answers="Explanation",
        query=ObjectQuery,
        problems=(INVALID_CURSOR, NOT_FOUND),
    ),
    Route(
        method="POST",
        path="/jobs/{jobId}/cancel",
        serve=operations.cancel_job,
        operation="cancelJob",
        summary="Cancel a job; one that has ended stays as it is",
        status=202,
        answers="Job",
        problems=(NOT_FOUND, CONFLICT),
    ),
    Route(
        method="POST",
        path="/jobs/{jobId}/redrive",
        serve=operations.redrive_job,
        operation="redriveJob",
        summary="Try a job's failed objects again",
        status=202,
        answers="Job",
        problems=(NOT_FOUND, NOT_REDRIVABLE, OVERLAPPING_JOB, TOO_MANY_PREFIXES, CONFLICT),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        serve=describe,
        operation="describeApi",
        summary="Show this description",
        status=200,
        answers="OpenApi",
    ),
)
