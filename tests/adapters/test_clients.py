"""The clients as they are opened, against servers that misbehave."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from botocore import parsers

from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.aws.errors import translated
from ports.errors import Throttled, TimedOut, Unavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
<EncodingType>url</EncodingType>
<Contents><Key>a%20b%2Bc%0Ad</Key><LastModified>2026-01-31T12:00:00.123Z</LastModified>
<Size>1</Size></Contents></ListBucketResult>"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@asynccontextmanager
async def serving(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[Clients]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(application) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(server.make_url("")))
        async with open_clients(ClientSettings(**settings)) as clients:
            yield clients


async def test_listings_are_parsed_without_dateutil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when botocore moves the switch that `_parse_timestamps_cheaply` sets."""

    async def list_objects(_: web.Request) -> web.Response:
        # As any server of HTTP does, with a date that only the SDK's own parser reads.
        return web.Response(
            text=LISTING, headers={"Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"}
        )

    def slow(value: Any) -> datetime:
        raise AssertionError(f"dateutil was asked to read {value}")

    monkeypatch.setattr(parsers, "DEFAULT_TIMESTAMP_PARSER", slow)
    monkeypatch.setattr("botocore.utils.parse_timestamp", slow)
    async with serving(list_objects, monkeypatch) as clients:
        page = await (await clients.s3()).list_objects_v2(Bucket="media")

    [found] = page["Contents"]
    assert found["LastModified"] == datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=UTC)
    # The SDK asks for encoded keys and decodes them.
    assert found["Key"] == "a b+c\nd"


async def test_dates_of_http_are_parsed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def head(_: web.Request) -> web.Response:
        return web.Response(headers={"Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"})

    async with serving(head, monkeypatch) as clients:
        answer = await (await clients.s3()).head_object(Bucket="media", Key="a")

    assert answer["LastModified"] == datetime(2026, 1, 31, 12, tzinfo=UTC)


async def test_another_endpoint_gets_the_bucket_in_the_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths: list[str] = []

    async def note(request: web.Request) -> web.Response:
        paths.append(request.raw_path)
        return web.Response()

    async with serving(note, monkeypatch) as clients:
        s3 = await clients.s3()
        assert await clients.s3() is s3
        await s3.put_object(Bucket="media", Key="a//../b c", Body=b"")

    assert paths == ["/media/a//../b%20c"]


async def test_another_endpoint_of_s3_control_needs_no_name_for_the_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, str]] = []

    async def describe(request: web.Request) -> web.Response:
        seen.append((request.host, request.headers["x-amz-account-id"]))
        return web.Response(
            text="<DescribeJobResult><Job><Status>New</Status></Job></DescribeJobResult>"
        )

    async with serving(describe, monkeypatch) as clients:
        client = await clients.s3control()
        await client.describe_job(AccountId="123456789012", JobId="job-1")

    [(host, account)] = seen
    assert host.startswith("127.0.0.1:")
    assert account == "123456789012"


async def test_aws_itself_gets_the_account_in_the_host() -> None:
    urls: list[str] = []

    async def stop(request: Any, **_: object) -> None:
        urls.append(request.url)
        raise ConnectionAbortedError

    async with open_clients(ClientSettings(attempt_count_max=1)) as clients:
        client = await clients.s3control()
        client.meta.events.register("before-send.s3-control", stop)
        with pytest.raises(ConnectionAbortedError):
            await client.describe_job(AccountId="123456789012", JobId="job-1")

    assert urls == ["https://123456789012.s3-control.us-east-1.amazonaws.com/v20180820/jobs/job-1"]


async def test_a_call_is_told_once_however_often_it_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, str, Mapping[str, Any]]] = []
    tries = 0

    async def refuse(_: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        return web.Response(status=503, text="<Error><Code>SlowDown</Code></Error>")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", refuse)
    async with TestServer(application) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", str(server.make_url("")))
        async with open_clients(
            ClientSettings(attempt_count_max=2), on_request=lambda *call: told.append(call)
        ) as clients:
            s3 = await clients.s3()
            with (
                pytest.raises(Throttled),
                translated("s3", operation="GetObjectTagging", resource="media/a"),
            ):
                await s3.get_object_tagging(Bucket="media", Key="a")

    assert told == [("s3", "GetObjectTagging", {"Bucket": "media", "Key": "a"})]
    assert tries == 2


async def test_no_answer_in_time_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response()

    async with serving(hang, monkeypatch, attempt_count_max=1, copy_read_timeout_s=0.05) as clients:
        s3 = await clients.s3()
        with (
            pytest.raises(TimedOut),
            translated("s3", operation="PutObject", resource="media/a"),
        ):
            await s3.put_object(Bucket="media", Key="a", Body=b"x")


async def test_a_connection_that_breaks_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with serving(hang_up, monkeypatch, attempt_count_max=1) as clients:
        s3 = await clients.s3()
        with (
            pytest.raises(TimedOut),
            translated("s3", operation="PutObject", resource="media/a"),
        ):
            await s3.put_object(Bucket="media", Key="a", Body=b"x")


async def test_a_body_that_breaks_off_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async def read_whole(s3: Any) -> bytes:
        answer = await s3.get_object(Bucket="media", Key="a")
        async with answer["Body"] as body:
            content: bytes = await body.read()
        return content

    async with serving(break_off, monkeypatch, attempt_count_max=1) as clients:
        s3 = await clients.s3()
        with (
            pytest.raises(TimedOut),
            translated("s3", operation="GetObject", resource="media/a"),
        ):
            await read_whole(s3)


async def test_a_service_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused_port()}")
    async with open_clients(ClientSettings(attempt_count_max=1)) as clients:
        sqs = await clients.sqs()
        with (
            pytest.raises(Unavailable),
            translated("sqs", operation="SendMessageBatch", resource="queue"),
        ):
            await sqs.send_message_batch(
                QueueUrl="http://q", Entries=[{"Id": "1", "MessageBody": "x"}]
            )
