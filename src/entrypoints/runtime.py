"""One event loop and one app per environment, kept warm between invocations.

A Lambda handler is a plain function. `asyncio.run` would close its loop after each invocation, and
break every client kept for the next one. So each environment keeps one `asyncio.Runner`, and
clients opened on its loop stay open. In Lambda a process is one environment; in the local runtime
each worker thread is one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

App = TypeVar("App")
Result = TypeVar("Result")

OpenApp = Callable[[], AbstractAsyncContextManager[App]]


@dataclass(slots=True)
class _Environment(Generic[App]):
    runner: asyncio.Runner
    stack: AsyncExitStack
    app: App


class Runtime(Generic[App]):
    """Runs coroutines of one function with its app; each calling thread is an environment."""

    def __init__(self, open_app: OpenApp[App]) -> None:
        self.open_app = open_app
        self._local = threading.local()

    def run(self, use: Callable[[App], Awaitable[Result]]) -> Result:
        """Return the result of `use` for the environment's app, which the first call opens."""
        environment = self._environment()

        async def main() -> Result:
            return await use(environment.app)

        return environment.runner.run(main())

    def close(self) -> None:
        """Close the calling thread's app, if it has one; the next call opens a new one."""
        environment: _Environment[App] | None = getattr(self._local, "environment", None)
        if environment is None:
            return
        self._local.environment = None
        with environment.runner:
            environment.runner.run(environment.stack.aclose())

    def _environment(self) -> _Environment[App]:
        environment: _Environment[App] | None = getattr(self._local, "environment", None)
        if environment is None:
            runner = asyncio.Runner()
            stack = AsyncExitStack()
            try:
                app = runner.run(stack.enter_async_context(self.open_app()))
            except BaseException:
                runner.close()
                raise
            environment = self._local.environment = _Environment(runner, stack, app)
        return environment
