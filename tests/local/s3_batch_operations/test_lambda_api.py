"""The ready invoker against an HTTP server that answers as the Lambda Invoke API does."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aioboto3
import pytest
from aiobotocore.config import AioConfig
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.local_aws.s3_batch_operations import InvokeResult, LambdaApiInvoker

ARN = "arn:aws:lambda:us-east-1:123456789012:function:discovery:7"


async def answer(request: web.Request) -> web.Response:
    assert request.match_info["name"] == ARN
    assert request.headers["X-Amz-Invocation-Type"] == "RequestResponse"
    wanted = json.loads(await request.read())
    headers = {"X-Amz-Function-Error": wanted["error"]} if "error" in wanted else {}
    if wanted["status"] != 200:
        headers["x-amzn-ErrorType"] = "TooManyRequestsException"
    return web.json_response({"message": "m"}, status=wanted["status"], headers=headers)


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    application = web.Application()
    application.router.add_post("/2015-03-31/functions/{name}/invocations", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        yield server


async def invoke(
    aws_session: aioboto3.Session, server: TestServer | None, **wanted: Any
) -> InvokeResult:
    config = AioConfig(retries={"total_max_attempts": 1})
    url = str(server.make_url("/")) if server else "http://127.0.0.1:9"  # port 9: discard
    async with aws_session.client(
        "lambda", endpoint_url=url, config=config, verify=False
    ) as client:
        return await LambdaApiInvoker(client)(ARN, json.dumps(wanted).encode())


async def test_an_answer_is_passed_on(aws_session: aioboto3.Session, server: TestServer) -> None:
    result = await invoke(aws_session, server, status=200)
    assert result == InvokeResult(200, None, b'{"message": "m"}')


async def test_a_function_error_is_no_refusal(
    aws_session: aioboto3.Session, server: TestServer
) -> None:
    result = await invoke(aws_session, server, status=200, error="Unhandled")
    assert result == InvokeResult(200, "Unhandled", b'{"message": "m"}')


async def test_a_refusal_is_a_value(aws_session: aioboto3.Session, server: TestServer) -> None:
    result = await invoke(aws_session, server, status=429)
    assert (result.status_code, result.function_error) == (429, None)
    assert b"TooManyRequestsException" in result.payload


async def test_no_answer_counts_as_unavailable(aws_session: aioboto3.Session) -> None:
    result = await invoke(aws_session, None, status=200)
    assert (result.status_code, result.function_error) == (503, None)
