"""The contract of ports.engine_invoker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.engine_invoker import LambdaEngineInvoker
from adapters.memory.engine_invoker import MemoryEngineInvoker
from ports.engine_invoker import EngineInvoker

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:engine"


class Engine(Protocol):
    invoker: EngineInvoker

    def invoked(self) -> list[str]:
        """The jobs of all invocations, the oldest first."""


class MemoryEngine:
    def __init__(self) -> None:
        self._invoker = MemoryEngineInvoker()
        self.invoker: EngineInvoker = self._invoker

    def invoked(self) -> list[str]:
        return self._invoker.job_ids


class LambdaEngine:
    """Lambda's Invoke operation, for asynchronous invocations only."""

    invoker: EngineInvoker

    def __init__(self) -> None:
        self._events: list[dict[str, str]] = []

    async def accept(self, request: web.Request) -> web.Response:
        assert request.match_info["name"] == FUNCTION_ARN
        assert request.headers["X-Amz-Invocation-Type"] == "Event"
        self._events.append(await request.json())
        return web.Response(status=202)

    def invoked(self) -> list[str]:
        assert all(set(event) == {"action", "jobId"} for event in self._events), json.dumps(
            self._events
        )
        assert {event["action"] for event in self._events} <= {"advance"}
        return [event["jobId"] for event in self._events]


@pytest.fixture
def memory_engine() -> Engine:
    return MemoryEngine()


@pytest.fixture
async def aws_engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    engine = LambdaEngine()
    application = web.Application()
    application.router.add_post("/2015-03-31/functions/{name}/invocations", engine.accept)
    async with TestServer(application) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(server.make_url("")))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        async with open_clients(ClientSettings(attempt_count_max=1)) as clients:
            engine.invoker = LambdaEngineInvoker(await clients.lambda_(), function_arn=FUNCTION_ARN)
            yield engine


@pytest.fixture(params=["memory", "aws"])
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.getfixturevalue(f"{request.param}_engine")
    return chosen


async def test_each_invocation_names_its_job(engine: Engine) -> None:
    await engine.invoker.advance("job-1")
    await engine.invoker.advance("job-2")
    await engine.invoker.advance("job-1")

    assert engine.invoked() == ["job-1", "job-2", "job-1"]
