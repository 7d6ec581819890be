"""A connector's schedule: when its syncs start without being asked for, and what they do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.discovery import Discovery

FULL_EVERY_DEFAULT: Final = 7
FULL_EVERY_MAX: Final = 1_000
# EventBridge Scheduler API Reference, "FlexibleTimeWindow": up to 1,440 minutes (read in 2026-11).
JITTER_MINUTES_MAX: Final = 1_440
EXPRESSION_CHARS_MAX: Final = 256
# The same, "CreateSchedule": ScheduleExpressionTimezone has up to 50 characters.
TIME_ZONE_CHARS_MAX: Final = 50


class ScheduleMode(StrEnum):
    """What a run covers.

    `incremental`: objects modified since the last complete run began, and every `full_every`-th run
    is full. `full`: all objects, each time.
    """

    INCREMENTAL = "incremental"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When syncs of a connector start.

    Attributes:
        expression: In its canonical form.
        time_zone: The name of the zone of a cron expression, from the IANA database.
        jitter_minutes: A run begins up to so many minutes late, at random.
        mode: What a run covers.
        full_every: Of incremental runs, every so-many-th is full.
        enabled: Whether it runs.
        discovery: Of its syncs; None for the deployment's default.
        max_cost: A run does not start if its sync may cost more dollars; None for any cost.
        set_at: When its times were set; a rate counts from then.
    """

    expression: str
    set_at: datetime
    time_zone: str = "UTC"
    jitter_minutes: int = 0
    mode: ScheduleMode = ScheduleMode.INCREMENTAL
    full_every: int = FULL_EVERY_DEFAULT
    enabled: bool = True
    discovery: Discovery | None = None
    max_cost: Decimal | None = None

    @property
    def times(self) -> tuple[str, str, int]:
        """What decides when it runs."""
        return self.expression, self.time_zone, self.jitter_minutes
