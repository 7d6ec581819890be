"""Cron expressions in the syntax of EventBridge Scheduler, and the times at which they run.

EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler" (read in 2026-11): six
fields (minutes, hours, day of month, month, day of week, year), `?` in one of the two fields of
days, and the wildcards L, W and #. Libraries for cron know other dialects. What the guide leaves
open (W of a day that short months do not have, wildcards of days within lists) is refused here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

# A Sunday is 1 there, and a Monday is 0 in Python.
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
_WEEK_DAYS: Final = 7
_SATURDAY: Final = 7
# As `date.weekday` numbers them.
_ON_SATURDAY, _ON_SUNDAY = 5, 6
_W_MAX: Final = 28
_LONGEST_JUMP: Final = timedelta(days=1)


class InvalidCron(ValueError):
    """The expression has an error; the message names the field, the cause and what is allowed."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field: its numbers, and their names."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS: Final = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS),
    _Field("year", 1970, 2199),
)


@dataclass(frozen=True, slots=True)
class _DaysOfMonth:
    """Days by their number, the last one, or the weekday that is nearest to a day."""

    numbers: frozenset[int] = frozenset()
    last: bool = False
    nearest_to: int | None = None

    def of(self, year: int, month: int) -> Iterator[int]:
        count = calendar.monthrange(year, month)[1]
        if self.last:
            yield count
        elif self.nearest_to is not None:
            yield _nearest_weekday(date(year, month, self.nearest_to), count)
        else:
            yield from (day for day in range(1, count + 1) if day in self.numbers)


@dataclass(frozen=True, slots=True)
class _DaysOfWeek:
    """Days of the week, the last such day of a month, or the n-th one."""

    numbers: frozenset[int] = frozenset()
    last: int | None = None
    nth: tuple[int, int] | None = None

    def of(self, year: int, month: int) -> Iterator[int]:
        first, count = calendar.monthrange(year, month)
        # The number there of the first day of the month.
        first_number = (first + 1) % _WEEK_DAYS + 1
        wanted = self.numbers
        if self.last is not None:
            wanted = frozenset({self.last})
        elif self.nth is not None:
            wanted = frozenset({self.nth[0]})
        days = [
            day
            for day in range(1, count + 1)
            if (first_number - 1 + day - 1) % _WEEK_DAYS + 1 in wanted
        ]
        if self.last is not None:
            yield days[-1]
        elif self.nth is not None:
            yield from days[self.nth[1] - 1 : self.nth[1]]
        else:
            yield from days


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed expression; `text` is its canonical form, without `cron(…)`."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    days: _DaysOfMonth | _DaysOfWeek

    def next_after(self, after: datetime, zone: tzinfo) -> datetime | None:
        """Return the first time after `after`, in UTC; None if there is none.

        A local time that daylight saving time skips is no run. Of a local time that occurs twice,
        the first occurrence runs, and the second does not.
        """
        # A zone may skip a day, as Samoa did; the local time of `after` may be a repeated one.
        start = (after.astimezone(zone) - _LONGEST_JUMP).date()
        for day in self._dates(start):
            for hour in self.hours:
                for minute in self.minutes:
                    local = datetime.combine(day, time(hour, minute))
                    at = _moment(local, zone)
                    if at is not None and at > after:
                        return at
        return None

    def _dates(self, start: date) -> Iterator[date]:
        for year in self.years:
            if year < start.year:
                continue
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for number in self.days.of(year, month):
                    day = date(year, month, number)
                    if day >= start:
                        yield day


def parse_cron(text: str) -> Cron:
    """Parse the six fields.

    Raises:
        InvalidCron: A field is missing, or has an error.
    """
    parts = text.upper().split()
    if len(parts) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise InvalidCron(
            f"has {len(parts)} fields, and EventBridge Scheduler has {len(_FIELDS)}: {names}"
        )
    minutes, hours, of_month, months, of_week, years = parts
    if (of_month == "?") == (of_week == "?"):
        raise InvalidCron(
            "must have ? in one of the fields day of month and day of week, and not in both"
        )
    days = _days_of_week(of_week) if of_month == "?" else _days_of_month(of_month)
    return Cron(
        text=" ".join(parts),
        minutes=_numbers(minutes, _FIELDS[0]),
        hours=_numbers(hours, _FIELDS[1]),
        months=_numbers(months, _FIELDS[3]),
        years=_numbers(years, _FIELDS[5]),
        days=days,
    )


def _days_of_month(text: str) -> _DaysOfMonth:
    field = _FIELDS[2]
    if text == "L":
        return _DaysOfMonth(last=True)
    if match := re.fullmatch(r"([0-9]{1,2})W", text):
        number = int(match[1])
        if not 1 <= number <= _W_MAX:
            raise InvalidCron(
                f"{field.name} '{text}': W takes a day from 1 to {_W_MAX}, which every month has"
            )
        return _DaysOfMonth(nearest_to=number)
    _refuse(text, field, "LW", "the last day (L) or the nearest weekday (15W) must stand alone")
    return _DaysOfMonth(numbers=frozenset(_numbers(text, field)))


def _days_of_week(text: str) -> _DaysOfWeek:
    field = _FIELDS[4]
    if text == "L":
        return _DaysOfWeek(numbers=frozenset({_SATURDAY}))
    if match := re.fullmatch(r"([A-Z0-9]+)L", text):
        return _DaysOfWeek(last=_number(match[1], text, field))
    if match := re.fullmatch(r"([A-Z0-9]+)#([0-9]+)", text):
        number = _number(match[1], text, field)
        if not 1 <= int(match[2]) <= 5:
            raise InvalidCron(f"{field.name} '{text}': a month has a first (#1) to a fifth (#5)")
        return _DaysOfWeek(nth=(number, int(match[2])))
    _refuse(text, field, "#", "the n-th day (FRI#2) must stand alone")
    _refuse(text, field, "/", "steps are not defined for days of the week; list the days")
    return _DaysOfWeek(numbers=frozenset(_numbers(text, field)))


def _refuse(text: str, field: _Field, characters: str, why: str) -> None:
    if any(character in text for character in characters):
        raise InvalidCron(f"{field.name} '{text}': {why}")


def _numbers(text: str, field: _Field) -> tuple[int, ...]:
    """Return the numbers of a list of numbers, ranges and steps, in order."""
    found: set[int] = set()
    for part in text.split(","):
        base, slash, step_text = part.partition("/")
        first, dash, last = base.partition("-")
        if base == "*":
            low, high = field.low, field.high
        else:
            low = _number(first, part, field)
            high = _number(last, part, field) if dash else low
            if slash and not dash:
                high = field.high
        if low > high:
            raise InvalidCron(
                f"{field.name} '{part}': a range goes from the lower to the higher value"
            )
        step = 1
        if slash:
            if not re.fullmatch(r"[0-9]{1,4}", step_text) or int(step_text) == 0:
                raise InvalidCron(f"{field.name} '{part}': a step is a number from 1")
            step = int(step_text)
        found.update(range(low, high + 1, step))
    return tuple(sorted(found))


def _number(text: str, part: str, field: _Field) -> int:
    number = None
    if text in field.names:
        number = field.low + field.names.index(text)
    elif re.fullmatch(r"[0-9]{1,4}", text):
        number = int(text)
    if number is None or not field.low <= number <= field.high:
        names = f" or {', '.join(field.names)}" if field.names else ""
        raise InvalidCron(f"{field.name} '{part}': must be of {field.low} to {field.high}{names}")
    return number


def _nearest_weekday(day: date, count: int) -> int:
    """Return the weekday of the same month that is nearest to a day."""
    if day.weekday() == _ON_SATURDAY:
        return day.day - 1 if day.day > 1 else day.day + 2
    if day.weekday() == _ON_SUNDAY:
        return day.day + 1 if day.day < count else day.day - 2
    return day.day


def _moment(local: datetime, zone: tzinfo) -> datetime | None:
    """Return a local time in UTC, the first of two; None if the zone skips it."""
    at = local.replace(tzinfo=zone).astimezone(UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == local else None
