"""What an outcome looks like in a response, for the API's description."""

from __future__ import annotations

from datetime import datetime

from domain.decision import Decision
from domain.outcome import OutcomeKind
from entrypoints.http.shown_model import Shown


class WrittenTags(Shown):
    """The tags of an object before and after a job wrote it."""

    before: dict[str, str]
    after: dict[str, str]


class Outcome(Shown):
    """The end of one object in one job."""

    outcome: OutcomeKind
    reason: str
    decision: Decision | None
    asset_id: str | None
    inventory_id: str | None
    size: int | None
    e_tag: str | None
    version_id: str | None
    triggered_at: datetime | None
    """Of an object that is ingesting or was not taken: when it was last triggered."""
    trigger_count: int | None
    message: str | None
    vendor_code: str | None
    request_id: str | None
    tags: WrittenTags | None
    """Null unless the job wrote the object's tags."""


class Listed(Shown):
    """An object as its job listed it."""

    size: int | None
    last_modified: datetime | None
    e_tag: str | None


class ObjectOutcome(Outcome):
    """The end of one object, with its key."""

    object_key: str
    listed: Listed | None
    """Null if the list is not made from the job's index."""
