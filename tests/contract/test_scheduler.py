"""The contract of ports.scheduler."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError

from adapters.aws.clients import Clients
from adapters.aws.scheduler import EventBridgeScheduler, SchedulePlace
from adapters.memory.scheduler import MemoryScheduler
from domain.schedule_runs import Timer
from ports.errors import Misconfigured
from ports.scheduler import Scheduler

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROLE = "arn:aws:iam::123456789012:role/schedules"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:engine"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:failed"
# moto checks it against the present time.
LATER = (datetime.now(UTC) + timedelta(hours=6)).replace(microsecond=0)
NIGHTLY = Timer(
    connector_id="c1",
    revision="r1",
    expression="cron(0 2 ? * MON-FRI *)",
    time_zone="Europe/Berlin",
    jitter_minutes=0,
)
OFTEN = replace(
    NIGHTLY, revision="r2", expression="rate(6 hours)", jitter_minutes=15, starts_at=LATER
)


@pytest_asyncio.fixture(params=["memory", "aws"], loop_scope="session")
async def scheduler(
    request: pytest.FixtureRequest, clients: Clients, unique_name: str
) -> AsyncIterator[Scheduler]:
    if request.param == "memory":
        yield MemoryScheduler()
        return
    yield await _on_aws(clients, unique_name)


async def _on_aws(clients: Clients, group_name: str) -> EventBridgeScheduler:
    await (await clients.scheduler()).create_schedule_group(Name=group_name)
    return EventBridgeScheduler(clients.scheduler, _place(group_name))


def _place(group_name: str) -> SchedulePlace:
    return SchedulePlace(
        group_name=group_name, function_arn=FUNCTION, role_arn=ROLE, dead_letter_queue_arn=QUEUE
    )


async def test_a_timer_runs_until_it_is_removed(scheduler: Scheduler) -> None:
    assert await scheduler.names() == frozenset()
    await scheduler.put(NIGHTLY)
    assert await scheduler.names() == {NIGHTLY.name}
    await scheduler.remove("c1")
    assert await scheduler.names() == frozenset()
    await scheduler.remove("c1")


async def test_a_connector_has_one_timer_and_others_keep_theirs(scheduler: Scheduler) -> None:
    others = [
        replace(NIGHTLY, connector_id=each, revision=f"of {number}".replace(" ", ""))
        for number, each in enumerate(("c", "c10", "c1.", "x" * 64, "x" * 63 + "y"))
    ]
    for timer in (*others, NIGHTLY, OFTEN):
        await scheduler.put(timer)
    kept = {timer.name for timer in others}
    assert await scheduler.names() == {OFTEN.name, *kept}
    await scheduler.remove("c1")
    assert await scheduler.names() == kept


async def test_one_that_runs_stays_as_it_is(scheduler: Scheduler) -> None:
    await scheduler.put(OFTEN)
    await scheduler.put(replace(OFTEN, starts_at=LATER + timedelta(hours=1)))
    assert await scheduler.names() == {OFTEN.name}


async def test_one_is_found_and_removed_by_its_name(scheduler: Scheduler) -> None:
    other = replace(NIGHTLY, connector_id="c10")
    for timer in (NIGHTLY, other):
        await scheduler.put(timer)
    assert await scheduler.connector_of(NIGHTLY.name) == "c1"
    await scheduler.remove_one(replace(NIGHTLY, revision="r2").name)
    await scheduler.remove_one(NIGHTLY.name)
    assert await scheduler.names() == {other.name}
    assert await scheduler.connector_of(NIGHTLY.name) is None
    await scheduler.remove_one(NIGHTLY.name)


@pytest.mark.parametrize(
    "event",
    [
        None,
        "scheduled",
        "[]",
        '{"connectorId": "c1"}',
        '{"connectorId": ["c1"], "timer": "r1"}',
        '{"connectorId": "c2", "timer": "r1"}',
        '{"connectorId": "c1", "timer": "r2"}',
    ],
)
async def test_a_schedule_with_another_event_is_of_others(
    clients: Clients, unique_name: str, event: str | None
) -> None:
    scheduler = await _on_aws(clients, unique_name)
    target: Any = {"Arn": FUNCTION, "RoleArn": ROLE} | ({"Input": event} if event else {})
    await (await clients.scheduler()).create_schedule(
        Name=NIGHTLY.name,
        GroupName=unique_name,
        ScheduleExpression=NIGHTLY.expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    assert await scheduler.names() == {NIGHTLY.name}
    assert await scheduler.connector_of(NIGHTLY.name) is None


async def test_there_may_be_more_than_a_page(scheduler: Scheduler) -> None:
    timers = [
        replace(NIGHTLY, connector_id=f"c{number}", revision=f"r{number}") for number in range(103)
    ]
    for timer in timers:
        await scheduler.put(timer)
    assert await scheduler.names() == {timer.name for timer in timers}


async def test_what_eventbridge_scheduler_gets(clients: Clients, unique_name: str) -> None:
    scheduler = await _on_aws(clients, unique_name)
    for timer in (NIGHTLY, replace(OFTEN, connector_id="c2")):
        await scheduler.put(timer)
    client = await clients.scheduler()
    found: dict[str, Any] = {}
    for listed in (await client.list_schedules(GroupName=unique_name))["Schedules"]:
        shown: Any = await client.get_schedule(GroupName=unique_name, Name=listed["Name"])
        found[shown["ScheduleExpression"]] = shown
    nightly, often = found["cron(0 2 ? * MON-FRI *)"], found["rate(6 hours)"]
    assert nightly["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert nightly["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert "StartDate" not in nightly
    assert often["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert often["StartDate"] == LATER
    target = nightly["Target"]
    assert (target["Arn"], target["RoleArn"]) == (FUNCTION, ROLE)
    assert target["DeadLetterConfig"] == {"Arn": QUEUE}
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 3_600
    assert json.loads(target["Input"]) == {
        "action": "scheduled",
        "connectorId": "c1",
        "timer": "r1",
        "scheduledAt": "<aws.scheduler.scheduled-time>",
    }


async def test_without_a_group_there_is_no_place_for_timers(clients: Clients) -> None:
    async def open_client() -> Any:
        return _NoGroup()

    for opened, place in ((clients.scheduler, None), (open_client, _place("removed"))):
        with pytest.raises(Misconfigured):
            await EventBridgeScheduler(opened, place).put(NIGHTLY)
    nowhere = EventBridgeScheduler(clients.scheduler, None)
    await nowhere.remove("c1")
    await nowhere.remove_one(NIGHTLY.name)
    assert await nowhere.connector_of(NIGHTLY.name) is None
    assert await nowhere.names() == frozenset()


class _NoGroup:
    """What the API answers whose group is missing; moto fails there."""

    async def create_schedule(self, **_: object) -> None:
        error = {"Code": "ResourceNotFoundException", "Message": "Schedule group does not exist."}
        raise ClientError({"Error": error}, "CreateSchedule")
