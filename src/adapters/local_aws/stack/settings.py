"""Settings and status of the local stack, and the interface of its S3 Batch Operations emulator."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from adapters.local_aws.asset_system.behaviours import AssetSystem
from adapters.local_aws.asset_system.medialake.values import IngestSettings
from adapters.local_aws.asset_system.reference_system import IngestCounts
from adapters.local_aws.lambda_service.invocation import DroppedEvent, InvocationResult
from adapters.local_aws.loopback.http_listener import LOOPBACK

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client


class BatchOperationsServer(Protocol):
    """An emulator of S3 Batch Operations."""

    async def start(self, host: str, port: int) -> str:
        """Listen on loopback; returns the endpoint URL."""
        ...

    async def stop(self) -> None:
        """Stop listening and abandon running jobs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOperationsParts:
    """What an emulator of S3 Batch Operations needs of the stack.

    Attributes:
        open_s3: A new S3 client as a context manager.
        invoke: Runs a function by name or ARN and waits for its result; raises
            `InvocationRejected` if it cannot be run.
        publish: Publishes an event to the default bus.
    """

    open_s3: "Callable[[], AbstractAsyncContextManager[S3Client]]"
    invoke: Callable[[str, bytes], Awaitable[InvocationResult]]
    publish: Callable[[Mapping[str, Any]], Awaitable[None]]


BatchOperationsFactory = Callable[[BatchOperationsParts], BatchOperationsServer]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """How the local stack differs from AWS; port 0 is any free port.

    Attributes:
        http_api_host: Address on which the HTTP API listens; it must include loopback.
        concurrency: Execution environments per function, by handler name.
        timeouts_s: Timeouts that differ from the deployment's, by handler name.
        retry_delays_s: Waits before the retries of an asynchronous invocation.
        retry_visibility_s: Seconds until a failed message is redelivered.
        sweep_interval_s: Time between two sweeps.
        schedule_interval_s: Time between two looks for schedules whose time has come.
        asset_system: How the Asset Management System behaves.
        ingest: Its settings if it behaves as Media Lake.
        subscribes_to_connectors: Whether the system subscribes to the bucket of each connector that
            is registered over the HTTP API; otherwise call `subscribe` for each bucket.
        metrics: Returns the metrics in Prometheus's text format; the HTTP API serves them.
    """

    http_api_host: str = LOOPBACK
    http_api_port: int = 0
    emulator_port: int = 0
    lambda_port: int = 0
    batch_operations_port: int = 0
    concurrency: Mapping[str, int] = field(
        default_factory=lambda: {"api": 4, "engine": 2, "processor": 4}
    )
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    retry_delays_s: tuple[float, ...] = (1, 2)
    retry_visibility_s: int = 1
    sweep_interval_s: float = 15
    schedule_interval_s: float = 5
    asset_system: AssetSystem = AssetSystem.MEDIALAKE
    ingest: IngestSettings = field(default_factory=IngestSettings)
    subscribes_to_connectors: bool = False
    metrics: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """The activity of the stack, for the demo and tests.

    Attributes:
        queue_depths: Messages per queue, waiting or in progress.
        invocation_counts: Invocations per function so far, including retries.
        dropped: Events whose asynchronous invocations failed.
        ingested: What the asset system has done.
    """

    queue_depths: Mapping[str, int]
    invocation_counts: Mapping[str, int]
    dropped: tuple[DroppedEvent, ...]
    ingested: IngestCounts
    is_busy: bool
