"""One emulated cloud and one event loop for the folder; tests use unique buckets and keys."""

import asyncio
import os
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.aws.clients import ClientSettings, open_clients
from adapters.local_aws.aws_emulator.process import EmulatorProcess
from adapters.memory.system import ManualClock

sys.path.insert(0, str(Path(__file__).parent / "support"))

from safety_worlds import CloudWorld, MemoryWorld  # of this folder

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """Runs a coroutine on the folder's one loop: Hypothesis calls plain functions."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def cloud(run: Run) -> Iterator[CloudWorld]:
    stack = AsyncExitStack()

    async def open_world() -> CloudWorld:
        process = await stack.enter_async_context(EmulatorProcess())
        with pytest.MonkeyPatch.context() as environment:
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                environment.delenv(name)
            environment.setenv("AWS_ENDPOINT_URL", process.endpoint_url)
            environment.setenv("AWS_ACCESS_KEY_ID", "test")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
            environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
            environment.setenv("AWS_CONFIG_FILE", os.devnull)
            environment.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
            environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
            clients = await stack.enter_async_context(
                open_clients(ClientSettings(attempt_count_max=1))
            )
            world = CloudWorld(await clients.s3(), uuid.uuid4().hex[:8])
        await world.open()
        return world

    yield run(open_world())
    run(stack.aclose())


@pytest.fixture
def memory() -> MemoryWorld:
    return MemoryWorld(ManualClock(datetime(2026, 1, 31, 12, tzinfo=UTC)))
