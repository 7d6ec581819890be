"""When a schedule runs.

An expression is `rate(6 hours)` or `cron(…)` in the syntax of EventBridge Scheduler. A rate counts
time as it passes, a day being 24 hours; its first run is one period after the schedule was set. A
cron expression names local times of the schedule's time zone (`domain.cron`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.cron import Cron, InvalidCron, parse_cron
from domain.errors import FieldIssue
from domain.schedule import (
    FULL_EVERY_MAX,
    JITTER_MINUTES_MAX,
    TIME_ZONE_CHARS_MAX,
    Schedule,
)

_UNITS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
_RATE: Final = re.compile(r"rate\(\s*([0-9]{1,6})\s+(minute|hour|day)s?\s*\)", re.ASCII)
_CRON: Final = re.compile(r"cron\((.*)\)", re.ASCII)
_PERIOD_MAX: Final = timedelta(days=366)
_ZONE: Final = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+){0,2}", re.ASCII)
# Files alongside those of the zones; and copies of all zones under other rules.
_NO_ZONES: Final = frozenset({"localtime", "posixrules", "Factory", "posix", "right"})


class InvalidExpression(ValueError):
    """The expression is neither a rate nor a cron expression that can run."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One run per period."""

    count: int
    unit: str

    @property
    def period(self) -> timedelta:
        """The time between two runs."""
        return timedelta(seconds=self.count * _UNITS[self.unit])

    @property
    def text(self) -> str:
        """The expression as EventBridge Scheduler takes it."""
        return f"rate({self.count} {self.unit}s)"

    def next_after(self, after: datetime, since: datetime) -> datetime:
        """Return the first time after `after`, of those counted from `since`."""
        passed = max(0, (after - since) // self.period)
        return since + (passed + 1) * self.period


def next_run(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the first time of a schedule after `after`, in UTC; None if it never runs again.

    Raises:
        ValueError: The time zone is not known here, or the expression is not valid.
    """
    zone = zone_of(schedule.time_zone)
    if zone is None:
        raise ValueError(f"the time zone {schedule.time_zone} is not known")
    expression = parse_expression(schedule.expression)
    return next_time(expression, zone, since=schedule.set_at, after=after)


def next_time(
    expression: Rate | Cron, zone: tzinfo, *, since: datetime, after: datetime
) -> datetime | None:
    """Return the first time of an expression after `after`, in UTC; None if there is none."""
    if isinstance(expression, Rate):
        return expression.next_after(after, since)
    return expression.next_after(after, zone)


def parse_expression(text: str) -> Rate | Cron:
    """Parse `rate(…)` or `cron(…)`.

    Raises:
        InvalidExpression: It is neither, or has an error; the message is for the user.
    """
    if match := _RATE.fullmatch(text.strip()):
        rate = Rate(int(match[1]), match[2])
        if not timedelta(0) < rate.period <= _PERIOD_MAX:
            raise InvalidExpression(f"must have a period of 1 minute to {_PERIOD_MAX.days} days")
        return rate
    if match := _CRON.fullmatch(text.strip()):
        try:
            return parse_cron(match[1])
        except InvalidCron as error:
            raise InvalidExpression(str(error)) from error
    raise InvalidExpression(
        "is neither a rate, like rate(6 hours) in minutes, hours or days, nor a cron expression of"
        " six fields, like cron(0 2 ? * MON-FRI *)"
    )


def canonical(text: str) -> str:
    """Return an expression in the form in which it is stored; one with an error as it is."""
    try:
        parsed = parse_expression(text)
    except InvalidExpression:
        return text
    return parsed.text if isinstance(parsed, Rate) else f"cron({parsed.text})"


def zone_of(name: str) -> tzinfo | None:
    """Return the zone of this name, None if there is none."""
    if name == "UTC":
        return UTC
    if len(name) > TIME_ZONE_CHARS_MAX or not _ZONE.fullmatch(name):
        return None
    if name.split("/")[0] in _NO_ZONES:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        # A folder of zones, or another file there.
        return None


def schedule_issues(schedule: Schedule, *, now: datetime) -> list[FieldIssue]:
    """Return all errors in a schedule."""
    issues = []
    zone = zone_of(schedule.time_zone)
    if zone is None:
        message = "is not a time zone of the IANA database, like Europe/Berlin or UTC"
        issues.append(FieldIssue(path="timeZone", message=message))
    try:
        expression = parse_expression(schedule.expression)
    except InvalidExpression as error:
        issues.append(FieldIssue(path="expression", message=str(error)))
    else:
        found = next_time(expression, zone or UTC, since=schedule.set_at, after=now)
        if found is None:
            message = "names no time that is still to come"
            issues.append(FieldIssue(path="expression", message=message))
    bounds = (
        ("jitterMinutes", schedule.jitter_minutes, 0, JITTER_MINUTES_MAX),
        ("fullEvery", schedule.full_every, 1, FULL_EVERY_MAX),
    )
    for path, value, low, high in bounds:
        if not low <= value <= high:
            issues.append(FieldIssue(path=path, message=f"must be from {low} to {high}"))
    return issues
