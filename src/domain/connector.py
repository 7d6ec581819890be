"""Connectors: a registered bucket, and how the system is to learn of its objects."""

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
    tags are merged and the ingest event alone announces it; for versioned buckets and archives.
    `queue`: its tags are merged, and one message in the form of an S3 notification goes to the
    system's own ingest queue.
    """

    COPY = "copy"
    EVENT = "event"
    QUEUE = "queue"


class IdSource(StrEnum):
    """Who makes the ids of an object that the system does not know: this service, or the system."""

    MINTED = "minted"
    ASSIGNED = "assigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """How a connector's objects are brought to the system.

    Attributes:
        trigger: What tells the system of an object.
        ids: Who makes the ids of an object that is not known.
        restore_tags: Whether an object that the system knows by its path gets its tags back.
        queue_url: The system's ingest queue, None if it is not known. Trigger `queue` sends to it;
            with every trigger it tells whether the system is still working off what it was sent.
        file_filter: The connector's file filter in the system, which narrows what it takes.
    """

    trigger: Trigger = Trigger.COPY
    ids: IdSource = IdSource.MINTED
    restore_tags: bool = True
    queue_url: str | None = None
    file_filter: FileFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket to work on.

    `expected_owner` (a 12-digit account id) goes with every call on it; `role_arn` is the role in
    which all of them are made, None for the service's own.
    """

    name: str
    expected_owner: str | None = None
    role_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketInfo:
    """What of a bucket's set-up matters for a sync.

    `other_region` is the bucket's Region, None if it is the service's own or not known.
    """

    versioned: bool = False
    requester_pays: bool = False
    other_region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A registered bucket. Empty `prefixes` mean all of it.

    `queue_empty_at` is when its ingest queue was last seen empty, None if never.
    """

    connector_id: str
    bucket: Bucket
    prefixes: tuple[str, ...]
    status: ConnectorStatus
    created_at: datetime
    ingest: Ingest = field(default_factory=Ingest)
    queue_empty_at: datetime | None = None
