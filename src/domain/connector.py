"""Connectors: a registered bucket, and how its objects are brought to the system."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.file_types import FileFilter


class ConnectorStatus(StrEnum):
    """Whether syncs of the connector may start."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class Trigger(StrEnum):
    """How an object's ingestion is triggered.

    `copy`: it is copied onto itself with its new tags, so S3 sends ObjectCreated:Copy. `event`: its
    tags are merged and only the ingest event is published; for versioned buckets and archives.
    `queue`: its tags are merged, and one message in the form of an S3 notification goes to the
    system's own ingest queue.
    """

    COPY = "copy"
    EVENT = "event"
    QUEUE = "queue"


class IdSource(StrEnum):
    """Who generates the ids of unknown objects: this service or the system."""

    MINTED = "minted"
    ASSIGNED = "assigned"


class Verify(StrEnum):
    """What a sync must see before it skips an object that the system has.

    `tags`: the ids in the object's tags, which costs one read of S3 per object. `catalog`: a record
    of exactly the listed version (`domain.verification`); tags are read only if there is none.
    """

    TAGS = "tags"
    CATALOG = "catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """How a connector's objects are ingested by the system.

    Attributes:
        trigger: How the system is notified of an object.
        ids: Who generates the ids of an unknown object.
        restore_tags: Whether the tags of an object that the system knows by its path are restored.
        queue_url: The system's ingest queue, None if it is not known. Trigger `queue` sends to it.
            With every trigger, its depth shows whether the system is still processing messages.
        file_filter: The connector's file filter in the system, which narrows what it accepts.
    """

    trigger: Trigger = Trigger.COPY
    ids: IdSource = IdSource.MINTED
    restore_tags: bool = True
    queue_url: str | None = None
    file_filter: FileFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket to work on.

    `expected_owner` (a 12-digit account id) is sent with every request to it. `role_arn` is the
    role for all these requests, None for the service's own.
    """

    name: str
    expected_owner: str | None = None
    role_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketInfo:
    """The parts of a bucket's configuration that matter for a sync.

    `other_region` is the bucket's Region, None if it is the service's own or unknown.
    """

    versioned: bool = False
    requester_pays: bool = False
    other_region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A registered bucket. Empty `prefixes` mean the whole bucket.

    `queue_empty_at` is when its ingest queue was last seen empty, None if never.
    """

    connector_id: str
    bucket: Bucket
    prefixes: tuple[str, ...]
    status: ConnectorStatus
    created_at: datetime
    ingest: Ingest = field(default_factory=Ingest)
    verify: Verify = Verify.TAGS
    queue_empty_at: datetime | None = None
