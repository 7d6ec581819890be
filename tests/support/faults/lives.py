"""Short lifetimes of handlers, so that the leases of dead ones expire soon."""

import time
from collections.abc import Callable
from typing import Any

Handler = Callable[[Any, Any], Any]


class ShortLife:
    """A handler's context with this many seconds, from the first call on.

    The runtime's own timeout is longer, because it discards an environment with its costly clients.
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
