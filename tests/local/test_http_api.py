"""The HTTP API: the event for the function, and the response for the caller."""

import base64
import gzip
import io
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from yarl import URL

from adapters.local_aws.api_gateway.http_api import http_api_application
from adapters.local_aws.lambda_service.invocation import FunctionSettings
from adapters.local_aws.lambda_service.service import LambdaService
from adapters.local_aws.loopback.http_listener import Listener


class Api:
    """A function behind the HTTP API: records its events and returns one response."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.answer: Callable[[], object] = lambda: {"statusCode": 204}
        self.url = ""

    def handler(self, event: dict[str, Any], _context: Any) -> object:
        self.events.append(event)
        return self.answer()


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    service = LambdaService([FunctionSettings(name="api", handler=api.handler)])
    async with Listener(http_api_application(service, "api")) as listener:
        api.url = listener.url
        yield api
    await service.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_request_becomes_an_event_of_format_2(
    api: Api, http: aiohttp.ClientSession
) -> None:
    async with http.post(
        URL(f"{api.url}/connectors/c%201/sync?key=a%2Fb&key=c&empty=", encoded=True),
        json={"dryRun": True},
        headers={"X-Thing": "Value", "User-Agent": "test", "Cookie": "a=1; b=2"},
    ) as response:
        assert response.status == 204

    (event,) = api.events
    assert event["version"] == "2.0"
    assert event["routeKey"] == "$default"
    assert event["rawPath"] == "/connectors/c 1/sync"
    assert event["rawQueryString"] == "key=a%2Fb&key=c&empty="
    assert event["queryStringParameters"] == {"key": "a/b,c", "empty": ""}
    assert event["headers"]["x-thing"] == "Value"
    assert event["headers"]["content-type"] == "application/json"
    assert "cookie" not in event["headers"]
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"dryRun": true}', False)
    context = event["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/connectors/c 1/sync",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test",
    }
    assert context["stage"] == "$default"
    assert context["requestId"]
    assert context["timeEpoch"] > 0


async def test_a_request_without_query_and_body_leaves_them_out(
    api: Api, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{api.url}/jobs"):
        pass
    (event,) = api.events
    assert event["rawQueryString"] == ""
    assert not {"body", "queryStringParameters", "cookies"} & set(event)


async def test_a_binary_body_is_base64(api: Api, http: aiohttp.ClientSession) -> None:
    async with http.put(f"{api.url}/x", data=b"\xff\x00", headers={"Content-Type": "image/png"}):
        pass
    (event,) = api.events
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\xff\x00"


async def test_status_headers_cookies_and_body_come_back(
    api: Api, http: aiohttp.ClientSession
) -> None:
    api.answer = lambda: {
        "statusCode": 409,
        "headers": {"Content-Type": "application/problem+json", "X-Job": "j", "Content-Length": 1},
        "cookies": ["a=1", "b=2"],
        "body": '{"title": "ü"}',
    }
    async with http.get(f"{api.url}/jobs") as response:
        assert response.status == 409
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["X-Job"] == "j"
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert await response.json() == {"title": "ü"}


async def test_a_base64_answer_is_decoded(api: Api, http: aiohttp.ClientSession) -> None:
    encoded = base64.b64encode(b"\xff").decode()
    api.answer = lambda: {"statusCode": 200, "body": encoded, "isBase64Encoded": True}
    async with http.get(f"{api.url}/x") as response:
        assert await response.read() == b"\xff"


async def test_an_answer_without_a_status_is_the_body_of_a_200(
    api: Api, http: aiohttp.ClientSession
) -> None:
    api.answer = lambda: {"jobs": []}
    async with http.get(f"{api.url}/jobs") as response:
        assert response.status == 200
        assert await response.json() == {"jobs": []}


async def test_an_error_of_the_function_is_a_500_without_details(
    api: Api, http: aiohttp.ClientSession
) -> None:
    def fail() -> object:
        raise ValueError("secret")

    api.answer = fail
    async with http.get(f"{api.url}/jobs") as response:
        assert response.status == 500
        assert await response.json() == {"message": "Internal Server Error"}


async def test_only_methods_that_may_write_are_surrounded(
    http: aiohttp.ClientSession,
) -> None:
    happened: list[str] = []

    async def around(_bucket: str | None) -> None:
        happened.append("around")

    def handler(event: dict[str, Any], _context: Any) -> object:
        happened.append(event["requestContext"]["http"]["method"])
        return {"statusCode": 204}

    service = LambdaService([FunctionSettings(name="api", handler=handler)])
    application = http_api_application(service, "api", around_changes=around)
    async with Listener(application) as listener:
        for method in ("GET", "POST", "HEAD"):
            async with http.request(method, listener.url) as response:
                assert response.status == 204
    await service.stop()

    assert happened == ["GET", "around", "POST", "around", "HEAD"]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/connectors", b'{"bucketName": "films-prod"}', "films-prod"),
        ("/connectors/films/sync", b'{"bucketName": "films-prod"}', None),
        ("/connectors", b'{"bucketName": "../"}', None),
        ("/connectors", b'{"bucketName": 1}', None),
        ("/connectors", b"[1]", None),
        ("/connectors", b"[" * 100_000, None),
        ("/connectors", b"\xff", None),
        ("/connectors", b"", None),
    ],
)
async def test_a_bucket_is_known_before_it_is_registered(
    http: aiohttp.ClientSession, path: str, body: bytes, name: str | None
) -> None:
    named: list[str | None] = []

    async def around(bucket: str | None) -> None:
        named.append(bucket)

    service = LambdaService([FunctionSettings(name="api", handler=lambda *_: {"statusCode": 204})])
    application = http_api_application(service, "api", around_changes=around)
    headers = {"Content-Type": "application/json"}
    async with (
        Listener(application) as listener,
        http.post(listener.url + path, data=body, headers=headers) as response,
    ):
        assert response.status == 204
    await service.stop()
    assert named == [name, None]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"prefix": "\xe9"}'),
        ("application/json", b"\xff\xfe{\x00}\x00"),
        ("text/xml", b"\x80"),
        ("application/problem+json", b"\xed\xa0\x80"),
    ],
)
async def test_a_body_that_is_not_text_is_base64_whatever_its_content_type(
    api: Api, http: aiohttp.ClientSession, content_type: str, body: bytes
) -> None:
    async with http.post(f"{api.url}/x", data=body, headers={"Content-Type": content_type}) as sent:
        assert sent.status == 204
    (event,) = api.events
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "none of these"])
@pytest.mark.parametrize(
    "body", [b"{}", gzip.compress(b"{}"), zlib.compress(b"{}"), b"\x1f\x8b"], ids=range(4)
)
async def test_a_body_is_passed_unchanged_whatever_its_content_encoding(
    api: Api, http: aiohttp.ClientSession, encoding: str, body: bytes
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    async with http.post(f"{api.url}/x", data=body, headers=headers) as sent:
        assert sent.status == 204
    (event,) = api.events
    came = event["body"].encode()
    assert (base64.b64decode(came) if event["isBase64Encoded"] else came) == body


@pytest.mark.parametrize("size", [7_000_000, 11_000_000])
@pytest.mark.parametrize("content_type", ["application/json", "application/octet-stream"])
async def test_a_body_that_no_invocation_can_hold_is_a_typed_problem(
    api: Api, http: aiohttp.ClientSession, size: int, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    async with http.post(
        f"{api.url}/jobs?a=b", data=io.BytesIO(b"x" * size), headers=headers
    ) as response:
        assert response.status == 413
        assert response.headers["Content-Type"] == "application/problem+json; charset=utf-8"
        problem = await response.json(content_type=None)
    assert (problem["status"], problem["instance"]) == (413, "/jobs")
    assert problem["retryable"] is False
    assert "256 KiB" in problem["detail"]
    assert api.events == []


@pytest.mark.parametrize(
    ("raw_path", "path"),
    [
        ("/a%0Ab", "/a\nb"),
        ("/a%0D%0Ab", "/a\r\nb"),
        ("/%E2%80%A8", "/\u2028"),
        ("/%00", "/\0"),
        ("/%FF", "/\ufffd"),
        ("//a//b/", "//a//b/"),
        ("/a%2Fb", "/a/b"),
        ("/%F0%9F%98%80", "/\U0001f600"),
    ],
)
async def test_every_path_reaches_the_function(
    api: Api, http: aiohttp.ClientSession, raw_path: str, path: str
) -> None:
    async with http.get(URL(f"{api.url}{raw_path}", encoded=True)) as response:
        assert response.status == 204
    (event,) = api.events
    assert event["rawPath"] == path


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "two hundred"},
        {"statusCode": None},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "body": 7},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
        {"statusCode": 200, "cookies": 7},
    ],
    ids=str,
)
async def test_a_response_in_another_form_is_a_500_without_details(
    api: Api, http: aiohttp.ClientSession, answer: object
) -> None:
    api.answer = lambda: answer
    async with http.get(f"{api.url}/jobs") as response:
        assert response.status == 500
        assert await response.json() == {"message": "Internal Server Error"}
