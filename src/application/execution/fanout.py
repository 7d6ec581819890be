"""The one place where work is done concurrently: N workers over an iterator.

Never a task per object: with 200,000 of them a limiter inside the task bounds the calls but not
the tasks, and costs a gigabyte. And never more calls than the service takes: see AdaptiveLimit.
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
    """Call `work` for each item, `limit` at most at once; items are taken as workers get free.

    The first error of `work` or of the iterator cancels the rest and is raised: what a caller wants
    to survive, its `work` has to catch.
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
        raise _first_leaf(failed) from failed


def _first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_leaf(first) if isinstance(first, BaseExceptionGroup) else first


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
        # No await before the count goes down: a cancelled call must not keep its place.
        self._in_flight -= 1
        async with self._freed:
            self._freed.notify_all()
