"""Limits of connectors: time windows, slots and their rates."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.work_limits import (
    CONCURRENCY_MAX,
    Closed,
    TimeWindow,
    Weekday,
    WorkLimits,
    closed_at,
    closed_s,
    limit_issues,
)

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = WorkLimits(
    windows=(TimeWindow(start=time(20), end=time(6)),),
    time_zone="Europe/Berlin",
)


def berlin(*parts: int, fold: int = 0) -> datetime:
    year, month, day, hour, minute = (*parts, 0)[:5]
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN, fold=fold)


def windows(*days: Weekday, start: time, end: time) -> WorkLimits:
    return WorkLimits(
        windows=(TimeWindow(days=days, start=start, end=end),), time_zone="Europe/Berlin"
    )


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        (berlin(2026, 3, 3, 19, 59), False),
        (berlin(2026, 3, 3, 20), True),
        (berlin(2026, 3, 4, 0), True),
        (berlin(2026, 3, 4, 5, 59), True),
        (berlin(2026, 3, 4, 6), False),
        (berlin(2026, 7, 3, 19, 59), False),
        (berlin(2026, 7, 3, 20), True),
    ],
)
def test_a_window_is_open_from_its_start_to_before_its_end(now: datetime, is_open: bool) -> None:
    assert (closed_at(NIGHTS, now.astimezone(UTC)) is None) is is_open


def test_it_says_since_when_and_until_when() -> None:
    noon = berlin(2026, 3, 3, 12)
    assert closed_at(NIGHTS, noon) == Closed(
        since=berlin(2026, 3, 3, 6).astimezone(UTC), until=berlin(2026, 3, 3, 20).astimezone(UTC)
    )


def test_the_days_are_those_on_which_it_starts() -> None:
    weekend = windows(Weekday.FRI, start=time(22), end=time(4))
    assert closed_at(weekend, berlin(2026, 3, 6, 23)) is None
    assert closed_at(weekend, berlin(2026, 3, 7, 3)) is None
    assert closed_at(weekend, berlin(2026, 3, 6, 3)) is not None
    closed = closed_at(weekend, berlin(2026, 3, 7, 4))
    assert closed is not None
    assert closed.until == berlin(2026, 3, 13, 22)


def test_it_may_last_a_day() -> None:
    sundays = windows(Weekday.SUN, start=time(0), end=time(0))
    assert closed_at(sundays, berlin(2026, 3, 1, 0)) is None
    assert closed_at(sundays, berlin(2026, 3, 1, 23, 59)) is None
    assert closed_at(sundays, berlin(2026, 3, 2, 0)) is not None


class TestTheClockIsChanged:
    """On 29 March 2026 it goes from 2:00 to 3:00, on 25 October from 3:00 back to 2:00."""

    def test_a_night_is_an_hour_shorter(self) -> None:
        since, until = berlin(2026, 3, 28, 12), berlin(2026, 3, 29, 12)
        open_s = (until.astimezone(UTC) - since.astimezone(UTC)).total_seconds()
        assert open_s - closed_s(NIGHTS, since, until) == 9 * 3600

    def test_a_night_is_an_hour_longer(self) -> None:
        since, until = berlin(2026, 10, 24, 12), berlin(2026, 10, 25, 12)
        open_s = (until.astimezone(UTC) - since.astimezone(UTC)).total_seconds()
        assert open_s - closed_s(NIGHTS, since, until) == 11 * 3600

    def test_a_window_within_the_hour_that_is_left_out_is_not_that_day(self) -> None:
        short = windows(*Weekday, start=time(2, 30), end=time(3))
        closed = closed_at(short, berlin(2026, 3, 29, 1))
        assert closed is not None
        assert closed.until == berlin(2026, 3, 30, 2, 30)

    def test_the_first_of_two_equal_times_counts(self) -> None:
        late = windows(*Weekday, start=time(22), end=time(2, 30))
        assert closed_at(late, berlin(2026, 10, 25, 2, 29)) is None
        assert closed_at(late, berlin(2026, 10, 25, 2, 29, fold=1).astimezone(UTC)) is not None


TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
WINDOWS = st.builds(
    TimeWindow,
    days=st.sets(st.sampled_from(list(Weekday)), min_size=1).map(lambda s: tuple(sorted(s))),
    start=TIMES,
    end=TIMES,
)
LIMITS = st.builds(
    WorkLimits,
    windows=st.lists(WINDOWS, min_size=1, max_size=3).map(tuple),
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns"]),
)
NOWS = st.datetimes(
    datetime(2025, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(limits=LIMITS, now=NOWS)
def test_until_the_next_window_all_is_closed_and_then_it_is_open(
    limits: WorkLimits, now: datetime
) -> None:
    closed = closed_at(limits, now)
    if closed is None:
        assert closed_s(limits, now, now + timedelta(microseconds=1)) == 0
        return
    assert closed.since <= now < closed.until
    assert closed_at(limits, closed.until) is None
    assert closed_at(limits, closed.until - timedelta(microseconds=1)) == closed
    span_s = (closed.until - closed.since).total_seconds()
    assert closed_s(limits, closed.since, closed.until) == span_s


@given(limits=LIMITS, now=NOWS, hours=st.integers(0, 400), share=st.floats(0, 1))
def test_closed_seconds_add_up(limits: WorkLimits, now: datetime, hours: int, share: float) -> None:
    until = now + timedelta(hours=hours)
    between = now + share * (until - now)
    whole = closed_s(limits, now, until)
    assert 0 <= whole <= hours * 3600
    parts = closed_s(limits, now, between) + closed_s(limits, between, until)
    assert parts == pytest.approx(whole, abs=1e-5)


@given(limits=LIMITS, now=NOWS)
def test_the_clock_shows_a_time_of_a_window_when_it_is_open(
    limits: WorkLimits, now: datetime
) -> None:
    """Where no clock was changed in the last day."""
    zone = ZoneInfo(limits.time_zone)
    local = now.astimezone(zone)
    day = timedelta(days=1)
    if len({(now + n * day).astimezone(zone).utcoffset() for n in (-2, -1, 0, 1)}) > 1:
        return
    shown = any(
        list(Weekday)[(start := local - n * day).weekday()] in window.days
        and datetime.combine(start.date(), window.start)
        <= local.replace(tzinfo=None)
        < datetime.combine(start.date() + (window.end <= window.start) * day, window.end)
        for window in limits.windows
        for n in (0, 1)
    )
    assert (closed_at(limits, now) is None) == shown


def test_without_windows_nothing_is_closed() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for limits in (None, WorkLimits(concurrency=1)):
        assert closed_at(limits, now) is None
        assert closed_s(limits, now, now + timedelta(days=1)) == 0


@pytest.mark.parametrize(
    ("concurrency", "rate", "slots", "slot_rate"),
    [
        (None, None, None, None),
        (3, None, 3, None),
        (None, 10.0, 1, 10.0),
        (None, 100.0, 2, 50.0),
        (None, 101.0, 3, 101 / 3),
        (1, 1000.0, 1, 1000.0),
        (20, 10.0, 1, 10.0),
        (None, 10_000.0, CONCURRENCY_MAX, 100.0),
    ],
)
def test_slots_and_their_rates(
    concurrency: int | None, rate: float | None, slots: int | None, slot_rate: float | None
) -> None:
    limits = WorkLimits(concurrency=concurrency, objects_per_second=rate)
    assert (limits.slot_count, limits.slot_rate) == (slots, slot_rate)
    assert limits.given is (slots is not None)


@pytest.mark.parametrize("zone", ["Nowhere", "posix/Europe/Berlin", "", "../UTC"])
def test_a_zone_must_exist(zone: str) -> None:
    (issue,) = limit_issues(WorkLimits(time_zone=zone))
    assert issue.path == "limits.timeZone"
