"""What a sync is asked to do: its options, and the request that is fixed when its job starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domain.connector import Bucket, Ingest, Verify
from domain.cost_estimate import CostEstimate
from domain.discovery import Discovery
from domain.filters import NO_FILTERS, Filters
from domain.key_source import KeySource
from domain.removal_settings import Removals


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """The request's options. Empty `prefixes` mean the whole bucket. They do not overlap.

    `verify` is None in a request that leaves it to the connector, and in jobs from before there was
    a choice, which read tags. Without a `source` the keys are those of a listing.
    """

    prefixes: tuple[str, ...] = ()
    discovery: Discovery = Discovery.BATCH
    dry_run: bool = False
    modified_since: datetime | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    retrigger: bool = False
    verify: Verify | None = None
    source: KeySource | None = None
    filters: Filters = NO_FILTERS

    @property
    def trusts_catalog(self) -> bool:
        """Whether an object that the catalog has as it is listed is known without its tags."""
        return self.verify is Verify.CATALOG


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """What the job does, fixed when it starts: bucket, ingest, filters are the connector's then.

    `connector_created_at` distinguishes the connector from others with its id; None in jobs from
    before connectors could be removed. `fingerprint` distinguishes requests with the same
    idempotency key. `estimate` is what the sync would cost, if its request had a maximum.
    `removals` is set if the sync is compared with the one before (`domain.removal_rules`).
    """

    connector_id: str
    bucket: Bucket
    ingest: Ingest = field(default_factory=Ingest)
    options: SyncOptions = SyncOptions()
    filters: Filters = NO_FILTERS
    fingerprint: str | None = None
    estimate: CostEstimate | None = None
    connector_created_at: datetime | None = None
    removals: Removals | None = None
