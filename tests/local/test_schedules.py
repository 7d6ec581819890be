"""EventBridge Scheduler's schedules run on this machine, at the times of their expressions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.local_aws.event_bridge.scheduler import SchedulerRuns
from adapters.local_aws.lambda_service.invocation import InvocationRejected

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
ARN = "arn:aws:lambda:us-east-1:123456789012:function:engine"


class Emulator:
    """Schedules as the API returns them, in pages of two."""

    def __init__(self) -> None:
        self.schedules: dict[str, Any] = {}
        self.reads: list[str] = []

    def add(self, name: str, expression: str, **others: Any) -> None:
        self.schedules[name] = {
            "Name": name,
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "CreationDate": NOW,
            "Target": {
                "Arn": ARN,
                "Input": json.dumps({"name": name, "at": "<aws.scheduler.scheduled-time>"}),
            },
            **others,
        }

    async def list_schedules(self, **request: Any) -> Any:
        names = sorted(self.schedules)
        begin = int(request.get("NextToken", 0))
        page: dict[str, Any] = {"Schedules": [{"Name": each} for each in names[begin : begin + 2]]}
        if begin + 2 < len(names):
            page["NextToken"] = str(begin + 2)
        return page

    async def get_schedule(self, **request: Any) -> Any:
        self.reads.append(request["Name"])
        return self.schedules[request["Name"]]


class Hours:
    """What was invoked, on a clock that the test moves."""

    def __init__(self) -> None:
        self.emulator = Emulator()
        self.now = NOW
        self.invoked: list[tuple[str, str]] = []
        self.runs = SchedulerRuns(
            self.emulator,  # type: ignore[arg-type]  # what is used of the client
            "g",
            self._submit,
            interval_s=5,
            now=lambda: self.now,
        )

    def _submit(self, arn: str, payload: bytes) -> str:
        assert arn == ARN
        event = json.loads(payload)
        if event["name"] == "refused":
            raise InvocationRejected("Gone", 404, "there is no such function")
        self.invoked.append((event["name"], event["at"]))
        return "request"

    async def after(self, **duration: float) -> list[tuple[str, str]]:
        self.now += timedelta(**duration)
        self.invoked.clear()
        await self.runs.look()
        return list(self.invoked)


@pytest.fixture
def hours() -> Hours:
    return Hours()


async def test_a_rate_runs_from_its_start_date_on(hours: Hours) -> None:
    hours.emulator.add("r", "rate(2 hours)", StartDate=NOW + timedelta(hours=1))
    assert await hours.after(minutes=59) == []
    assert await hours.after(minutes=1) == [("r", "2026-03-28T13:00:00Z")]
    assert await hours.after(minutes=119) == []
    assert await hours.after(minutes=2) == [("r", "2026-03-28T15:00:00Z")]


async def test_a_cron_expression_runs_in_its_time_zone(hours: Hours) -> None:
    zone = "Europe/Berlin"
    hours.emulator.add("c", "cron(30 1 * * ? *)", ScheduleExpressionTimezone=zone)
    assert await hours.after(hours=12) == []
    assert await hours.after(minutes=31) == [("c", "2026-03-29T00:30:00Z")]
    # The clock has moved forward in between.
    assert await hours.after(hours=23) == [("c", "2026-03-29T23:30:00Z")]


async def test_a_machine_that_slept_has_one_run_and_not_ten(hours: Hours) -> None:
    hours.emulator.add("r", "rate(1 hours)", StartDate=NOW + timedelta(hours=1))
    hours.emulator.add("c", "cron(0 * * * ? *)")
    assert await hours.after(hours=10, minutes=30) == [
        ("c", "2026-03-28T22:00:00Z"),
        ("r", "2026-03-28T22:00:00Z"),
    ]
    assert await hours.after(seconds=5) == []


async def test_a_time_that_passed_before_the_first_look_is_not_lost(hours: Hours) -> None:
    hours.emulator.add("c", "cron(1 12 * * ? *)")
    assert await hours.after(minutes=2) == [("c", "2026-03-28T12:01:00Z")]


async def test_jitter_delays_a_run_and_not_its_time(hours: Hours) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10}
    hours.emulator.add("c", "cron(0 13 * * ? *)", FlexibleTimeWindow=window)
    found = [await hours.after(minutes=1) for _ in range(75)]
    [at] = [number for number, each in enumerate(found, 1) if each]
    assert found[at - 1] == [("c", "2026-03-28T13:00:00Z")]
    assert 60 <= at <= 70


async def test_a_schedule_that_was_deleted_runs_no_longer(hours: Hours) -> None:
    hours.emulator.add("c", "cron(0 * * * ? *)")
    assert await hours.after(hours=1)
    del hours.emulator.schedules["c"]
    assert await hours.after(hours=1) == []


async def test_all_pages_are_read_and_each_schedule_once(hours: Hours) -> None:
    for number in range(5):
        hours.emulator.add(f"c{number}", "cron(0 * * * ? *)")
    hours.emulator.add("refused", "cron(0 * * * ? *)")
    for _ in range(3):
        assert len(await hours.after(hours=1)) == 5
    assert len(hours.emulator.reads) == 6
