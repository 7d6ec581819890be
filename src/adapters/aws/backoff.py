"""Waiting between tries of a DynamoDB call that was not, or not wholly, carried out.

botocore retries a call that failed. What answers 200 and leaves something undone, or cancels a
transaction because of another one, it takes for an answer, so those tries are ours.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final

from ports.errors import Throttled

Sleep = Callable[[float], Awaitable[None]]

# Defaults of ours: about 11 s in the worst case, half of it on average, within what the API's
# function may take.
_WAIT_COUNT_MAX: Final = 10
_FIRST_WAIT_S: Final = 0.05
_WAIT_S_MAX: Final = 2.0


class Backoff:
    """The waits within one call: doubling up to a ceiling, with full jitter, finitely many."""

    def __init__(self, sleep: Sleep, *, operation: str, resource: str) -> None:
        self._sleep = sleep
        self._operation = operation
        self._resource = resource
        self._wait_count = 0

    async def wait(self, cause: str) -> None:
        """Return when the next try may be made.

        Raises:
            Throttled: there were enough tries without progress.
        """
        if self._wait_count == _WAIT_COUNT_MAX:
            raise Throttled(
                f"dynamodb {self._operation} on {self._resource}: {cause},"
                f" {self._wait_count + 1} times in a row",
                operation=self._operation,
                resource=self._resource,
                vendor_code=cause,
            )
        ceiling_s = min(_WAIT_S_MAX, _FIRST_WAIT_S * 2**self._wait_count)
        self._wait_count += 1
        await self._sleep(ceiling_s * random.random())  # noqa: S311  # jitter is no secret

    def progressed(self) -> None:
        """Note that the last try got on: the next wait is a short one again."""
        self._wait_count = 0
