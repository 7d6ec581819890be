"""SDK clients of the emulated services, for the parts of AWS that run in this process.

The service's own code creates its own clients. These are for event source mappings, provisioning
and the asset system.
"""

import functools
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Literal, Self, overload

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_events import EventBridgeClient
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_scheduler import EventBridgeSchedulerClient
    from types_aiobotocore_sns import SNSClient
    from types_aiobotocore_sqs import SQSClient

ACCESS_KEY_ID: Final = "test"
# The emulator checks no signature; the SDK only needs something to sign with.
SECRET_ACCESS_KEY: Final = "test"  # noqa: S105


# (name in a configuration file, environment variables, default, conversion): the user's profile and
# endpoints must not apply to emulated services.
_NO_USER_SETTINGS: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@functools.cache
def _session() -> AioSession:
    # Shared, because it caches the service models, which take a tenth of a second each to load.
    return get_session(_NO_USER_SETTINGS)


class EmulatorClients:
    """Opens clients once and closes them together.

    Example:
        async with EmulatorClients(emulator.endpoint_url, region="us-east-1") as clients:
            sqs = await clients.open("sqs")
    """

    def __init__(self, endpoint_url: str, *, region: str, connection_count_max: int = 32) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._config = AioConfig(
            max_pool_connections=connection_count_max,
            retries={"total_max_attempts": 2, "mode": "standard"},
        )
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @overload
    async def open(self, service: Literal["s3"]) -> "S3Client": ...
    @overload
    async def open(self, service: Literal["dynamodb"]) -> "DynamoDBClient": ...
    @overload
    async def open(self, service: Literal["sqs"]) -> "SQSClient": ...
    @overload
    async def open(self, service: Literal["sns"]) -> "SNSClient": ...
    @overload
    async def open(self, service: Literal["events"]) -> "EventBridgeClient": ...
    @overload
    async def open(self, service: Literal["scheduler"]) -> "EventBridgeSchedulerClient": ...

    async def open(self, service: Any) -> Any:
        """A client of `service`, closed with all others."""
        return await self._stack.enter_async_context(self.create(service))

    def create(self, service: Any) -> Any:
        """A client as an asynchronous context manager that the caller enters."""
        return _session().create_client(
            service,
            region_name=self._region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=self._config,
        )
