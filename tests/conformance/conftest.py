"""The endpoint on which the facts are checked: the local cloud, or the named one.

`--endpoint` or ASSET_SYNC_CONFORMANCE_ENDPOINT: a URL, or `aws` for the account of the environment.
`--server` or ASSET_SYNC_CONFORMANCE_SERVER: whose differences are expected (see `DIFFERENCES`).
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from adapters.local_aws.aws_emulator.process import EmulatorProcess

sys.path.insert(0, str(Path(__file__).parent / "support"))

pytest.register_assert_rewrite("s3_facts")

from s3_facts import AWS, LOCAL, Bench  # noqa: E402  # so that its assertions explain themselves

_ENVIRONMENT = "ASSET_SYNC_CONFORMANCE_"


def pytest_addoption(parser: pytest.Parser) -> None:
    # Known only if this folder is named on the command line; the variables always are.
    parser.addoption("--endpoint", help="URL of a server that speaks S3's API, or `aws`")
    parser.addoption("--server", help="whose differences are expected: local, seaweedfs, aws")


def _option(config: pytest.Config, name: str) -> str | None:
    value = config.getoption(f"--{name}", default=None)
    return str(value) if value else os.environ.get(_ENVIRONMENT + name.upper()) or None


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> str:
    named = _option(pytestconfig, "endpoint")
    default = LOCAL if named is None else AWS
    return _option(pytestconfig, "server") or default


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config) -> Iterator[Bench]:
    named = _option(pytestconfig, "endpoint")
    if named is not None:
        yield from _at(None if named == "aws" else named)
        return
    with asyncio.Runner() as runner:
        process = EmulatorProcess()
        runner.run(process.start())
        yield from _at(process.endpoint_url)
        runner.run(process.stop())


def _at(endpoint_url: str | None) -> Iterator[Bench]:
    more: dict[str, Any] = {}
    if endpoint_url is not None:
        more = {
            "endpoint_url": endpoint_url,
            "region_name": os.environ.get("AWS_REGION", "us-east-1"),
            "aws_access_key_id": os.environ.get("AWS_ACCESS_KEY_ID", "test"),
            "aws_secret_access_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
        }
    client = boto3.client(
        "s3",
        **more,
        config=Config(
            s3={"addressing_style": "path"} if endpoint_url else {},
            retries={"total_max_attempts": 1 if endpoint_url else 4},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    bench = Bench(client)
    yield bench
    bench.clean_up()
    client.close()
