"""Waits between tries of a DynamoDB call that was not, or not completely, executed.

botocore retries failed calls. A response with status 200 that leaves something unprocessed, and a
transaction that was cancelled because of another one, are not failures to botocore, so these are
retried here.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final

from ports.errors import Throttled

Sleep = Callable[[float], Awaitable[None]]

# Defaults of this service: about 11 s in the worst case, half of it on average, within the timeout
# of the API's function.
_WAIT_COUNT_MAX: Final = 10
_FIRST_WAIT_S: Final = 0.05
_WAIT_S_MAX: Final = 2.0


class Backoff:
    """The waits within one call: exponential with full jitter, limited in length and number."""

    def __init__(self, sleep: Sleep, *, operation: str, resource: str) -> None:
        self._sleep = sleep
        self._operation = operation
        self._resource = resource
        self._wait_count = 0

    async def wait(self, cause: str) -> None:
        """Wait until the next try may be made.

        Raises:
            Throttled: There were too many tries without progress.
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
        await self._sleep(ceiling_s * random.random())  # noqa: S311  # jitter is not a secret

    def progressed(self) -> None:
        """Record that the last try made progress: the next wait is a short one again."""
        self._wait_count = 0
