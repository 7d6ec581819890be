"""What a response about an object looks like, for the API's description."""

from __future__ import annotations

from datetime import datetime

from application.jobs.object_history import Sighting
from domain.job import JobStatus
from domain.object_look import Looked
from entrypoints.http.outcome_responses import Listed, Outcome
from entrypoints.http.removal_responses import Removal
from entrypoints.http.responses import Chunk
from entrypoints.http.shown_model import Shown


class RuledOutcome(Outcome):
    """The end of one object, with the rule behind it."""

    rules: list[str]
    """The rows of the decision table with this reason; none for an error."""


class SeenObject(Shown):
    """An object as HeadObject shows it."""

    size: int
    e_tag: str
    last_modified: datetime
    version_id: str | None
    storage_class: str | None
    content_type: str | None


class CatalogRecord(Shown):
    """A record of the catalog; what the catalog does not keep is null."""

    inventory_id: str
    asset_id: str | None
    storage_path: str | None
    e_tag: str | None
    size: int | None
    last_modified: datetime | None


class NotRead(Shown):
    """A part that could not be read."""

    what: Looked
    reason: str


class ObjectNow(Shown):
    """What is there now."""

    exists: bool | None
    """Null if that could not be found out."""
    object: SeenObject | None
    tags: dict[str, str] | None
    catalog_records: list[CatalogRecord] | None
    """Under the InventoryID in its tags, under the id that this service generates, at its path."""
    next_sync: RuledOutcome | None
    """What a sync would do now."""
    not_read: list[NotRead]


class JobSighting(Shown):
    """What one job says of the object."""

    job_id: str
    status: JobStatus
    dry_run: bool
    created_at: datetime
    sighting: Sighting
    reason: str | None
    """Why the job says nothing, or not all."""
    listed: Listed | None
    outcome: RuledOutcome | None
    event_id: str | None
    """That of the ingest event that the job sent for the object."""
    removal: Removal | None
    """The outcome of an object that the sync before saw, and this one did not."""
    chunks: list[Chunk]
    """The chunk of the object, with its attempts; or the first that may contain it."""


class ObjectHistory(Shown):
    """What is known of one object."""

    connector_id: str
    bucket_name: str | None
    object_key: str
    now: ObjectNow | None
    now_not_read: str | None
    """Why `now` is null."""
    jobs: list[JobSighting]
    """The connector's latest jobs, the newest first."""
    more_jobs: bool
