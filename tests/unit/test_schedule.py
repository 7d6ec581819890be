"""Schedules: rates, time zones, the next run, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.schedule import Schedule, ScheduleMode
from domain.schedule_times import (
    InvalidExpression,
    Rate,
    canonical,
    next_run,
    parse_expression,
    schedule_issues,
    zone_of,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
VALID = Schedule(expression="rate(6 hours)", set_at=NOW)


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("rate(6 hours)", "rate(6 hours)"),
        ("rate(1 hour)", "rate(1 hours)"),
        (" rate( 5  minutes ) ", "rate(5 minutes)"),
        ("cron(0 2 ? * mon-fri *)", "cron(0 2 ? * MON-FRI *)"),
        ("cron(0  2 L * ? *)", "cron(0 2 L * ? *)"),
        ("every night", "every night"),
    ],
)
def test_an_expression_is_stored_in_one_form(given_text: str, stored: str) -> None:
    assert canonical(given_text) == stored
    assert canonical(stored) == stored


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is neither a rate"),
        ("6 hours", "is neither a rate"),
        ("rate(6 weeks)", "is neither a rate"),
        ("rate(-1 hours)", "is neither a rate"),
        ("rate(0 hours)", "period of 1 minute"),
        ("rate(367 days)", "period of 1 minute"),
        ("at(2026-12-01T00:00:00)", "is neither a rate"),
        ("cron(0 2 * * *)", "has 5 fields"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_cause(text: str, message: str) -> None:
    with pytest.raises(InvalidExpression, match=message.replace("(", r"\(")):
        parse_expression(text)


@given(
    count=st.integers(1, 400),
    unit=st.sampled_from(["minute", "hour"]),
    passed_s=st.integers(-1_000, 10_000_000),
)
def test_a_rate_runs_once_in_each_period(count: int, unit: str, passed_s: int) -> None:
    rate, after = Rate(count, unit), NOW + timedelta(seconds=passed_s)
    found = rate.next_after(after, NOW)
    assert found > after
    assert found > NOW
    assert (found - NOW) % rate.period == timedelta(0)
    assert found - max(after, NOW) <= rate.period


def test_a_day_of_a_rate_has_24_hours_where_clocks_change() -> None:
    set_at = datetime(2026, 3, 28, 11, tzinfo=UTC)
    schedule = replace(VALID, expression="rate(1 days)", set_at=set_at, time_zone="Europe/Berlin")
    assert next_run(schedule, set_at + timedelta(hours=1)) == datetime(2026, 3, 29, 11, tzinfo=UTC)


def test_a_cron_expression_is_of_the_schedules_time_zone() -> None:
    schedule = replace(VALID, expression="cron(0 2 * * ? *)", time_zone="America/New_York")
    assert next_run(schedule, NOW) == datetime(2026, 11, 28, 7, tzinfo=UTC)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"])
def test_zones_of_the_database_are_known(name: str) -> None:
    assert zone_of(name) is not None


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Base", "Europe", "../etc/passwd", "/etc/localtime", "localtime", "right/UTC",
     "posix/Europe/Berlin", "Europe/Berlin/", "UTC\0", "x" * 51, "zone.tab", "europe//berlin"],
)  # fmt: skip
def test_other_names_are_no_zones(name: str) -> None:
    assert zone_of(name) is None


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, []),
        ({"mode": ScheduleMode.FULL, "full_every": 1, "jitter_minutes": 1_440}, []),
        ({"expression": "nightly", "time_zone": "CST"}, ["timeZone", "expression"]),
        ({"expression": "cron(0 0 30 2 ? *)"}, ["expression"]),
        ({"expression": "cron(0 0 1 1 ? 2026)"}, ["expression"]),
        ({"jitter_minutes": 1_441}, ["jitterMinutes"]),
        ({"jitter_minutes": -1, "full_every": 0}, ["jitterMinutes", "fullEvery"]),
        ({"full_every": 1_001}, ["fullEvery"]),
    ],
)
def test_every_error_of_a_schedule_is_listed(change: dict[str, object], paths: list[str]) -> None:
    issues = schedule_issues(replace(VALID, **change), now=NOW)  # type: ignore[arg-type]
    assert [issue.path for issue in issues] == paths
