"""Making use cases over the ports of one process.

There is one container for all processes: making one takes longer than a whole invocation. Its slots
ask for the ports of the process that is being served, and its singletons are reset before each.
"""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from types import SimpleNamespace
from typing import Any

from dependency_injector import providers
from simulator.process import Environment, GatedPort, ProcessClock, ProcessIds, SilentTelemetry

from application.policy import Policy
from domain.profile import Profile
from entrypoints.wiring.memory import MemoryPorts, use_cases

_PORTS = [field.name for field in fields(MemoryPorts)]
GATED = [name for name in _PORTS if name not in ("clock", "ids", "telemetry")]
"""The ports whose calls can fail."""

_making = SimpleNamespace(ports=None, policy=None, profile=None)


def _making_port(name: str) -> object:
    return getattr(_making.ports, name)


_CONTAINER = use_cases(
    SimpleNamespace(**{name: providers.Callable(partial(_making_port, name)) for name in _PORTS}),
    providers.Callable(lambda: _making.policy),  # type: ignore[arg-type]
    profile=providers.Callable(lambda: _making.profile),  # type: ignore[arg-type]
)
_SINGLETONS = [p for p in _CONTAINER.providers.values() if isinstance(p, providers.Singleton)]


def make(
    use_case: str, environment: Environment, shared: MemoryPorts, policy: Policy, profile: Profile
) -> Any:
    """Return a use case for an environment, over gates to the shared ports."""
    _making.ports = SimpleNamespace(
        clock=ProcessClock(environment),
        ids=ProcessIds(environment),
        telemetry=SilentTelemetry(),
        **{name: GatedPort(environment, name, getattr(shared, name)) for name in GATED},
    )
    _making.policy, _making.profile = policy, profile
    for singleton in _SINGLETONS:
        singleton.reset()
    return getattr(_CONTAINER, use_case)()
