"""What responses about schedules look like, for the API's description."""

from __future__ import annotations

from datetime import datetime

from domain.discovery import Discovery
from domain.schedule import ScheduleMode
from domain.schedule_runs import RunState
from entrypoints.http.shown_model import Count, Shown


class ScheduleSettings(Shown):
    """When syncs of a connector start, and what they cover."""

    expression: str
    time_zone: str
    jitter_minutes: Count
    mode: ScheduleMode
    full_every: Count
    enabled: bool
    discovery: Discovery | None
    """Null: as the deployment sets it."""
    max_cost: str | None
    """US dollars, a decimal string."""


class ScheduledRun(Shown):
    """What happened at a scheduled time."""

    scheduled_at: datetime
    handled_at: datetime
    state: RunState
    mode: ScheduleMode
    modified_since: datetime | None
    """Where an incremental run begins; its job has a further margin for multipart uploads."""
    reason: str | None
    """Why it is full, was skipped or failed."""
    job_id: str | None
    """Its job; of a skipped run, the job that was active."""


class Schedule(ScheduleSettings):
    """A connector's schedule, and its last runs."""

    connector_id: str
    set_at: datetime
    """When its times were set; a rate counts from then."""
    next_run_at: datetime | None
    """Null if it does not run: it or its connector is disabled, or no time is to come."""
    last_complete_at: datetime | None
    """When the last complete run began."""
    runs: list[ScheduledRun]
    """The latest first; twenty at most."""
