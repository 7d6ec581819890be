"""Cron expressions: which are valid, and when they run, compared with a search minute by minute."""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cron import InvalidCron, parse_cron

_MINUTE = timedelta(minutes=1)
_ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
# Days around which clocks change in one of these zones, and the ends of months and years.
_STARTS = (
    datetime(2026, 3, 28, 22, tzinfo=UTC),
    datetime(2026, 10, 24, 21, tzinfo=UTC),
    datetime(2026, 3, 8, 4, tzinfo=UTC),
    datetime(2026, 11, 1, 3, tzinfo=UTC),
    datetime(2026, 10, 3, 14, tzinfo=UTC),
    datetime(2026, 4, 4, 13, tzinfo=UTC),
    datetime(2027, 12, 31, 20, tzinfo=UTC),
    datetime(2028, 2, 28, 20, tzinfo=UTC),
)


def _times(text: str, after: datetime, zone: str = "UTC", count: int = 3) -> list[str]:
    cron, found = parse_cron(text), []
    for _ in range(count):
        at = cron.next_after(after, ZoneInfo(zone))
        if at is None:
            break
        found.append(at.strftime("%Y-%m-%dT%H:%M"))
        after = at
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15 10 * * ? *", ["2026-01-01T10:15", "2026-01-02T10:15", "2026-01-03T10:15"]),
        ("0 18 ? * MON-FRI *", ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]),
        ("0/30 8-9 1 * ? *", ["2026-01-01T08:00", "2026-01-01T08:30", "2026-01-01T09:00"]),
        ("0 0 L * ? *", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"]),
        ("0 0 15W * ? *", ["2026-01-15T00:00", "2026-02-16T00:00", "2026-03-16T00:00"]),
        ("0 0 1W 8 ? *", ["2026-08-03T00:00", "2027-08-02T00:00", "2028-08-01T00:00"]),
        ("0 9 ? * 6L *", ["2026-01-30T09:00", "2026-02-27T09:00", "2026-03-27T09:00"]),
        ("0 9 ? * 3#2 *", ["2026-01-13T09:00", "2026-02-10T09:00", "2026-03-10T09:00"]),
        ("0 9 ? * SUN#5 *", ["2026-03-29T09:00", "2026-05-31T09:00", "2026-08-30T09:00"]),
        ("0 9 ? * L *", ["2026-01-03T09:00", "2026-01-10T09:00", "2026-01-17T09:00"]),
        ("0 0 29 2 ? *", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ("0 0 1 jan,jul ? 2027-2028", ["2027-01-01T00:00", "2027-07-01T00:00", "2028-01-01T00:00"]),
        ("0 0 1 1 ? 2026", []),
        ("0 0 30 2 ? *", []),
    ],
)
def test_when_it_runs(text: str, expected: list[str]) -> None:
    assert _times(text, datetime(2026, 1, 1, tzinfo=UTC)) == expected


def test_a_time_that_daylight_saving_time_skips_is_no_run() -> None:
    found = _times("30 2 * * ? *", datetime(2026, 3, 27, 12, tzinfo=UTC), "Europe/Berlin")
    assert found == ["2026-03-28T01:30", "2026-03-30T00:30", "2026-03-31T00:30"]


def test_a_time_that_occurs_twice_runs_once() -> None:
    found = _times("30 2 * * ? *", datetime(2026, 10, 24, 12, tzinfo=UTC), "Europe/Berlin")
    assert found == ["2026-10-25T00:30", "2026-10-26T01:30", "2026-10-27T01:30"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 2 * * *", "has 5 fields"),
        ("0 2 * * * *", "must have ?"),
        ("0 2 ? * ? *", "must have ?"),
        ("60 2 * * ? *", "minutes '60': must be of 0 to 59"),
        ("0 24 * * ? *", "hours '24': must be of 0 to 23"),
        ("0 2 0 * ? *", "day of month '0': must be of 1 to 31"),
        ("0 2 * 13 ? *", "month '13': must be of 1 to 12 or JAN"),
        ("0 2 ? * 0 *", "day of week '0': must be of 1 to 7 or SUN"),
        ("0 2 ? * FUN *", "day of week 'FUN'"),
        ("0 2 * * ? 1969", "year '1969': must be of 1970 to 2199"),
        ("0 2 ? * FRI-MON *", "a range goes from the lower"),
        ("*/0 2 * * ? *", "a step is a number from 1"),
        ("0 2 31W * ? *", "W takes a day from 1 to 28"),
        ("0 2 LW * ? *", "must stand alone"),
        ("0 2 1,L * ? *", "must stand alone"),
        ("0 2 ? * MON#1,TUE#1 *", "must stand alone"),
        ("0 2 ? * MON#6 *", "to a fifth"),
        ("0 2 ? * */2 *", "steps are not defined"),
        ("0 ? * * ? *", "hours '?'"),
        ("? 2 * * ? *", "minutes '?'"),
        ("1, 2 * * ? *", "minutes ''"),
    ],
)
def test_an_error_names_the_field_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(InvalidCron) as raised:
        parse_cron(text)
    assert message in str(raised.value)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.lists(number, min_size=1, max_size=4).map(lambda found: ",".join(map(str, found))),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.tuples(st.one_of(st.just("*"), number.map(str)), st.integers(1, 20)).map(
            lambda pair: f"{pair[0]}/{pair[1]}"
        ),
    )


_ANY_DAYS = st.one_of(
    st.tuples(
        st.one_of(_field(1, 31), st.just("L"), st.integers(1, 28).map("{}W".format)), st.just("?")
    ),
    st.tuples(
        st.just("?"),
        st.one_of(
            st.just("*"),
            st.lists(st.integers(1, 7), min_size=1, max_size=3).map(
                lambda found: ",".join(map(str, found))
            ),
            st.integers(1, 7).map("{}L".format),
            st.tuples(st.integers(1, 7), st.integers(1, 5)).map("{0[0]}#{0[1]}".format),
        ),
    ),
)


def _plain(text: str, value: int, low: int, high: int) -> bool:
    """Whether a field of numbers matches a value, by the definition and not by the parser."""
    for part in text.split(","):
        base, _, step = part.partition("/")
        first, dash, last = base.partition("-")
        begin = low if base == "*" else int(first)
        end = int(last) if dash else high if base == "*" or step else begin
        if begin <= value <= end and (value - begin) % int(step or 1) == 0:
            return True
    return False


def _day_matches(of_month: str, of_week: str, local: datetime) -> bool:
    weeks = calendar.Calendar().monthdatescalendar(local.year, local.month)
    days = [day for week in weeks for day in week if day.month == local.month]
    number = local.isoweekday() % 7 + 1
    if of_month == "L":
        return local.date() == days[-1]
    if of_month.endswith("W"):
        wanted = days[int(of_month[:-1]) - 1]
        near = [day for day in days if day.weekday() < 5]
        # A Saturday is next to Friday, and a Sunday to Monday; no month ends between the two.
        return local.date() == min(near, key=lambda day: abs(day - wanted))
    if of_month != "?":
        return _plain(of_month, local.day, 1, 31)
    same = [day for day in days if day.isoweekday() % 7 + 1 == number]
    if of_week.endswith("L"):
        return int(of_week[:-1]) == number and local.date() == same[-1]
    if "#" in of_week:
        wanted_number, nth = map(int, of_week.split("#"))
        return wanted_number == number and same.index(local.date()) == nth - 1
    return _plain(of_week, number, 1, 7)


def _by_the_minute(fields: list[str], start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Walk over every minute of some days; skipped local times do not come up at all."""
    seen: set[datetime] = set()
    for count in range(-120, 4 * 1440):
        at = start + count * _MINUTE
        local = at.astimezone(zone).replace(tzinfo=None)
        repeated = local in seen
        seen.add(local)
        if repeated or count <= 0:
            continue
        if (
            _plain(fields[0], local.minute, 0, 59)
            and _plain(fields[1], local.hour, 0, 23)
            and _plain(fields[3], local.month, 1, 12)
            and _day_matches(fields[2], fields[4], local)
        ):
            yield at


@given(
    minutes=_field(0, 59),
    hours=_field(0, 23),
    days=_ANY_DAYS,
    months=st.sampled_from(["*", "3-4", "10,11", "12", "2"]),
    start=st.sampled_from(_STARTS),
    shift=st.integers(0, 2_880),
    zone=st.sampled_from(_ZONES),
)
@pytest.mark.soak
def test_it_runs_at_the_times_that_a_walk_over_all_minutes_finds(
    minutes: str,
    hours: str,
    days: tuple[str, str],
    months: str,
    start: datetime,
    shift: int,
    zone: str,
) -> None:
    start += shift * _MINUTE
    fields = [minutes, hours, days[0], months, days[1], "*"]
    cron, after, end = parse_cron(" ".join(fields)), start, start + 4 * 1440 * _MINUTE
    for expected in list(_by_the_minute(fields, start, ZoneInfo(zone)))[:20]:
        found = cron.next_after(after, ZoneInfo(zone))
        assert found == expected
        after = found
    if after == start:
        found = cron.next_after(after, ZoneInfo(zone))
        assert found is None or found >= end
