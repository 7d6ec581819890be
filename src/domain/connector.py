"""Connectors: a registered bucket and how its objects are to be synced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import UnsupportedBucket


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
    """A bucket to work on; `expected_owner` (a 12-digit account id) goes with every call on it."""

    name: str
    expected_owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFacts:
    """What of a bucket's set-up matters for a sync."""

    versioned: bool = False
    requester_pays: bool = False


def check_bucket(bucket: Bucket, facts: BucketFacts, trigger: Trigger) -> tuple[str, ...]:
    """Return what the owner of the bucket should know before its objects are synced.

    Raises:
        UnsupportedBucket: a sync could not do there what it promises.
    """
    if facts.requester_pays:
        raise UnsupportedBucket(
            f"bucket {bucket.name} has Requester Pays switched on: S3 refuses requests that do not"
            " offer to pay, and ours do not; switch it off, or sync another bucket"
        )
    if facts.versioned and trigger is Trigger.COPY:
        warning = (
            f"bucket {bucket.name} is versioned: each object that is copied or put leaves a"
            " noncurrent version behind, which is billed until a lifecycle rule expires it; the"
            " connector trigger 'event' leaves none"
        )
        return (warning,)
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A registered bucket. Empty `prefixes` mean all of it."""

    connector_id: str
    bucket: Bucket
    prefixes: tuple[str, ...]
    status: ConnectorStatus
    trigger: Trigger
    created_at: datetime
