"""Short lives of handlers, so that the leases that dead ones leave are over soon."""

import time
from collections.abc import Callable
from typing import Any

Handler = Callable[[Any, Any], Any]


class ShortLife:
    """A handler's context that gives it so many seconds, from when it first asks.

    The runtime itself is more patient: it would throw away an environment, whose clients are dear.
    """

    def __init__(self, context: Any, life_s: float) -> None:
        self.aws_request_id = context.aws_request_id
        self._life_s = life_s
        self._began: float | None = None

    def get_remaining_time_in_millis(self) -> int:
        now = time.monotonic()
        if self._began is None:
            self._began = now
        return max(0, int((self._began + self._life_s - now) * 1_000))


def short_lived(handler: Handler, life_s: float) -> Handler:
    """Return the handler with less time than its function has."""
    return lambda event, context: handler(event, ShortLife(context, life_s))
