"""The clients as `open_clients` configures them, against servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiobotocore.session import AioSession
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from botocore import parsers
from botocore.loaders import JSONFileLoader

from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.aws.errors import map_aws_errors
from adapters.aws.object_store import S3ObjectStore
from adapters.memory.system import ManualClock
from domain.connector import Bucket, BucketInfo
from ports.errors import Misconfigured, Throttled, TimedOut, Unavailable

pytestmark = pytest.mark.usefixtures("sdk_environment")

START = datetime(2026, 1, 31, 12, tzinfo=UTC)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
<EncodingType>url</EncodingType>
<Contents><Key>a%20b%2Bc%0Ad</Key><LastModified>2026-01-31T12:00:00.123Z</LastModified>
<Size>1</Size></Contents></ListBucketResult>"""


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


async def test_a_process_reads_the_models_of_aws_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each execution environment of a local runtime opens clients of its own."""
    read: list[str] = []
    load = JSONFileLoader.load_file

    def noted(loader: JSONFileLoader, path: str) -> Any:
        read.append(path)
        return load(loader, path)

    monkeypatch.setattr(JSONFileLoader, "load_file", noted)
    for _ in range(2):
        read.clear()
        async with open_clients(ClientSettings()) as clients:
            await clients.dynamodb()
            await clients.s3()
            await clients.s3("arn:aws:iam::210987654321:role/media")

    assert read == []


async def test_listings_are_parsed_without_dateutil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when botocore moves the switch that `_parse_timestamps_cheaply` sets."""

    async def list_objects(_: web.Request) -> web.Response:
        # As any HTTP server sends it: a date that only the SDK's own parser reads.
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


@pytest.mark.parametrize(
    "text",
    [
        "Sat, 31 Jan 2026 12:00:00 GMT",
        "Fri, 31 Jan 2026 12:00:00 GMT",  # it was a Saturday
        "Mon, 29 Feb 2100 00:00:00 GMT",
        "Sat, 31 Foo 2026 12:00:00 GMT",
        "Sat, 31 Jan 2026 24:00:00 GMT",
        "Sat, 31 Jan 2026 12:00:00 +0100",
        "Sat, 31 Jan 26 12:00:00 GMT",
        "Saturday, 31-Jan-26 12:00:00 GMT",
        "Sat Jan 31 12:00:00 2026",
        "2026-01-31T12:00:00+01:00",
        "1769860800",
        "",
    ],
)
async def test_a_date_is_read_as_the_sdk_reads_it(text: str) -> None:
    async with open_clients(ClientSettings()) as clients:
        s3: Any = await clients.s3()
        parse = s3.sdk._endpoint._response_parser_factory._defaults["timestamp_parser"]
    results: list[datetime | type[Exception]] = []
    for read in (parse, parsers.DEFAULT_TIMESTAMP_PARSER):
        try:
            results.append(read(text))
        except ValueError as error:
            results.append(type(error))
    assert results[0] == results[1]


async def test_no_date_of_a_response_needs_dateutil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parser takes a third of the CPU time of a HeadObject's response."""

    async def head(_: web.Request) -> web.Response:
        return web.Response(headers={"Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"})

    def slow(value: Any) -> datetime:
        raise AssertionError(f"dateutil was asked to read {value}")

    monkeypatch.setattr("adapters.aws.clients.DEFAULT_TIMESTAMP_PARSER", slow)
    async with serving(head, monkeypatch) as clients:
        found = await (await clients.s3()).head_object(Bucket="media", Key="a")
    assert found["LastModified"] == START


async def test_many_items_are_returned_as_the_sdk_returns_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lean call does not walk over them; the SDK's own call, which does, is the comparison."""
    item = {
        "text": {"S": "a é"},
        "number": {"N": "1.50"},
        "flag": {"BOOL": False},
        "nothing": {"NULL": True},
        "sets": {"M": {"texts": {"SS": ["a", "b"]}, "numbers": {"NS": ["1", "2"]}}},
        "list": {"L": [{"S": "a"}, {"M": {}}, {"L": []}]},
    }

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["X-Amz-Target"].endswith("BatchGetItem")
        return web.json_response({"Responses": {"t": [item]}, "UnprocessedKeys": {}})

    async with serving(answer, monkeypatch) as clients:
        client: Any = await clients.dynamodb()
        wanted: Any = {"t": {"Keys": [{"id": {"S": "i"}}]}}
        by_lean = await client.batch_get_item(RequestItems=wanted)
        by_sdk = await client.sdk.batch_get_item(RequestItems=wanted)

    assert by_lean == {name: by_sdk[name] for name in ("Responses", "UnprocessedKeys")}
    assert by_lean["Responses"] == {"t": [item]}


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


async def test_a_call_is_reported_once_however_often_it_is_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[tuple[str, str, Mapping[str, Any]]] = []
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
            ClientSettings(attempt_count_max=2), on_request=lambda *call: reported.append(call)
        ) as clients:
            s3 = await clients.s3()
            with (
                pytest.raises(Throttled),
                map_aws_errors("s3", operation="GetObjectTagging", resource="media/a"),
            ):
                await s3.get_object_tagging(Bucket="media", Key="a")

    assert reported == [("s3", "GetObjectTagging", {"Bucket": "media", "Key": "a"})]
    # The lean call, and the SDK's own.
    assert tries == 1 + 2


async def test_a_timeout_is_an_unknown_result(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response()

    async with serving(hang, monkeypatch, attempt_count_max=1, copy_read_timeout_s=0.05) as clients:
        s3 = await clients.s3()
        with (
            pytest.raises(TimedOut),
            map_aws_errors("s3", operation="PutObject", resource="media/a"),
        ):
            await s3.put_object(Bucket="media", Key="a", Body=b"x")


async def test_a_broken_connection_is_an_unknown_result(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with serving(hang_up, monkeypatch, attempt_count_max=1) as clients:
        s3 = await clients.s3()
        with (
            pytest.raises(TimedOut),
            map_aws_errors("s3", operation="PutObject", resource="media/a"),
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
            map_aws_errors("s3", operation="GetObject", resource="media/a"),
        ):
            await read_whole(s3)


async def test_a_service_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused_port()}")
    async with open_clients(ClientSettings(attempt_count_max=1)) as clients:
        sqs = await clients.sqs()
        with (
            pytest.raises(Unavailable),
            map_aws_errors("sqs", operation="SendMessageBatch", resource="queue"),
        ):
            await sqs.send_message_batch(
                QueueUrl="http://q", Entries=[{"Id": "1", "MessageBody": "x"}]
            )


# Buckets in other Regions.


class ElsewhereS3:
    """S3 with all its buckets in eu-central-1: requests signed for another Region are redirected.

    HeadBucket returns `head_status`, and every response has the Region in a header, as S3's have.
    `seen` has each request's operation and the Region that it was signed for.
    """

    def __init__(self, refusal: str, *, head_status: int = 200, region_header: bool = True) -> None:
        self._refusal = refusal
        self._head_status = head_status
        self._headers = {"x-amz-bucket-region": "eu-central-1"} if region_header else {}
        self.seen: list[tuple[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        scope = request.headers["Authorization"].partition("Credential=")[2]
        region = scope.split("/")[2]
        what = f"{request.method} {request.query_string.partition('&')[0]}".strip()
        self.seen.append((what, region))
        if region != "eu-central-1":
            return self._wrong_region(request.method)
        if request.method == "HEAD":
            return web.Response(status=self._head_status, headers=self._headers)
        return web.Response(text=self._answer_to(what), headers=self._headers)

    def _wrong_region(self, method: str) -> web.Response:
        status = 301 if self._refusal == "PermanentRedirect" else 400
        text = (
            f"<Error><Code>{self._refusal}</Code><Message>elsewhere</Message>"
            "<Region>eu-central-1</Region></Error>"
        )
        body = None if method == "HEAD" else text
        return web.Response(status=status, text=body, headers=self._headers)

    def _answer_to(self, what: str) -> str:
        match what:
            case "GET versioning":
                return "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
            case "GET requestPayment":
                return (
                    "<RequestPaymentConfiguration><Payer>BucketOwner</Payer>"
                    "</RequestPaymentConfiguration>"
                )
            case "GET tagging":
                return "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
            case _:
                return LISTING


# The last is the response of Regions that an account must opt in to.
REFUSALS = pytest.mark.parametrize(
    "refusal",
    ["PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"],
)


@REFUSALS
async def test_a_call_follows_its_bucket_to_another_region(
    monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    """Later calls go there directly: finding a Region takes two requests per client."""
    elsewhere = ElsewhereS3(refusal)
    async with serving(elsewhere.answer, monkeypatch) as clients:
        store = S3ObjectStore(await clients.s3(), clock=ManualClock(START))
        bucket = Bucket(name="media", expected_owner="111122223333")
        listed = [page async for page in store.list_objects(bucket, prefix="", start_after=None)]
        tags = [await store.read_tags(bucket, key) for key in ("a", "b")]

    assert [entry.key for page in listed for entry in page.entries] == ["a b+c\nd"]
    assert tags == [{"a": "b"}, {"a": "b"}]
    assert elsewhere.seen == [
        # A lean call leaves everything unusual to the SDK, which makes the call again.
        ("GET list-type=2", "us-east-1"),
        ("GET list-type=2", "us-east-1"),
        ("GET list-type=2", "eu-central-1"),
        ("GET tagging", "eu-central-1"),
        ("GET tagging", "eu-central-1"),
    ]


@pytest.mark.parametrize("status", [301, 400])
async def test_a_head_follows_its_bucket_too(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """The response has no body, so only the header names the Region."""
    elsewhere = ElsewhereS3("PermanentRedirect" if status == 301 else "400")
    async with serving(elsewhere.answer, monkeypatch) as clients:
        await (await clients.s3()).head_object(Bucket="media", Key="a")

    # Twice at home: a lean call leaves everything unusual to the SDK, which makes the call again.
    assert [region for _, region in elsewhere.seen] == ["us-east-1", "us-east-1", "eu-central-1"]


@pytest.mark.parametrize("head_status", [200, 403, 400], ids=["allowed", "forbidden", "unknown"])
async def test_a_bucket_elsewhere_is_inspected_there(
    monkeypatch: pytest.MonkeyPatch, head_status: int
) -> None:
    """S3 returns a bucket's Region even to callers that may not list all of it."""
    elsewhere = ElsewhereS3("PermanentRedirect", head_status=head_status)
    async with serving(elsewhere.answer, monkeypatch) as clients:
        store = S3ObjectStore(await clients.s3(), clock=ManualClock(START))
        facts = await store.inspect(Bucket(name="media"))

    assert facts == BucketInfo(versioned=True, other_region="eu-central-1")
    assert [request for request in elsewhere.seen if request[1] == "us-east-1"] == [
        ("GET versioning", "us-east-1")
    ]


@pytest.mark.parametrize("region_header", [True, False])
async def test_a_bucket_at_home_is_not_elsewhere(
    monkeypatch: pytest.MonkeyPatch, region_header: bool
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    home = ElsewhereS3("PermanentRedirect", region_header=region_header)
    async with serving(home.answer, monkeypatch) as clients:
        store = S3ObjectStore(await clients.s3(), clock=ManualClock(START))
        facts = await store.inspect(Bucket(name="media"))

    assert facts == BucketInfo(versioned=True)


async def test_a_failed_lookup_of_a_region_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    busy = ElsewhereS3("PermanentRedirect", head_status=503, region_header=False)
    async with serving(busy.answer, monkeypatch, attempt_count_max=1) as clients:
        store = S3ObjectStore(await clients.s3(), clock=ManualClock(START))
        with pytest.raises(Throttled):
            await store.inspect(Bucket(name="media"))


async def test_on_aws_the_request_goes_to_the_other_regions_host() -> None:
    hosts: list[str] = []

    class Refusal:
        """The response object of the SDK's HTTP client."""

        status_code = 301
        headers: Mapping[str, str] = {"x-amz-bucket-region": "eu-central-1"}

        @property
        async def content(self) -> bytes:
            return b"<Error><Code>PermanentRedirect</Code></Error>"

    async def answer(request: Any, **_: object) -> Refusal:
        hosts.append(urlsplit(request.url).netloc)
        return Refusal()

    # A lean call does not send the SDK's event.
    settings = ClientSettings(attempt_count_max=1, lean_calls=False)
    async with open_clients(settings) as clients:
        s3 = await clients.s3()
        s3.meta.events.register("before-send.s3", answer)
        with (
            pytest.raises(Misconfigured),
            map_aws_errors("s3", operation="GetObjectTagging", resource="media/a"),
        ):
            await s3.get_object_tagging(Bucket="media", Key="a")

    assert hosts == ["media.s3.amazonaws.com", "media.s3.eu-central-1.amazonaws.com"]


# Queues in other Regions.


async def test_each_region_has_one_client_however_many_callers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create = AioSession._create_client

    async def create_slowly(*arguments: Any, **options: Any) -> Any:
        # As if credentials were requested first.
        await asyncio.sleep(0)
        return await create(*arguments, **options)

    monkeypatch.setattr(AioSession, "_create_client", create_slowly)
    async with open_clients(ClientSettings()) as clients, asyncio.TaskGroup() as group:
        asked: list[asyncio.Task[Any]] = [
            group.create_task(clients.sqs("eu-west-1")) for _ in range(20)
        ]
        own = [group.create_task(clients.sqs(name)) for name in (None, "us-east-1") * 10]

    [elsewhere] = {id(task.result()): task.result() for task in asked}.values()
    [home] = {id(task.result()): task.result() for task in own}.values()
    assert (home.meta.region_name, elsewhere.meta.region_name) == ("us-east-1", "eu-west-1")
    assert elsewhere.meta.endpoint_url == "https://sqs.eu-west-1.amazonaws.com"
    assert elsewhere.meta.config.max_pool_connections == home.meta.config.max_pool_connections


async def test_a_call_to_another_region_is_signed_for_it_and_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    regions: list[str] = []
    reported: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        scope = request.headers["Authorization"].partition("Credential=")[2]
        regions.append(scope.split("/")[2])
        return web.json_response({"Attributes": {}})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(server.make_url("")))
        async with open_clients(
            ClientSettings(attempt_count_max=1), on_request=lambda *call: reported.append(call[:2])
        ) as clients:
            for name in (None, "eu-west-1"):
                await (await clients.sqs(name)).get_queue_attributes(QueueUrl="q")

    assert regions == ["us-east-1", "eu-west-1"]
    assert reported == [("sqs", "GetQueueAttributes")] * 2
