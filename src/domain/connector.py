"""Connectors: a registered bucket and how its objects are to be synced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ConnectorStatus(StrEnum):
    """Whether syncs of the connector may start."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class Trigger(StrEnum):
    """How an object's ingestion is set off.

    `copy`: it is copied onto itself with its new tags, so S3 sends ObjectCreated:Copy. `event`: its
    tags are merged and the ingest event alone announces it; for versioned buckets and archives.
    """

    COPY = "copy"
    EVENT = "event"


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
class BucketFacts:
    """What of a bucket's set-up matters for a sync.

    `other_region` is the bucket's Region, None if it is the service's own or not known.
    """

    versioned: bool = False
    requester_pays: bool = False
    other_region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A registered bucket. Empty `prefixes` mean all of it."""

    connector_id: str
    bucket: Bucket
    prefixes: tuple[str, ...]
    status: ConnectorStatus
    trigger: Trigger
    created_at: datetime
