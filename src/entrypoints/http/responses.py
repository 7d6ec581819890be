"""What responses look like, for the API's description. Tests compare the real responses with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import Field, RootModel

from domain.bucket_report import Probed
from domain.chunk import ChunkStatus
from domain.connector import ConnectorStatus, IdSource, Trigger, Verify
from domain.discovery import Discovery
from domain.file_types import FilterMode
from domain.filters import MediaType, StorageClass
from domain.job import JobStatus
from domain.key_source import SourceKind
from domain.outcome_index import IndexStatus
from domain.snapshot import Way
from entrypoints.http.cost_responses import ActualCost, CostEstimate
from entrypoints.http.limit_responses import IngestLimit, Limits
from entrypoints.http.orphan_responses import JobOrphans
from entrypoints.http.outcome_responses import Listed, ObjectOutcome, Outcome
from entrypoints.http.pause_responses import Hold, Waiting
from entrypoints.http.removal_responses import JobRemovals, RemovalSettings
from entrypoints.http.schedule_responses import ScheduleSettings
from entrypoints.http.shown_model import Count, Shown

Item = TypeVar("Item")


class FileFilter(Shown):
    """The file filter that the system has for a bucket."""

    mode: FilterMode
    extensions: list[str]
    mime_types: list[str]


class Filters(Shown):
    """Which objects syncs are about."""

    include: list[str]
    exclude: list[str]
    min_size_bytes: int | None
    max_size_bytes: int | None
    modified_since: datetime | None
    modified_before: datetime | None
    min_age_seconds: int | None
    storage_classes: list[StorageClass]
    media_types: list[MediaType]


class Connector(Shown):
    """A registered bucket."""

    connector_id: str
    bucket_name: str
    prefixes: list[str]
    """What may be synced; empty for the whole bucket."""
    status: ConnectorStatus
    trigger: Trigger
    ids: IdSource
    """Whether this service makes the ids of unknown objects, or the system does."""
    verify: Verify
    """How known objects are recognised, if a sync does not say it."""
    restore_tags: bool
    ingest_queue_url: str | None
    ingest_queue_max_depth: int | None
    """Above so many messages in the queue no copies are started."""
    ingest_queue_max_age_seconds: int | None
    """Nor while the oldest message in the queue is older."""
    ingest_queue_empty_at: datetime | None
    """When the ingest queue was last seen empty; null if never."""
    file_filter: FileFilter | None
    filters: Filters | None
    """Which objects its syncs are about; null for all."""
    removals: RemovalSettings | None
    """Null if removed objects are not reported."""
    limits: Limits | None
    """Null if nothing is limited."""
    expected_bucket_owner: str | None
    role_arn: str | None
    """The role in which the bucket is reached; null for the service's own."""
    schedule: ScheduleSettings | None
    """When its syncs start on their own; null if they do not."""
    next_run_at: datetime | None
    """When the next one does."""
    created_at: datetime


class Permission(Shown):
    """A permission on a bucket."""

    action: str
    result: Probed
    needed: bool
    """Whether a sync needs it."""
    detail: str | None
    """The cause, or why it was not probed."""


class BucketSettings(Shown):
    """Settings of a bucket; null for what could not be read."""

    region: str | None
    versioning: str | None
    object_lock: str | None
    encryption: str | None
    notifications: str | None
    """Who is notified of objects: none, EventBridge, others, or EventBridge and others."""


class BucketReport(Shown):
    """What a live look at a bucket found."""

    bucket_name: str
    exists: bool | None
    """Null if every request was denied, or the bucket was not looked at."""
    ready: bool
    """Whether it exists, and nothing that a sync needs was denied."""
    owner_confirmed: bool | None
    """True if the expected owner owns it; null if none is expected."""
    settings: BucketSettings
    permissions: list[Permission]
    warnings: list[str]
    missing_statement: dict[str, Any] | None
    """The policy statement with what was denied; null if nothing was."""


class SavedConnector(Connector):
    """A connector that was saved, and what a look at its bucket found before."""

    check: BucketReport | None
    """Null if the bucket was not looked at."""


class Statistics(Shown):
    """Objects by outcome."""

    skipped: Count
    copied: Count
    put: Count
    ingesting: Count
    """Triggered by an earlier job, and still waited for."""
    not_taken: Count
    """Triggered as often as allowed; the system has no record of them."""
    not_media: Count
    """Of a content type that the system does not take."""
    archived: Count
    gone: Count
    failed: Count
    tags_restored: Count
    """Of those skipped: known by their path, so that their tags were restored."""
    known_as_listed: Count
    """Of those skipped: not read, because the catalog has them as they were listed."""


class JobStatistics(Statistics):
    """What was listed, and objects by outcome."""

    objects_listed: Count
    objects_filtered: Count
    objects_not_media: Count
    """Left out of the listing: the system takes no files of their extension."""
    bytes_listed: Count


class ChunkCounts(Shown):
    """A job's chunks."""

    total: Count
    completed: Count
    failed: Count
    cancelled: Count


class Progress(Shown):
    """How far, how fast, and how long still; null while nothing can be said."""

    percent: Annotated[float, Field(ge=0, le=100)]
    objects_per_second: float | None
    eta_seconds: float | None


class JobSource(Shown):
    """Where a job's keys come from, and the rows of it that are no objects of the job."""

    kind: SourceKind
    bucket_name: str
    key: str
    e_tag: str | None
    """Of the content that the request asked for."""
    rows_outside_prefixes: Count
    rows_not_current: Count
    """Of delete markers, and of versions that are not the current one."""
    rows_repeated: Count
    """Of keys that were in a row shortly before."""


class CatalogSnapshot(Shown):
    """A copy of the catalog's records of one bucket, for one job."""

    began_at: datetime
    ready: bool
    records: int


class Lookup(Shown):
    """How a job that relies on the catalog asks it, and why."""

    way: Way
    reason: str
    snapshot: CatalogSnapshot | None


class OutcomeIndex(Shown):
    """The index by which the outcome of an object is found at once."""

    status: IndexStatus
    reason: str | None
    """Why the last attempt to make it failed, or why it cannot be made."""


class Job(Shown):
    """One sync of one connector."""

    job_id: str
    connector_id: str
    connector_created_at: datetime | None
    """Distinguishes the connector from another with its id; null for jobs of an earlier version."""
    bucket_name: str
    prefixes: list[str]
    """What is synced; empty for the whole bucket."""
    status: JobStatus
    status_reason: str | None
    hold: Hold | None
    """Null if nothing holds the job."""
    waiting_for: Waiting | None
    """Null if the job works, or has ended."""
    limits: Limits | None
    """Those that its connector has now; null if nothing is limited."""
    ingest_limit: IngestLimit | None
    """The limit of the ingest queue that its connector has now; null without one."""
    warnings: list[str]
    discovery: Discovery
    verify: Verify
    """How known objects are recognised: by their tags, or by the catalog alone."""
    lookup: Lookup | None
    """How objects are compared with the catalog; None if nothing was chosen."""
    dry_run: bool
    source: JobSource | None
    """Null if the bucket is listed."""
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    """Null while the job is active; a redrive makes it active again."""
    batch_job_id: str | None
    """The job of S3 Batch Operations that runs discovery."""
    statistics: JobStatistics
    chunks: ChunkCounts
    progress: Progress
    removals: JobRemovals | None
    """Null if it is not compared, or has not ended."""
    orphans: JobOrphans | None
    """The last search for orphans; null if none was asked for."""
    outcome_index: OutcomeIndex | None
    """Null until the job has ended, and for jobs of earlier versions."""
    estimate: CostEstimate | None
    """Of a sync with maxCost, and of a dry run that has completed: then of the sync itself."""
    actual: ActualCost | None
    """Null until the job has completed, with or without errors."""


class Chunk(Shown):
    """A slice of a job's manifest."""

    job_id: str
    chunk_index: Count
    status: ChunkStatus
    status_reason: str | None
    object_count: Count
    size_bytes: Count
    attempt_count: Count
    statistics: Statistics
    lease_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Failure(Shown):
    """One failed object, chunk or job."""

    error_id: str
    job_id: str
    chunk_index: int | None
    object_key: str | None
    """Null for the failure of a whole chunk or job."""
    error_class: str
    """A stable word, to branch and count on."""
    message: str
    vendor_code: str | None
    """The error code of AWS, where it answered with one."""
    request_id: str | None
    """The request's id, by which AWS Support finds it."""
    attempt: int | None
    occurred_at: datetime
    stack_trace: str | None


class Explanation(Shown):
    """The outcome of one key."""

    job_id: str
    object_key: str
    listed: Listed | None
    """Null until the job has its index of outcomes, which is made after its end."""
    outcome: Outcome | None
    """Null while the object's chunk is not settled."""
    chunk_count: Count
    """The chunks that hold the key, or may hold it."""
    chunks: list[Chunk]
    """The first of these chunks."""
    next_cursor: str | None
    """Where the search continues; null where it is over. Large jobs take several requests."""


class Unreadable(Shown):
    """A record that this version of the service cannot read."""

    id: str
    cause: str


class _Page(Shown, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""
    unreadable: list[Unreadable] = Field([])
    """Records of this page that cannot be read; only where there are any."""


class ConnectorPage(_Page[Connector]):
    """Connectors."""


class JobPage(_Page[Job]):
    """Jobs, the newest first."""


class ChunkPage(_Page[Chunk]):
    """Chunks by index."""


class ObjectOutcomePage(_Page[ObjectOutcome]):
    """Objects that ended one way. A page may be short, or empty, and not the last."""


class FailurePage(_Page[Failure]):
    """Failures by chunk."""


class OpenApi(RootModel[dict[str, Any]]):
    """An OpenAPI document."""


class FieldError(Shown):
    """What is wrong with one field, parameter or header."""

    path: str
    message: str


class Problem(Shown):
    """Problem details (RFC 9457)."""

    type: str
    """Stable; what programs branch on."""
    title: str
    status: int
    detail: str
    instance: str
    """The request's path."""
    retryable: bool
    """Whether the same request may succeed later."""
    request_id: str
    """What to look for in the API function's log."""
    errors: list[FieldError] = Field([])
    """What is wrong with which field."""
    job_id: str = ""
    """The job that conflicts."""
