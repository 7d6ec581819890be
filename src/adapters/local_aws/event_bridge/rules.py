"""The default event bus with rules that invoke functions, and schedules.

Both invoke a function asynchronously: a rule with the event, a schedule with a constant input. The
Lambda service retries a function that fails. EventBridge itself retries only if a target cannot be
reached, which cannot happen within one process.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.aws.resources import RuleSpec, ScheduleSpec
from adapters.local_aws.event_bridge.event_patterns import matches
from adapters.local_aws.lambda_service.invocation import InvocationRejected

logger: Final = logging.getLogger(__name__)

Submit = Callable[[str, bytes], str]


class DefaultEventBus:
    """Invokes, for each event, the function of every matching rule."""

    def __init__(self, rules: tuple[RuleSpec, ...], submit: Submit) -> None:
        self._rules = rules
        self._submit = submit
        self.published_count = 0

    async def publish(self, event: Mapping[str, Any]) -> None:
        """Publish one event, in the format that a target receives (`detail-type`, `source`, …)."""
        self.published_count += 1
        for rule in self._rules:
            if rule.function is None or not matches(rule.pattern, event):
                continue
            try:
                self._submit(rule.function, json.dumps(event).encode())
            except InvocationRejected as rejected:
                logger.warning("rule %s cannot invoke its target: %s", rule.name, rejected)


class Schedule:
    """Invokes a function with a constant input at an interval, first after one interval."""

    def __init__(
        self, spec: ScheduleSpec, submit: Submit, *, interval_s: float | None = None
    ) -> None:
        self._spec = spec
        self._submit = submit
        self._interval_s = spec.interval_s if interval_s is None else interval_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the schedule."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop the schedule."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def fire(self) -> str:
        """Invoke the function now; returns the request id."""
        return self._submit(self._spec.function, json.dumps(dict(self._spec.input)).encode())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            self.fire()
