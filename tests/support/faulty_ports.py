"""Ports that fail where a test requests it: each call of an adapter passes through here first."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from entrypoints.wiring.memory import MemoryPorts

# Ports without a service behind them: they cannot fail.
_OURS = frozenset({"clock", "ids", "telemetry"})


class Crash(BaseException):
    """The process is killed: no cleanup runs."""


Call = tuple[str, tuple[Any, ...]]
"""The port with the method, as `objects.head`, and the arguments that have no name."""


class Faults:
    """Records each call, and raises what `before` and `after` return for it.

    After: the call took effect, and its response is lost.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.before: Callable[[Call], Exception | None]
        self.after: Callable[[Call], Exception | None]
        self.stop()

    def stop(self) -> None:
        """Inject no more faults."""
        self.before = self.after = lambda _: None

    def begin(self, call: Call) -> None:
        """Record a call; it may fail here."""
        self.calls.append(call)
        self._raise(self.before(call))

    def end(self, call: Call) -> None:
        """Return a call's response, or fail."""
        self._raise(self.after(call))

    @staticmethod
    def _raise(error: Exception | None) -> None:
        if error is not None:
            raise error


def faulty(ports: MemoryPorts, faults: Faults) -> SimpleNamespace:
    """Return the same ports, with faults."""
    return SimpleNamespace(
        **{
            name: getattr(ports, name)
            if name in _OURS
            else _Port(name, getattr(ports, name), faults)
            for name in (field.name for field in fields(MemoryPorts))
        }
    )


class _Port:
    def __init__(self, name: str, port: Any, faults: Faults) -> None:
        self._name, self._port, self._faults = name, port, faults

    def __getattr__(self, attribute: str) -> Any:
        method = getattr(self._port, attribute)
        name, faults = f"{self._name}.{attribute}", self._faults

        async def call(*arguments: Any, **named: Any) -> Any:
            faults.begin((name, arguments))
            answer = await method(*arguments, **named)
            faults.end((name, arguments))
            return answer

        async def each(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
            faults.begin((name, arguments))
            async for item in method(*arguments, **named):
                yield item
                faults.begin((name, arguments))

        if inspect.isasyncgenfunction(method):
            return each
        return call if inspect.iscoroutinefunction(method) else method
