"""One emulated cloud for the whole folder; tests use unique names for their resources."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import boto3
import pytest
import pytest_asyncio
from botocore.config import Config

from adapters.local_aws.aws_emulator.clients import EmulatorClients
from adapters.local_aws.aws_emulator.process import EmulatorProcess
from adapters.local_aws.lambda_service.invocation import REGION


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cloud_url() -> AsyncIterator[str]:
    async with EmulatorProcess() as cloud:
        yield cloud.endpoint_url


@pytest.fixture
async def clients(cloud_url: str) -> AsyncIterator[EmulatorClients]:
    async with EmulatorClients(cloud_url, region=REGION) as clients:
        yield clients


@pytest.fixture
def unique() -> Callable[[str], str]:
    suffix = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{suffix}"


@pytest.fixture
def sdk() -> Callable[[str, str], Any]:
    """An unmodified, synchronous boto3 client of a service at an endpoint."""

    def make(service: str, endpoint_url: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait until a condition holds, for a few seconds at most, with frequent checks."""

    async def wait(condition: Callable[[], bool], *, timeout_s: float = 10) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110  # conditions of any kind have no event
                await asyncio.sleep(0.01)

    return wait
