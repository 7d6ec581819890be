"""The use cases of all functions in one container, for a service in one process.

Ports are `Dependency` slots. `entrypoints.wiring.ports` fills them from typed values, one for each
function; a use case that needs an empty slot cannot be created. An app takes its use cases when it
opens, so that is found at the start. All providers are synchronous: clients are opened before the
container is created.
"""

from __future__ import annotations

from entrypoints.wiring.api_app import ApiUseCases
from entrypoints.wiring.engine_app import EngineUseCases
from entrypoints.wiring.processor_app import ProcessorUseCases


class UseCases(ApiUseCases, EngineUseCases, ProcessorUseCases):
    """Every use case, created once per container, from the ports in its slots."""
