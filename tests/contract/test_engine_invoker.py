"""The contract of ports.engine_invoker."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Protocol

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

    def shares(self) -> list[tuple[str, int]]:
        """The jobs and shares of all invocations for shares, the oldest first."""

    def compared(self) -> list[str]:
        """The jobs of all invocations for removals, the oldest first."""

    def searched(self) -> list[str]:
        """The jobs of all invocations for orphans, the oldest first."""


class MemoryEngine:
    def __init__(self) -> None:
        self._invoker = MemoryEngineInvoker()
        self.invoker: EngineInvoker = self._invoker

    def invoked(self) -> list[str]:
        return self._invoker.job_ids

    def shares(self) -> list[tuple[str, int]]:
        return self._invoker.shares

    def compared(self) -> list[str]:
        return self._invoker.compared

    def searched(self) -> list[str]:
        return self._invoker.searched


class LambdaEngine:
    """Lambda's Invoke operation, for asynchronous invocations only."""

    invoker: EngineInvoker

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []

    async def accept(self, request: web.Request) -> web.Response:
        assert request.match_info["name"] == FUNCTION_ARN
        assert request.headers["X-Amz-Invocation-Type"] == "Event"
        self._events.append(await request.json())
        return web.Response(status=202)

    def invoked(self) -> list[str]:
        return [event["jobId"] for event in self._of("advance", {"action", "jobId"})]

    def shares(self) -> list[tuple[str, int]]:
        events = self._of("list", {"action", "jobId", "share"})
        return [(event["jobId"], event["share"]) for event in events]

    def compared(self) -> list[str]:
        return [event["jobId"] for event in self._of("removals", {"action", "jobId"})]

    def searched(self) -> list[str]:
        return [event["jobId"] for event in self._of("orphans", {"action", "jobId"})]

    def _of(self, action: str, names: set[str]) -> list[dict[str, Any]]:
        events = [event for event in self._events if event["action"] == action]
        assert all(set(event) == names for event in events), json.dumps(events)
        return events


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
    assert engine.shares() == []


async def test_an_invocation_for_a_share_names_its_job_and_number(engine: Engine) -> None:
    await engine.invoker.list_share("job-1", 3)
    await engine.invoker.list_share("job-2", 0)

    assert engine.shares() == [("job-1", 3), ("job-2", 0)]
    assert engine.invoked() == []


async def test_an_invocation_for_removals_names_its_job(engine: Engine) -> None:
    await engine.invoker.removals("job-1")

    assert engine.compared() == ["job-1"]
    assert engine.invoked() == []


async def test_an_invocation_for_orphans_names_its_job(engine: Engine) -> None:
    await engine.invoker.orphans("job-1")

    assert engine.searched() == ["job-1"]
    assert engine.compared() == []
