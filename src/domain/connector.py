"""Connectors: a registered bucket, and how its objects are brought to the system."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.errors import ConnectorDisabled
from domain.file_types import FileFilter
from domain.filters import NO_FILTERS, Filters
from domain.queue_limit import QueueLimit
from domain.removal_settings import NO_BASELINE, Baseline, Removals
from domain.schedule import Schedule
from domain.work_limits import WorkLimits

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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

    `queue_empty_at` is when its ingest queue was last seen empty, None if never. `baseline` is what
    the next whole sync is compared with. `version` counts the writes of all else, from 1. An id
    that is used again, after its connector was removed, is another connector: it has another
    `created_at`.
    """

    connector_id: str
    bucket: Bucket
    prefixes: tuple[str, ...]
    status: ConnectorStatus
    created_at: datetime
    ingest: Ingest = field(default_factory=Ingest)
    verify: Verify = Verify.TAGS
    filters: Filters = NO_FILTERS
    schedule: Schedule | None = None
    removals: Removals | None = None
    limits: WorkLimits | None = None
    queue_limit: QueueLimit | None = None
    queue_empty_at: datetime | None = None
    baseline: Baseline = NO_BASELINE
    version: int = 1

    @property
    def revision(self) -> str:
        """A text that no other state of this connector has, nor one of another with its id."""
        created = (self.created_at - _EPOCH) // timedelta(microseconds=1)
        return f"{created:x}-{self.version}"

    def same_as(self, other: Connector) -> bool:
        """Return whether both are states of one connector, and not of two with the same id."""
        mine, theirs = (self.connector_id, self.created_at), (other.connector_id, other.created_at)
        return mine == theirs


def check_may_start(connector: Connector) -> None:
    """Check that the connector's syncs may start, and its failures be retried.

    Raises:
        ConnectorDisabled: It is disabled.
    """
    if connector.status is not ConnectorStatus.ENABLED:
        name = connector.connector_id
        raise ConnectorDisabled(
            f"connector {name} is {connector.status} and starts nothing; a job of it that is active"
            f" goes on. Enable it first: asset-sync connectors enable {name}, or PATCH"
            f' /connectors/{name} with {{"status": "ENABLED"}}'
        )
