"""Lambda's context, as far as the handlers read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """An invocation's context; the remaining time is constant."""

    remaining_s: float = 900
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.remaining_s * 1_000)
