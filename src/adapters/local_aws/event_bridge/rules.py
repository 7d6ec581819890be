"""The default event bus, as far as its rules invoke functions, and the schedule.

Both invoke asynchronously with the event, or with a constant input, as their input. A function
that fails is retried by the Lambda service, not here: EventBridge's own retries are for a target
that cannot be reached, which cannot happen in one process.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.aws.resources import RuleSpec, ScheduleSpec
from adapters.local_aws.event_bridge.event_patterns import matches
from adapters.local_aws.lambda_service.invocation import Refused

logger: Final = logging.getLogger(__name__)

Submit = Callable[[str, bytes], str]


class DefaultBus:
    """Hands each event to the function of every rule that it matches."""

    def __init__(self, rules: tuple[RuleSpec, ...], submit: Submit) -> None:
        self._rules = rules
        self._submit = submit
        self.published_count = 0

    async def publish(self, event: Mapping[str, Any]) -> None:
        """Accept one event in the form that a target gets (`detail-type`, `source`, `detail`)."""
        self.published_count += 1
        for rule in self._rules:
            if rule.function is None or not matches(rule.pattern, event):
                continue
            try:
                self._submit(rule.function, json.dumps(event).encode())
            except Refused as refused:
                logger.warning("rule %s cannot invoke its target: %s", rule.name, refused)


class Schedule:
    """Invokes a function with a constant input, every interval; first after one interval."""

    def __init__(
        self, shape: ScheduleSpec, submit: Submit, *, interval_s: float | None = None
    ) -> None:
        self._shape = shape
        self._submit = submit
        self._interval_s = shape.interval_s if interval_s is None else interval_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to count."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Fire no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def fire(self) -> str:
        """Invoke now, whatever the interval; the request id is returned."""
        return self._submit(self._shape.function, json.dumps(dict(self._shape.input)).encode())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            self.fire()
