"""An event loop without time, threads or sockets: it runs callbacks until none is ready.

asyncio's own loop waits for the outside world; here there is none. The driver of the simulation
calls `run_ready`, which returns as soon as every coroutine waits for a future that only the driver
can set. So the driver decides the order of all steps, and it is equal for equal seeds.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any

Callback = Callable[..., Any]


class StepLoop(asyncio.AbstractEventLoop):
    """The part of an event loop that tasks, futures, locks and task groups need."""

    def __init__(self) -> None:
        self._ready: deque[tuple[Context, Callback, tuple[Any, ...]]] = deque()
        self.errors: list[dict[str, Any]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop of this thread, so that tasks may be made.

        It is set for a whole run and not for each step, because setting it costs as much as a step.
        """
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(None)

    def run_ready(self) -> None:
        """Run callbacks until none is ready."""
        ready = self._ready
        while ready:
            context, callback, args = ready.popleft()
            try:
                context.run(callback, *args)
            except Exception as error:  # noqa: BLE001  # the driver judges it
                self.errors.append({"message": "a callback failed", "exception": error})

    def call_soon(  # type: ignore[override]  # no callback is cancelled here: no handle is made
        self, callback: Callback, *args: Any, context: Context | None = None
    ) -> None:
        self._ready.append((copy_context() if context is None else context, callback, args))

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, **options)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False
