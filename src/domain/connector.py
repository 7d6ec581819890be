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
    """A bucket to work on; `expected_owner` (a 12-digit account id) goes with every call on it."""

    name: str
    expected_owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A registered bucket. Empty `prefixes` mean all of it."""

    connector_id: str
    bucket: Bucket
    prefixes: tuple[str, ...]
    status: ConnectorStatus
    trigger: Trigger
    created_at: datetime
