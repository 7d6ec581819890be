"""What the handlers need from Lambda's context."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from application.execution.deadline import Deadline
from ports.clock import Clock


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    @property
    def aws_request_id(self) -> str:
        """The invocation's id."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the runtime ends the invocation."""
        ...


def deadline_of(context: LambdaContext, clock: Clock) -> Deadline:
    """Return the time at which Lambda ends this invocation."""
    remaining = timedelta(milliseconds=context.get_remaining_time_in_millis())
    return Deadline(clock, clock.now() + remaining)
