"""What the limits of a connector look like in responses."""

from __future__ import annotations

from pydantic import Field

from domain.work_limits import Weekday
from entrypoints.http.shown_model import Shown


class TimeWindow(Shown):
    """Times of the clock on some days; one that ends at or before its start ends the next day."""

    days: list[Weekday]
    start: str = Field(alias="from")
    end: str = Field(alias="to")


class Limits(Shown):
    """How much of a connector's work is done at once, how fast, and when."""

    concurrency: int | None
    objects_per_second: float | None
    windows: list[TimeWindow]
    """Outside of these times nothing is started; empty for at any time."""
    time_zone: str


class IngestLimit(Shown):
    """Above this limit of an ingest queue a job starts no copies."""

    queue_url: str
    max_depth: int | None
    max_age_seconds: int | None
