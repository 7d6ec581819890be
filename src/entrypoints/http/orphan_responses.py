"""What responses have about orphans, for the API's description."""

from __future__ import annotations

from datetime import datetime

from domain.orphan_work import OrphanStatus
from entrypoints.http.cost_responses import BillLine, PricesUsed
from entrypoints.http.shown_model import Count, Shown


class JobOrphans(Shown):
    """A search for records of the catalog whose objects do not exist."""

    status: OrphanStatus
    reason: str | None
    """Why it is in this status; null if there is nothing to say."""
    number: Count
    """Which search of the job it is."""
    requested_at: datetime
    records_scanned: Count
    records_without_path: Count
    """Records that name no object; nothing is said of them."""
    records_in_scope: Count
    """Records of objects under the prefixes of the job."""
    unlisted: Count
    """Records of objects that the sync did not list."""
    existing: Count
    """Of these: the object exists."""
    orphans: Count
    """Of these: the object does not exist."""


class Orphan(Shown):
    """A record of the catalog whose object does not exist."""

    object_key: str
    inventory_id: str
    asset_id: str | None
    e_tag: str | None
    """Of the object, as the record has it; so are size and last_modified."""
    size: int | None
    last_modified: datetime | None


class OrphanPage(Shown):
    """Orphans by key. A page may be short, or empty, and not the last.

    It is empty until the job's last search is DONE.
    """

    items: list[Orphan]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""


class OrphanCost(Shown):
    """What a search will cost. Dollars are decimal strings."""

    dollars: str
    """If each object that the job listed has one record."""
    dollars_low: str
    """If no record is about objects of the job: the scan is paid for in any case."""
    dollars_high: str
    """If all records are, and none of their objects was listed."""
    requests: Count


class OrphanPlan(Shown):
    """What a search for orphans would cost."""

    job_id: str
    connector_id: str
    catalog_records: Count
    """Of the whole catalog, as DynamoDB counts them; it updates this about every six hours."""
    catalog_bytes: Count
    estimate: OrphanCost
    lines: list[BillLine]
    prices: PricesUsed
