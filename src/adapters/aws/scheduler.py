"""Timers as schedules of EventBridge Scheduler, in one group.

A schedule's name has the connector and the revision of its times, so a schedule is created and
deleted and never updated, and a list of names shows which timers run.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import optional, required
from domain.schedule_runs import Timer, name_prefix
from ports.errors import Conflict, Misconfigured, NotFound
from ports.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from types_aiobotocore_scheduler.client import EventBridgeSchedulerClient

SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""Replaced with the time (EventBridge Scheduler User Guide, "Adding context attributes")."""

# The same, "RetryPolicy": from 60 to 86,400 s, and up to 185 retries. After an hour the run counts
# as missed, and the next one covers what it would have.
_EVENT_AGE_S: Final = 3_600
_RETRY_COUNT: Final = 185

_PAGE_COUNT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePlace:
    """Where schedules are created: the group, and what they invoke in which role.

    `dead_letter_queue_arn` gets what could not be delivered.
    """

    group_name: str
    function_arn: str
    role_arn: str
    dead_letter_queue_arn: str


class EventBridgeScheduler:
    """Creates and deletes schedules; without a `place`, there are none."""

    def __init__(
        self,
        open_client: Callable[[], Awaitable[EventBridgeSchedulerClient]],
        place: SchedulePlace | None,
    ) -> None:
        self._open_client = open_client
        self._place = place

    async def put(self, timer: Timer) -> None:
        place = self._place
        if place is None:
            raise Misconfigured(
                "this installation has no schedule group (SCHEDULE_GROUP_NAME is not set); deploy"
                " it again",
                operation="CreateSchedule",
            )
        name = timer.name
        resource = f"schedule/{place.group_name}/{name}"
        client = await self._open_client()
        try:
            with map_aws_errors("scheduler", operation="CreateSchedule", resource=resource):
                await client.create_schedule(**_request(place, timer, name))
        except Conflict:
            # One of this name has these times.
            pass
        except NotFound as error:
            raise error.converted_to(Misconfigured) from error
        await self._delete(timer.connector_id, all_but=name)

    async def remove(self, connector_id: str) -> None:
        await self._delete(connector_id)

    async def names(self) -> frozenset[str]:
        return frozenset([name async for name in self._names()])

    async def connector_of(self, name: str) -> str | None:
        place = self._place
        if place is None:
            return None
        client = await self._open_client()
        resource = f"schedule/{place.group_name}/{name}"
        try:
            with map_aws_errors("scheduler", operation="GetSchedule", resource=resource):
                answer = await client.get_schedule(GroupName=place.group_name, Name=name)
                target = required(answer, "Target", of=dict)
                text = optional(target, "Input")
        except NotFound:
            return None
        return _connector_in(text, name)

    async def remove_one(self, name: str) -> None:
        place = self._place
        if place is None:
            return
        client = await self._open_client()
        resource = f"schedule/{place.group_name}/{name}"
        try:
            with map_aws_errors("scheduler", operation="DeleteSchedule", resource=resource):
                await client.delete_schedule(GroupName=place.group_name, Name=name)
        except NotFound:
            return

    async def _delete(self, connector_id: str, *, all_but: str | None = None) -> None:
        names = [name async for name in self._names(name_prefix(connector_id)) if name != all_but]
        for name in names:
            await self.remove_one(name)

    async def _names(self, prefix: str | None = None) -> AsyncIterator[str]:
        place = self._place
        if place is None:
            return
        client = await self._open_client()
        request: dict[str, Any] = {"GroupName": place.group_name, "MaxResults": _PAGE_COUNT}
        if prefix is not None:
            request["NamePrefix"] = prefix
        resource = f"schedule-group/{place.group_name}"
        while True:
            with map_aws_errors("scheduler", operation="ListSchedules", resource=resource):
                page = await client.list_schedules(**request)
                names = [required(each, "Name") for each in required(page, "Schedules", of=list)]
                token = optional(page, "NextToken")
            for name in names:
                yield name
            if token is None:
                return
            request["NextToken"] = token


def _connector_in(text: str | None, name: str) -> str | None:
    """Return the connector of an event; None if no schedule of this name would send it."""
    try:
        event = json.loads(text or "")
        connector_id, revision = event["connectorId"], event["timer"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(connector_id, str) or f"{name_prefix(connector_id)}{revision}" != name:
        return None
    return connector_id


def _request(place: SchedulePlace, timer: Timer, name: str) -> dict[str, Any]:
    event = {
        "action": "scheduled",
        "connectorId": timer.connector_id,
        "timer": timer.revision,
        "scheduledAt": SCHEDULED_TIME,
    }
    window: dict[str, str | int] = {"Mode": "OFF"}
    if timer.jitter_minutes:
        window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": timer.jitter_minutes}
    request: dict[str, Any] = {
        "Name": name,
        "GroupName": place.group_name,
        "Description": f"Syncs of connector {timer.connector_id}",
        "ScheduleExpression": timer.expression,
        "ScheduleExpressionTimezone": timer.time_zone,
        "FlexibleTimeWindow": window,
        "Target": {
            "Arn": place.function_arn,
            "RoleArn": place.role_arn,
            "Input": json.dumps(event),
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": _EVENT_AGE_S,
                "MaximumRetryAttempts": _RETRY_COUNT,
            },
            "DeadLetterConfig": {"Arn": place.dead_letter_queue_arn},
        },
    }
    if timer.starts_at is not None:
        # Without it, a rate begins at its creation.
        request["StartDate"] = timer.starts_at
    return request


_: type[Scheduler] = EventBridgeScheduler
