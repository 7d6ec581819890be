"""The local service: the same handlers and AWS adapters, with emulated AWS services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.local_aws.api_gateway.http_api import METRICS_PATH
from adapters.local_aws.asset_system.takes_everything import IngestSource
from adapters.local_aws.loopback.http_listener import LOOPBACK
from adapters.local_aws.stack.batch_operations_bridge import batch_operations_emulator
from adapters.local_aws.stack.local_stack import LocalStack
from adapters.local_aws.stack.settings import StackSettings

Handler = Callable[[Any, Any], Any]

__all__ = ["LOOPBACK", "METRICS_PATH", "IngestSource", "LocalStack", "StackSettings", "local_stack"]


def local_stack(
    handlers: Mapping[str, Handler],
    settings: StackSettings,
    *,
    on_environment_shutdown: Callable[[], None],
) -> LocalStack:
    """Return the local stack with S3 Batch Operations; entering it starts everything."""
    return LocalStack(
        handlers,
        settings=settings,
        batch_operations=batch_operations_emulator,
        on_environment_shutdown=on_environment_shutdown,
    )
