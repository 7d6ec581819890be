"""The pace of one worker never exceeds its rate, and reaches it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.pace import Pace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RATES = st.floats(0.1, 10_000)


def started(pace: Pace, count: int, rate: float, now: datetime) -> datetime:
    """Return when so many objects were started that are ready at `now`."""
    while wait_s := pace.wait_s(count, rate, now):
        now += timedelta(seconds=wait_s)
    pace.take(count)
    return now


@given(
    rate=RATES,
    pauses=st.lists(st.one_of(st.just(0.0), st.floats(0, 30)), min_size=1, max_size=60),
    count=st.integers(1, 100),
)
def test_the_rate_is_never_exceeded(rate: float, pauses: list[float], count: int) -> None:
    count = max(1, min(count, int(rate)))
    pace, now, starts = Pace(NOW), NOW, []
    for pause_s in pauses:
        now = started(pace, count, rate, now + timedelta(seconds=pause_s))
        starts.append(now)
    # Nothing is saved up before the first one.
    assert (starts[0] - NOW).total_seconds() >= (count - 1e-5) / rate - 1e-5
    for number, first in enumerate(starts):
        for more, last in enumerate(starts[number:], start=1):
            span_s = (last - first).total_seconds()
            assert more * count <= rate * (span_s + 0.1) + count + 1e-3


@given(rate=RATES)
def test_who_is_always_ready_reaches_the_rate(rate: float) -> None:
    pace, now = Pace(NOW), NOW
    for _ in range(50):
        now = started(pace, 1, rate, now)
    passed_s = (now - NOW).total_seconds()
    assert passed_s <= 50 / rate + 50e-6


def test_a_rate_that_is_raised_shortens_the_wait() -> None:
    pace = Pace(NOW)
    assert pace.wait_s(1, 0.1, NOW) == 10
    later = NOW + timedelta(seconds=5)
    assert pace.wait_s(1, 1.0, later) == 0
