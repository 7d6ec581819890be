"""Making use cases over the ports of one process.

There is one container for all processes: making one takes longer than a whole invocation. Its slots
ask for the ports of the process that is being served, and its singletons are reset before each.
"""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from dependency_injector import providers
from simulator.process import (
    Environment,
    GatedPort,
    Process,
    ProcessClock,
    ProcessIds,
    SilentTelemetry,
)

from application.execution.tuning import Tuning
from domain.profile import Profile
from entrypoints.wiring.memory import MemoryPorts, use_cases

if TYPE_CHECKING:
    from simulator.simulation import Simulation

_PORTS = [field.name for field in fields(MemoryPorts)]
GATED = [name for name in _PORTS if name not in ("clock", "ids", "telemetry")]
"""The ports whose calls can fail."""

_making = SimpleNamespace(ports=None, tuning=None, profile=None)


def _making_port(name: str) -> object:
    return getattr(_making.ports, name)


_CONTAINER = use_cases(
    SimpleNamespace(**{name: providers.Callable(partial(_making_port, name)) for name in _PORTS}),
    providers.Callable(lambda: _making.tuning),  # type: ignore[arg-type]
    profile=providers.Callable(lambda: _making.profile),  # type: ignore[arg-type]
)
_SINGLETONS = [p for p in _CONTAINER.providers.values() if isinstance(p, providers.Singleton)]


def make(
    use_case: str, environment: Environment, shared: MemoryPorts, tuning: Tuning, profile: Profile
) -> Any:
    """Return a use case for an environment, over gates to the shared ports."""
    _making.ports = SimpleNamespace(
        clock=ProcessClock(environment),
        ids=ProcessIds(environment),
        telemetry=SilentTelemetry(),
        **{name: GatedPort(environment, name, getattr(shared, name)) for name in GATED},
    )
    _making.tuning, _making.profile = tuning, profile
    for singleton in _SINGLETONS:
        singleton.reset()
    return getattr(_CONTAINER, use_case)()


class Environments:
    """Those of one run that are kept warm, by use case."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._warm: dict[str, list[Environment]] = {}

    def take(self, process: Process, use_case: str) -> Environment:
        """Return a warm environment for a process, or make one."""
        warm = self._warm.get(use_case)
        if warm:
            environment = warm.pop()
            environment.process = process
            return environment
        environment = Environment(process)
        ports, profile = self._sim.world.ports, self._sim.services.system.profile
        environment.use_case = make(use_case, environment, ports, self._sim.tuning, profile)
        return environment

    def give_back(self, use_case: str, environment: Environment) -> None:
        """Keep an environment whose process did not crash."""
        self._warm.setdefault(use_case, []).append(environment)
