"""EventBridge Scheduler's runs: it invokes the targets of the schedules that moto stores.

moto keeps schedules and never runs them. This looks for those of a group at an interval, and
invokes a schedule's function for the latest of its times that have come since the last look. Of
several, which is more than one only if the machine slept, the others are missed: AWS would retry
each for an hour.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from adapters.local_aws.event_bridge.rules import Submit
from adapters.local_aws.lambda_service.invocation import InvocationRejected
from domain.schedule_times import next_time, parse_expression, zone_of

if TYPE_CHECKING:
    from types_aiobotocore_scheduler import EventBridgeSchedulerClient

logger: Final = logging.getLogger(__name__)

_PAGE_COUNT: Final = 100
# EventBridge Scheduler User Guide, "Adding context attributes": replaced with the time.
_SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"


@dataclass(slots=True)
class _Known:
    """A schedule, until when its times were looked for, and a run that waits for its jitter."""

    schedule: Any
    looked_until: datetime
    due_at: datetime | None = None
    scheduled_at: datetime | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class SchedulerRuns:
    """Runs the schedules of one group."""

    def __init__(
        self,
        client: "EventBridgeSchedulerClient",
        group_name: str,
        submit: Submit,
        *,
        interval_s: float,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._client = client
        self._group_name = group_name
        self._submit = submit
        self._interval_s = interval_s
        self._now = now
        self._known: dict[str, _Known] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to look for schedules."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> None:
        """Read the schedules, and invoke those whose time has come."""
        now = self._now()
        names = await self._names()
        for name in self._known.keys() - names:
            del self._known[name]
        for name in sorted(names - self._known.keys()):
            schedule: Any = await self._client.get_schedule(GroupName=self._group_name, Name=name)
            self._known[name] = _Known(schedule, looked_until=schedule["CreationDate"])
        for known in self._known.values():
            self._look_at(known, now)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.look()
            except (BotoCoreError, ClientError) as error:
                # One that was deleted between the list and the read; or the emulator is busy.
                logger.warning("the schedules were not read: %s", error)

    async def _names(self) -> set[str]:
        names: set[str] = set()
        request: dict[str, Any] = {"GroupName": self._group_name, "MaxResults": _PAGE_COUNT}
        while True:
            page = await self._client.list_schedules(**request)
            names |= {each["Name"] for each in page["Schedules"]}
            if not page.get("NextToken"):
                return names
            request["NextToken"] = page["NextToken"]

    def _look_at(self, known: _Known, now: datetime) -> None:
        latest = self._latest(known, now)
        known.looked_until = now
        if latest is not None:
            window = known.schedule["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0)
            wait = timedelta(minutes=random.uniform(0, window))  # noqa: S311 - spreads load
            known.scheduled_at, known.due_at = latest, latest + wait
        if known.due_at is not None and known.due_at <= now:
            known.due_at = None
            self._invoke(known)

    def _latest(self, known: _Known, now: datetime) -> datetime | None:
        """Return the latest time that has come since the last look, None if there is none."""
        schedule, latest = known.schedule, None
        expression = parse_expression(schedule["ScheduleExpression"])
        zone = zone_of(schedule["ScheduleExpressionTimezone"]) or UTC
        created = schedule["CreationDate"]
        first = schedule.get("StartDate") or created
        after = known.looked_until
        if after < first <= now and schedule["ScheduleExpression"].startswith("rate"):
            latest = after = first
        while (at := next_time(expression, zone, since=first, after=after)) is not None:
            if at > now:
                break
            latest = after = at
        return latest

    def _invoke(self, known: _Known) -> None:
        target = known.schedule["Target"]
        assert known.scheduled_at is not None  # noqa: S101 - it is set with `due_at`
        time = known.scheduled_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            payload = target["Input"].replace(_SCHEDULED_TIME, time)
            self._submit(target["Arn"], payload.encode())
        except InvocationRejected as rejected:
            logger.warning("schedule %s: %s", known.schedule["Name"], rejected)
