"""What happened to an object of a connector: a route below the connector, as a policy allows it."""

from __future__ import annotations

from typing import Any, Final

from application.jobs.object_history import History, JobSighting
from domain.history_view import look_view, ruled_outcome_view
from domain.manifest import format_timestamp
from domain.removal_views import removal_row_view
from domain.views import chunk_view, listed_view
from entrypoints.http import parameters as given
from entrypoints.http.parameters import App
from entrypoints.http.route import RouteTable

ROUTES: Final = RouteTable()

_JOB_COUNT: Final = 5
_SHOWN_CHUNK_COUNT: Final = 5

Json = dict[str, Any]


@ROUTES.route("GET", "/connectors/{connectorId}/objects", "ObjectHistory")
async def get_object_history(
    app: App,
    connector_id: given.ConnectorIdInPath,
    key: given.Key,
    jobs: given.JobCount = _JOB_COUNT,
) -> Json:
    """Show what is known of one object: now, and in the connector's latest jobs."""
    found = await app.object_history.of(
        connector_id, key, job_count=jobs, discovery=app.default_discovery
    )
    return history_view(found)


def history_view(found: History) -> Json:
    """Return what is known of an object in the API's form."""
    bucket_name = found.jobs[0].job.request.bucket.name if found.jobs else None
    if found.connector is not None:
        bucket_name = found.connector.bucket.name
    return {
        "connectorId": found.connector_id,
        "bucketName": bucket_name,
        "objectKey": found.key,
        "now": None if found.look is None else look_view(found.look),
        "nowNotRead": found.not_looked,
        "jobs": [_sighting_view(each) for each in found.jobs],
        "moreJobs": found.more_jobs,
    }


def _sighting_view(each: JobSighting) -> Json:
    job, explanation = each.job, each.explanation
    outcome = explanation.outcome if explanation else None
    listed = explanation.listed if explanation else None
    chunks = explanation.chunks if explanation else ()
    return {
        "jobId": job.job_id,
        "status": job.status.value,
        "dryRun": job.request.options.dry_run,
        "createdAt": format_timestamp(job.times.created_at),
        "sighting": each.sighting.value,
        "reason": each.reason,
        "listed": None if listed is None else listed_view(listed),
        "outcome": None if outcome is None else ruled_outcome_view(outcome),
        "eventId": each.event_id,
        "removal": None if each.removal is None else removal_row_view(each.removal),
        "chunks": [chunk_view(chunk) for chunk in chunks[:_SHOWN_CHUNK_COUNT]],
    }
