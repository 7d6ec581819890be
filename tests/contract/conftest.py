"""The two implementations in every suite: `memory`, and `aws` against an emulated cloud over HTTP.

The cloud is `adapters.local_aws.aws_emulator` in a separate process: moto with patches where the
service depends on what moto gets wrong. One process serves the whole session, so each test creates
its own bucket or queue.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.memory.system import ManualClock

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def cloud_url() -> Iterator[str]:
    """The endpoint of an emulated S3, DynamoDB, SQS, SNS and EventBridge."""
    process = subprocess.Popen(
        [sys.executable, "-m", "adapters.local_aws.aws_emulator.server", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the cloud did not start; see its standard error"
        yield f"http://127.0.0.1:{json.loads(line)['port']}"
        # The process ends with its standard input.
        process.stdin.close()


def point_sdk_at(endpoint_url: str, environment: pytest.MonkeyPatch) -> None:
    """Set the SDK's own variables, so that it uses this endpoint and no real account."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            environment.delenv(name)
    environment.setenv("AWS_ENDPOINT_URL", endpoint_url)
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
    environment.setenv("AWS_CONFIG_FILE", os.devnull)
    environment.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clients(cloud_url: str) -> AsyncIterator[Clients]:
    """The service's own clients, against the emulated cloud.

    One set for the session, because making a client takes longer than most tests: a suite that uses
    it runs on the session's loop. The environment is read when a client is made, and only then.
    """
    async with open_clients(ClientSettings(attempt_count_max=1)) as opened:
        with pytest.MonkeyPatch.context() as environment:
            point_sdk_at(cloud_url, environment)
            await opened.s3()
            await opened.dynamodb()
            await opened.sqs()
            await opened.cloudwatch()
            await opened.sns()
            await opened.events()
            await opened.scheduler()
        yield opened


@pytest.fixture
def cloud_environment(cloud_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's environment, for a test that opens clients of its own."""
    point_sdk_at(cloud_url, monkeypatch)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def unique_name() -> str:
    """A name that no other test has used."""
    return f"test-{uuid.uuid4().hex[:16]}"
