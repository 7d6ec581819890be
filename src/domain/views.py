"""The JSON form of records: one shape for the API, the CLI and summary.json."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.chunk import Chunk
from domain.connector import Connector, Verify
from domain.failure import Failure
from domain.failure_causes import FailureCause
from domain.file_types import FileFilter
from domain.filter_view import filters_view
from domain.hold import Hold, hold_of
from domain.identity import Identity
from domain.job import Job
from domain.limits_view import limits_view
from domain.manifest import format_timestamp
from domain.orphan_views import orphans_view
from domain.outcome import Outcome, counts_by_name
from domain.outcome_index import NOT_LISTED, IndexedObject, JobIndex, Listed
from domain.pause import Pause
from domain.pricing.costing import Costing
from domain.pricing.views import cost_view
from domain.progress import progress_of
from domain.removal_views import removals_view, settings_view
from domain.snapshot import Lookup
from domain.tagging import tags_after

Json = dict[str, Any]


def job_view(job: Job, now: datetime, costing: Costing, *, cost_lines: bool = True) -> Json:
    """Return the job in the API's form: camelCase, timestamps in ISO 8601.

    Without `cost_lines` its cost has no lines: in a list they would be most of it.
    """
    progress = progress_of(job, now)
    return {
        "jobId": job.job_id,
        "connectorId": job.request.connector_id,
        "connectorCreatedAt": _time(job.request.connector_created_at),
        "bucketName": job.request.bucket.name,
        "prefixes": list(job.request.options.prefixes),
        "status": job.status.value,
        "statusReason": job.status_reason,
        "hold": hold_view(hold) if (hold := hold_of(job, now)) else None,
        "limits": limits_view(job.limits) if job.limits else None,
        "warnings": list(job.findings.warnings),
        "discovery": job.request.options.discovery.value,
        "verify": (job.request.options.verify or Verify.TAGS).value,
        "lookup": lookup_view(job.lookup) if job.lookup else None,
        "dryRun": job.request.options.dry_run,
        "source": source_view(job),
        "createdAt": format_timestamp(job.times.created_at),
        "updatedAt": format_timestamp(job.times.updated_at),
        "endedAt": _time(job.times.ended_at),
        "batchJobId": job.discovery.batch_job_id,
        "statistics": {
            "objectsListed": job.listing.objects_listed,
            "objectsFiltered": job.listing.objects_filtered,
            "objectsNotMedia": job.listing.objects_not_media,
            "bytesListed": job.listing.bytes_listed,
            **counts_by_name(job.tally.statistics),
        },
        "chunks": {
            "total": job.tally.chunks_total,
            "completed": job.tally.chunks_completed,
            "failed": job.tally.chunks_failed,
            "cancelled": job.tally.chunks_cancelled,
        },
        "progress": {
            "percent": progress.percent,
            "objectsPerSecond": _rounded(progress.objects_per_second),
            "etaSeconds": _rounded(progress.eta_s),
        },
        "removals": removals_view(job.removals) if job.removals else None,
        "orphans": orphans_view(job.orphans) if job.orphans else None,
        "outcomeIndex": index_view(job.index) if job.index else None,
        **cost_view(job, costing, lines=cost_lines),
    }


def hold_view(hold: Hold) -> Json:
    """Return what holds a job, in the API's form."""
    return {
        "cause": hold.cause.value,
        "since": format_timestamp(hold.since),
        "reason": hold.reason,
        "by": hold.by,
    }


def stage_view(pause: Pause | None) -> Json:
    """Return what holds for all jobs, in the API's form."""
    if pause is None:
        return {"pause": None}
    return {
        "pause": {"since": format_timestamp(pause.since), "reason": pause.reason, "by": pause.by}
    }


def source_view(job: Job) -> Json | None:
    """Return where the job's keys come from, if not from a listing, and the rows left out."""
    source, counts = job.request.options.source, job.listing.source
    if source is None:
        return None
    return {
        "kind": source.kind.value,
        "bucketName": source.bucket_name,
        "key": source.key,
        "eTag": source.e_tag,
        "rowsOutsidePrefixes": counts.outside,
        "rowsNotCurrent": counts.not_current,
        "rowsRepeated": counts.repeated,
    }


def lookup_view(lookup: Lookup) -> Json:
    """Return how a job compares its objects with the catalog, in the API's form."""
    snapshot = lookup.snapshot
    return {
        "way": lookup.way.value,
        "reason": lookup.reason,
        "snapshot": snapshot
        and {
            "beganAt": format_timestamp(snapshot.began_at),
            "ready": snapshot.ready,
            "records": snapshot.record_count,
        },
    }


def connector_view(connector: Connector) -> Json:
    """Return the connector in the API's form."""
    file_filter = connector.ingest.file_filter
    return {
        "connectorId": connector.connector_id,
        "bucketName": connector.bucket.name,
        "prefixes": list(connector.prefixes),
        "status": connector.status.value,
        "trigger": connector.ingest.trigger.value,
        "ids": connector.ingest.ids.value,
        "verify": connector.verify.value,
        "restoreTags": connector.ingest.restore_tags,
        "ingestQueueUrl": connector.ingest.queue_url,
        "ingestQueueMaxDepth": connector.ingest.queue_depth_max,
        "ingestQueueEmptyAt": (
            format_timestamp(connector.queue_empty_at) if connector.queue_empty_at else None
        ),
        "fileFilter": filter_view(file_filter) if file_filter else None,
        "filters": filters_view(connector.filters) if connector.filters.given else None,
        "removals": settings_view(connector.removals) if connector.removals else None,
        "limits": limits_view(connector.limits) if connector.limits else None,
        "expectedBucketOwner": connector.bucket.expected_owner,
        "roleArn": connector.bucket.role_arn,
        "createdAt": format_timestamp(connector.created_at),
    }


def filter_view(file_filter: FileFilter) -> Json:
    """Return the file filter in the API's form."""
    return {
        "mode": file_filter.mode.value,
        "extensions": list(file_filter.extensions),
        "mimeTypes": list(file_filter.mime_types),
    }


def chunk_view(chunk: Chunk) -> Json:
    """Return the chunk in the API's form."""
    return {
        "jobId": chunk.job_id,
        "chunkIndex": chunk.index,
        "status": chunk.status.value,
        "statusReason": chunk.status_reason,
        "objectCount": chunk.object_count,
        "sizeBytes": chunk.size_bytes,
        "attemptCount": chunk.attempt_count,
        "statistics": counts_by_name(chunk.statistics),
        "leaseExpiresAt": format_timestamp(chunk.lease.expires_at) if chunk.lease else None,
        "createdAt": format_timestamp(chunk.created_at),
        "updatedAt": format_timestamp(chunk.updated_at),
    }


def failure_view(failure: Failure) -> Json:
    """Return the failure in the API's form."""
    return {
        "errorId": failure.error_id,
        "jobId": failure.job_id,
        "chunkIndex": failure.chunk_index,
        "objectKey": failure.key,
        "errorClass": failure.error_class,
        "message": failure.message,
        "vendorCode": failure.vendor_code,
        "requestId": failure.request_id,
        "attempt": failure.attempt_number,
        "occurredAt": format_timestamp(failure.occurred_at),
        "stackTrace": failure.stack_trace,
    }


def listed_view(listed: Listed) -> Json:
    """Return how an object was listed, in the API's form."""
    return {
        "size": listed.size_bytes,
        "lastModified": _time(listed.last_modified),
        "eTag": listed.e_tag,
    }


def indexed_view(item: IndexedObject) -> Json:
    """Return an object with an outcome, as it is listed among others.

    Raises:
        ValueError: It has none.
    """
    if item.outcome is None:
        raise ValueError(f"{item.key!r} has no outcome")
    listed = None if item.listed == NOT_LISTED else listed_view(item.listed)
    return {"objectKey": item.key, "listed": listed, **outcome_view(item.outcome)}


def index_view(index: JobIndex) -> Json:
    """Return the state of a job's index of outcomes, in the API's form."""
    return {"status": index.status.value, "reason": index.reason}


def cause_view(cause: FailureCause) -> Json:
    """Return the cause of failures in the API's form."""
    return {
        "causeId": cause.cause_id,
        "errorClass": cause.error_class,
        "vendorCode": cause.vendor_code,
        "text": cause.text,
        "example": cause.example,
        "nextStep": cause.next_step,
        "failureCount": cause.failure_count,
        "objectCount": cause.object_count,
        "sampleKeys": list(cause.sample_keys),
        "firstAt": format_timestamp(cause.first_at),
        "lastAt": format_timestamp(cause.last_at),
    }


def outcome_view(outcome: Outcome) -> Json:
    """Return the outcome in the API's form."""
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
        "tags": _tags_view(outcome),
    }


def _tags_view(outcome: Outcome) -> Json | None:
    """Return the tags of a written object before and after."""
    before = outcome.tags_before
    if before is None:
        return None
    identity = Identity(asset_id=outcome.asset_id, inventory_id=outcome.inventory_id)
    return {"before": dict(before), "after": tags_after(before, identity, outcome.mark)}


def _time(time: datetime | None) -> str | None:
    return None if time is None else format_timestamp(time)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
