"""What can be set on the local stack, what it reports, and what it takes from outside."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from adapters.local_aws.asset_system.behaviours import AssetSystem
from adapters.local_aws.asset_system.medialake.values import IngestSettings
from adapters.local_aws.asset_system.reference_system import IngestCounts
from adapters.local_aws.lambda_service.invocation import DroppedEvent, InvocationResult

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client


class BatchOperationsServer(Protocol):
    """An emulator of S3 Batch Operations."""

    async def start(self, host: str, port: int) -> str:
        """Listen on loopback; the endpoint URL is returned."""
        ...

    async def stop(self) -> None:
        """Stop listening and give up running jobs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOperationsParts:
    """What an emulator of S3 Batch Operations needs of the rest.

    Attributes:
        open_s3: A new S3 client as a context manager.
        invoke: Runs a function by name or ARN and waits; raises `Refused` if it cannot be run.
        publish: Puts an event on the default bus.
    """

    open_s3: "Callable[[], AbstractAsyncContextManager[S3Client]]"
    invoke: Callable[[str, bytes], Awaitable[InvocationResult]]
    publish: Callable[[Mapping[str, Any]], Awaitable[None]]


BatchOperationsFactory = Callable[[BatchOperationsParts], BatchOperationsServer]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """How the laptop differs from AWS; ports of 0 are free ones.

    Attributes:
        concurrency: Environments per function, by the handler's name.
        timeouts_s: Other timeouts than the deployment's, by the handler's name.
        retry_delays_s: Waits before the further tries of an asynchronous invocation.
        retry_visibility_s: After how long a failed message comes again.
        sweep_interval_s: Time between two sweeps.
        asset_system: How the Asset Management System behaves.
        ingest: What it takes where it behaves as Media Lake.
        watches_connectors: Whether the system hears of what happens in the bucket of each connector
            that is registered over the HTTP API; otherwise a bucket has to be given to `watch`.
    """

    http_api_port: int = 0
    cloud_port: int = 0
    lambda_port: int = 0
    batch_operations_port: int = 0
    concurrency: Mapping[str, int] = field(
        default_factory=lambda: {"api": 4, "engine": 2, "processor": 4}
    )
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    retry_delays_s: tuple[float, ...] = (1, 2)
    retry_visibility_s: int = 1
    sweep_interval_s: float = 15
    asset_system: AssetSystem = AssetSystem.MEDIALAKE
    ingest: IngestSettings = field(default_factory=IngestSettings)
    watches_connectors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StackStatus:
    """What is going on, for a demonstration or a test.

    Attributes:
        queue_depths: Messages per queue, waiting or being handled.
        invocation_counts: Runs per function so far, retries included.
        dropped: Events that failed for good.
        ingested: What the asset system did.
    """

    queue_depths: Mapping[str, int]
    invocation_counts: Mapping[str, int]
    dropped: tuple[DroppedEvent, ...]
    ingested: IngestCounts
    is_busy: bool
