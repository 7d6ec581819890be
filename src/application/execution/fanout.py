"""The one place for concurrent work: N workers over an iterator.

There is no task for each object: with 200,000 objects, a limiter inside the task would bound the
calls but not the tasks, which take a gigabyte. `AdaptiveLimit` bounds the calls in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import TypeVar

from ports.errors import Throttled

Item = TypeVar("Item")


async def fan_out(
    items: Iterable[Item] | AsyncIterator[Item],
    work: Callable[[Item], Awaitable[None]],
    *,
    limit: int,
) -> None:
    """Call `work` for each item, at most `limit` at once; a free worker takes the next item.

    The first error of `work` or of the iterator cancels the rest and is raised: `work` must catch
    the errors that must not stop the other items.
    """
    source = items if isinstance(items, AsyncIterator) else _as_async(items)
    turn = asyncio.Lock()

    async def worker() -> None:
        while True:
            async with turn:
                try:
                    item = await anext(source)
                except StopAsyncIteration:
                    return
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(limit):
                group.create_task(worker())
    except BaseExceptionGroup as failed:
        raise _first_exception(failed) from failed


def _first_exception(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_exception(first) if isinstance(first, BaseExceptionGroup) else first


async def _as_async(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


class AdaptiveLimit:
    """Bounds the calls in flight, and lowers the bound when the service throttles.

    Use it around each call: `async with limit: ...`. A call that ends in Throttled halves the
    bound (1 at least); each that succeeds raises it by one over itself, so by about one per round
    of calls, up to `maximum`.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._bound = float(maximum)
        self._in_flight = 0
        self._freed = asyncio.Condition()

    @property
    def bound(self) -> int:
        """Calls that may be in flight now."""
        return int(self._bound)

    async def __aenter__(self) -> None:
        async with self._freed:
            await self._freed.wait_for(lambda: self._in_flight < self.bound)
            self._in_flight += 1

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Throttled):
            self._bound = max(1.0, self._bound / 2)
        elif error is None:
            self._bound = min(float(self._maximum), self._bound + 1 / self._bound)
        # No await before the count decreases: a cancelled call must not keep its slot.
        self._in_flight -= 1
        async with self._freed:
            self._freed.notify_all()
