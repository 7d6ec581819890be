"""The limits of a connector: how many chunks at once, how many objects per second, and when.

They apply to all jobs of the connector together. Workers hold one of so many *slots* while they
work on a chunk, and each slot has its share of the rate. No process counts objects across workers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from domain.errors import FieldIssue
from domain.schedule_times import zone_of

CONCURRENCY_MAX: Final = 100
OBJECTS_PER_SECOND_MIN: Final = 0.1
OBJECTS_PER_SECOND_MAX: Final = 10_000.0
WINDOW_COUNT_MAX: Final = 20

_SLOT_RATE: Final = 50.0
"""Objects per second that one worker surely reaches: a rate has so many slots that each is fast."""

_DAY: Final = timedelta(days=1)
_SEARCH_DAYS: Final = 15
"""A window opens at least once a week; one may be skipped where a clock is put forward."""


class Weekday(StrEnum):
    """A day of the week, in the order of `date.weekday`."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


_WEEKDAYS: Final = tuple(Weekday)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """Times of the clock on some days; one that ends at or before its start ends the next day.

    `days` are those on which it starts.
    """

    days: tuple[Weekday, ...] = _WEEKDAYS
    start: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLimits:
    """None, or no window, means that there is no such limit."""

    concurrency: int | None = None
    objects_per_second: float | None = None
    windows: tuple[TimeWindow, ...] = ()
    time_zone: str = "UTC"

    @property
    def given(self) -> bool:
        """Whether anything is limited."""
        return self.slot_count is not None or bool(self.windows)

    @property
    def slot_count(self) -> int | None:
        """How many workers may work at once; None if no slot is needed."""
        rate = self.objects_per_second
        if rate is None:
            return self.concurrency
        return min(self.concurrency or CONCURRENCY_MAX, max(1, math.ceil(rate / _SLOT_RATE)))

    @property
    def slot_rate(self) -> float | None:
        """The objects per second of one slot; None if there is no limit."""
        rate, slots = self.objects_per_second, self.slot_count
        return None if rate is None or slots is None else rate / slots


@dataclass(frozen=True, slots=True)
class Closed:
    """Outside of all windows: since when, and until when."""

    since: datetime
    until: datetime


def limit_issues(limits: WorkLimits | None, *, path: str = "limits") -> list[FieldIssue]:
    """Return what is wrong with the limits: what the form of their fields does not say."""
    if limits is None:
        return []
    if zone_of(limits.time_zone) is None:
        message = f"'{limits.time_zone}' is not a time zone of the IANA database"
        return [FieldIssue(path=f"{path}.timeZone", message=message)]
    return []


def closed_at(limits: WorkLimits | None, now: datetime) -> Closed | None:
    """Return when the windows closed and when one opens; None if one is open, or there are none.

    Raises:
        ValueError: The time zone is not known here.
    """
    if limits is None or not limits.windows:
        return None
    opens, closes = [], []
    for start, end in _spans(limits, now - _SEARCH_DAYS * _DAY, now + _SEARCH_DAYS * _DAY):
        if start <= now < end:
            return None
        if now < start:
            opens.append(start)
        else:
            closes.append(end)
    return Closed(since=max(closes, default=now), until=min(opens))


def closed_s(limits: WorkLimits | None, since: datetime, until: datetime) -> float:
    """Return for how many seconds between two times no window was open."""
    if limits is None or not limits.windows or until <= since:
        return 0.0
    closed, reached = timedelta(), since
    for start, end in sorted(_spans(limits, since, until)):
        if start > reached:
            closed += min(start, until) - reached
        reached = max(reached, min(end, until))
        if reached >= until:
            break
    return (closed + max(timedelta(), until - reached)).total_seconds()


def _spans(limits: WorkLimits, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """Return start and end of the windows that touch a time, in UTC, and some around it."""
    zone = zone_of(limits.time_zone)
    if zone is None:
        raise ValueError(f"the time zone {limits.time_zone} is not known")
    first = since.astimezone(zone).date() - _DAY
    last = until.astimezone(zone).date() + _DAY
    spans = []
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        weekday = _WEEKDAYS[day.weekday()]
        for window in limits.windows:
            if weekday in window.days:
                next_day = window.end <= window.start
                start = _time_of(day, window.start, zone)
                end = _time_of(day + next_day * _DAY, window.end, zone)
                # Both within the hour that a clock leaves out: the window is not that day.
                if start < end:
                    spans.append((start, end))
    return spans


def _time_of(day: date, at: time, zone: tzinfo) -> datetime:
    """Return when the clock shows a time, the first time if it does twice.

    A time that it leaves out counts by the clock before the change.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
