"""A job as an item of the job table.

The names are those of the API if it has them, so that `aws dynamodb get-item` shows a job as the
API does. The tally's numbers are written when the item is created, and later changed only by ADD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from adapters.aws.attributes import (
    Item,
    Value,
    reading,
    to_item,
    to_optional_timestamp,
    to_timestamp,
    to_values,
)
from adapters.aws.bucket_item import bucket_values, to_bucket
from adapters.aws.estimate_item import estimate_values, to_estimate
from adapters.aws.filters_item import filters_values, to_filters
from adapters.aws.index_item import index_values, to_index
from adapters.aws.ingest_item import ingest_values, to_ingest
from adapters.aws.lease_item import lease_values, to_lease
from adapters.aws.limits_item import limits_values, to_limits
from adapters.aws.listing_item import progress_values, sharing_values, to_progress, to_sharing
from adapters.aws.lookup_item import lookup_values, to_lookup
from adapters.aws.orphans_item import orphans_values, to_orphans
from adapters.aws.pause_item import (
    backlog_values,
    pause_values,
    resumes_values,
    to_backlog,
    to_pause,
    to_resumes,
)
from adapters.aws.queue_limit_item import to_watched_queue, watched_queue_values
from adapters.aws.removals_item import settings_values, to_settings, to_work, work_values
from adapters.aws.row_upload_item import to_upload, upload_values
from adapters.aws.source_item import source_count_values, source_values, to_source, to_source_counts
from adapters.aws.tally_item import tally_values, to_tally
from domain.connector import Verify
from domain.discovery import Discovery
from domain.engine_work import Attempts, EngineWork
from domain.index_work import wants_index
from domain.job import (
    DiscoveryWork,
    Ending,
    EndingKind,
    Findings,
    Job,
    JobStatus,
    JobTimes,
    ManifestFile,
    Redrive,
    Splitting,
    StatusNotice,
    StatusNotices,
    wants_comparison,
    wants_orphans,
)
from domain.listing import Listing
from domain.sync_request import SyncOptions, SyncRequest
from domain.trigger_mark import QueueView

ALL_JOBS: Final = "jobs"
"""The single partition of the index over all jobs; only jobs have `listing`."""

OPEN: Final = "1"
"""The single partition of the sparse index over the jobs that the sweep must check."""

# Jobs of earlier versions have no parts where nothing was uploaded.
_NO_PARTS: Final[Mapping[str, Any]] = {"partETags": ()}


def is_open(job: Job) -> bool:
    """Return whether the sweep must still check the job."""
    if not job.terminal or job.notices.pending:
        return True
    return wants_index(job) or wants_comparison(job) or wants_orphans(job)


def job_key(job_id: str) -> Item:
    """Return the key of the job's item."""
    return to_item({"jobId": job_id})


def new_job_item(job: Job) -> Item:
    """Return the whole item of a job for its first write."""
    return job_key(job.job_id) | to_item(
        {**job_values(job), **tally_values(job.tally), "version": job.version}
    )


def job_values(job: Job) -> dict[str, Value | None]:
    """Return all attributes except key, version and tally; None for attributes to remove."""
    request, times, listing, splitting = job.request, job.times, job.listing, job.splitting
    options = request.options
    return {
        "connectorId": request.connector_id,
        **bucket_values(request.bucket),
        **ingest_values(request.ingest),
        "queueKnown": job.findings.queue.known,
        "queueEmptyAt": job.findings.queue.empty_at,
        "prefixes": options.prefixes,
        "discovery": options.discovery,
        "dryRun": options.dry_run,
        "modifiedSince": options.modified_since,
        "include": options.include,
        "exclude": options.exclude,
        "retrigger": options.retrigger,
        "verify": options.verify,
        "source": source_values(options.source),
        "filters": filters_values(options.filters),
        "connectorFilters": filters_values(request.filters),
        "removalSettings": settings_values(request.removals),
        "status": job.status,
        "statusReason": job.status_reason,
        "warnings": job.findings.warnings,
        "createdAt": times.created_at,
        "updatedAt": times.updated_at,
        "processingAt": times.processing_at,
        "endedAt": times.ended_at,
        "requestFingerprint": request.fingerprint,
        "connectorCreatedAt": request.connector_created_at,
        "estimate": estimate_values(request.estimate),
        "objectsListed": listing.objects_listed,
        "objectsFiltered": listing.objects_filtered,
        "objectsNotMedia": listing.objects_not_media,
        "bytesListed": listing.bytes_listed,
        "listingProgress": {
            "prefixIndex": listing.prefix_index,
            **upload_values(listing.manifest),
            **progress_values(listing),
            "known": {**upload_values(listing.known), "objectCount": listing.objects_known},
            # Inside the map, which a version without it writes as a whole, so it cannot become
            # outdated.
            "keySum": listing.key_sum,
            "source": source_count_values(listing.source),
            "sharing": sharing_values(listing.sharing),
            "eTags": listing.e_tags or None,
        },
        "lookup": lookup_values(job.lookup),
        "manifest": _manifest_values(job.discovery.manifest),
        "batchJobId": job.discovery.batch_job_id,
        "splitting": {
            "fileIndex": splitting.file_index,
            "position": splitting.position,
            "objectCount": splitting.object_count,
            "keySum": splitting.key_sum,
            "done": splitting.done,
        },
        "ending": _ending_values(job.ending),
        "pause": pause_values(job.pause),
        "backlog": backlog_values(job.backlog),
        "limits": limits_values(job.limits),
        **watched_queue_values(job.watched_queue),
        "resumes": resumes_values(job.resumes),
        "redriveNumber": job.redrive.number,
        "redriving": job.redrive.active,
        "index": index_values(job.index),
        "work": lease_values(job.work.lease),
        "attempts": _attempts_values(job.work),
        "notices": [_notice_values(notice) for notice in job.notices.pending],
        "noticeCount": job.notices.count,
        "removals": work_values(job.removals),
        "orphans": orphans_values(job.orphans),
        "listing": ALL_JOBS,
        "open": OPEN if is_open(job) else None,
    }


def to_job(item: Item) -> Job:
    """Return the job of an item.

    Raises:
        CorruptData: The item is not valid.
    """
    with reading(f"job {item.get('jobId')}"):
        values = to_values(item)
        return Job(
            job_id=values["jobId"],
            version=values["version"],
            request=_to_request(values),
            status=JobStatus(values["status"]),
            status_reason=values.get("statusReason"),
            findings=_to_findings(values),
            times=_to_times(values),
            lookup=to_lookup(values.get("lookup")),
            listing=_to_listing(values),
            discovery=DiscoveryWork(
                manifest=_to_manifest(values.get("manifest")),
                batch_job_id=values.get("batchJobId"),
            ),
            splitting=_to_splitting(values["splitting"]),
            ending=_to_ending(values.get("ending")),
            pause=to_pause(values.get("pause")),
            backlog=to_backlog(values.get("backlog")),
            limits=to_limits(values.get("limits")),
            watched_queue=to_watched_queue(values),
            resumes=to_resumes(values.get("resumes")),
            redrive=Redrive(number=values["redriveNumber"], active=values["redriving"]),
            index=to_index(values.get("index")),
            work=_to_work(values),
            notices=StatusNotices(
                pending=tuple(_to_notice(notice) for notice in values["notices"]),
                count=values["noticeCount"],
            ),
            removals=to_work(values.get("removals")),
            orphans=to_orphans(values.get("orphans")),
            tally=to_tally(values),
        )


def _manifest_values(manifest: ManifestFile | None) -> dict[str, Value | None] | None:
    if manifest is None:
        return None
    return {"key": manifest.key, "eTag": manifest.e_tag, "rowETags": manifest.row_e_tags}


def _to_manifest(values: Mapping[str, Any] | None) -> ManifestFile | None:
    if values is None:
        return None
    return ManifestFile(
        key=values["key"], e_tag=values["eTag"], row_e_tags=values.get("rowETags", False)
    )


def _ending_values(ending: Ending | None) -> dict[str, Value | None] | None:
    return None if ending is None else {"kind": ending.kind, "reason": ending.reason}


def _to_ending(values: Mapping[str, Any] | None) -> Ending | None:
    if values is None:
        return None
    return Ending(kind=EndingKind(values["kind"]), reason=values["reason"])


def _attempts_values(work: EngineWork) -> dict[str, Value | None] | None:
    if work.place is None:
        return None
    attempts = work.attempts
    return {
        "place": work.place,
        "count": attempts.count,
        "unknownCount": attempts.unknown_count,
        "cause": attempts.cause,
    }


def _to_work(values: Mapping[str, Any]) -> EngineWork:
    lease, attempts = to_lease(values.get("work")), values.get("attempts")
    if attempts is None:
        return EngineWork(lease=lease)
    return EngineWork(
        lease=lease,
        attempts=Attempts(
            count=attempts["count"],
            unknown_count=attempts["unknownCount"],
            cause=attempts.get("cause"),
        ),
        place=attempts["place"],
    )


def _notice_values(notice: StatusNotice) -> dict[str, Value | None]:
    return {
        "number": notice.number,
        "status": notice.status,
        "previousStatus": notice.previous_status,
        "occurredAt": notice.occurred_at,
    }


def _to_notice(values: Mapping[str, Any]) -> StatusNotice:
    previous = values.get("previousStatus")
    return StatusNotice(
        number=values["number"],
        status=JobStatus(values["status"]),
        previous_status=None if previous is None else JobStatus(previous),
        occurred_at=to_timestamp(values["occurredAt"]),
    )


def _to_request(values: Mapping[str, Any]) -> SyncRequest:
    return SyncRequest(
        connector_id=values["connectorId"],
        bucket=to_bucket(values),
        ingest=to_ingest(values),
        options=_to_options(values),
        filters=to_filters(values.get("connectorFilters")),
        fingerprint=values.get("requestFingerprint"),
        estimate=to_estimate(values.get("estimate")),
        connector_created_at=to_optional_timestamp(values.get("connectorCreatedAt")),
        removals=to_settings(values.get("removalSettings")),
    )


def _to_findings(values: Mapping[str, Any]) -> Findings:
    return Findings(
        warnings=tuple(values.get("warnings", ())),
        queue=QueueView(
            known=values.get("queueKnown", False),
            empty_at=to_optional_timestamp(values.get("queueEmptyAt")),
        ),
    )


def _to_times(values: Mapping[str, Any]) -> JobTimes:
    return JobTimes(
        created_at=to_timestamp(values["createdAt"]),
        updated_at=to_timestamp(values["updatedAt"]),
        processing_at=to_optional_timestamp(values.get("processingAt")),
        ended_at=to_optional_timestamp(values.get("endedAt")),
    )


def _to_options(values: Mapping[str, Any]) -> SyncOptions:
    return SyncOptions(
        prefixes=tuple(values["prefixes"]),
        discovery=Discovery(values["discovery"]),
        dry_run=values["dryRun"],
        modified_since=to_optional_timestamp(values.get("modifiedSince")),
        include=tuple(values["include"]),
        exclude=tuple(values["exclude"]),
        retrigger=values.get("retrigger", False),
        verify=Verify(values["verify"]) if values.get("verify") else None,
        source=to_source(values.get("source")),
        filters=to_filters(values.get("filters")),
    )


def _to_listing(values: Mapping[str, Any]) -> Listing:
    progress = values["listingProgress"]
    # With ranges, the id of the manifest's upload is among them.
    uploads = {**progress, **progress.get("ranges", {})}
    known = progress.get("known", {})
    return Listing(
        objects_listed=values["objectsListed"],
        objects_filtered=values["objectsFiltered"],
        objects_not_media=values.get("objectsNotMedia", 0),
        bytes_listed=values["bytesListed"],
        prefix_index=progress["prefixIndex"],
        ranges=to_progress(progress),
        objects_known=known.get("objectCount", 0),
        manifest=to_upload({**_NO_PARTS, **uploads}),
        known=to_upload({**_NO_PARTS, **known}),
        key_sum=progress.get("keySum"),
        source=to_source_counts(progress.get("source")),
        sharing=to_sharing(progress.get("sharing")),
        e_tags=progress.get("eTags", False),
    )


def _to_splitting(values: Mapping[str, Any]) -> Splitting:
    return Splitting(
        file_index=values["fileIndex"],
        position=values["position"],
        object_count=values["objectCount"],
        key_sum=values.get("keySum"),
        done=values["done"],
    )
