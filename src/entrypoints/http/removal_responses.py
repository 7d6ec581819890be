"""What responses have about removed objects, for the API's description."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from domain.removal_rows import RemovalState
from domain.removal_work import RemovalStatus
from entrypoints.http.shown_model import Count, Shown


class RemovalSettings(Shown):
    """That whole syncs are compared with the one before, and what the guard lets pass."""

    announce: bool
    """Whether an event is sent for each removed object."""
    max_share: Annotated[float, Field(ge=0, le=1)]
    max_count: Count
    min_count: Count


class JobRemovals(Shown):
    """The comparison of a sync that has ended with the one before."""

    status: RemovalStatus
    reason: str | None
    """Why it is in this status; null if there is nothing to say."""
    baseline_job_id: str | None
    """The sync that it is compared with; null for the first one, and before it begins."""
    seen_before: Count
    seen_now: Count
    missing: Count
    """Seen before, and not now."""
    removed: Count
    moved: Count
    """Removed, and found at another key by ETag and size."""
    returned: Count
    """Missing in the sync, and there when they were looked for."""
    out_of_scope: Count
    """They exist, and the filters leave them out now."""
    announced: Count
    """Events that were sent."""
    confirmed_at: datetime | None
    """When a user confirmed what the guard had stopped."""


class Removal(Shown):
    """An object that the sync before saw, and this one did not."""

    object_key: str
    state: RemovalState
    """MISSING until it was looked for once more."""
    e_tag: str | None
    size: int | None
    asset_id: str | None
    inventory_id: str | None
    last_seen_job_id: str
    new_object_key: str | None
    """Where its content was found, if it was moved."""
    event_id: str | None
    """Of the event that it is gone, sent or not."""


class RemovalPage(Shown):
    """Objects that are no longer seen, by key. A page may be short, or empty, and not the last.

    A record that cannot be read is an error: the report is one file.
    """

    items: list[Removal]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""
