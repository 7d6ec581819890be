"""Lean calls send what the SDK sends, and leave to the SDK what they do not handle."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote_plus

import pytest
import pytest_asyncio
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, HTTPClientError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st
from raw_server import NOTHING, RawRequest, RawServer, answer, raw_aws

from adapters.aws import lean_client
from adapters.aws.clients import ClientSettings, open_clients
from adapters.aws.sigv4 import sign

TAGGING: Final = (
    b"<Tagging><TagSet><Tag><Key>AssetID</Key><Value>x</Value></Tag></TagSet></Tagging>"
)
COPIED: Final = b'<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>'
# Of each request: its time, its identity for retries, and what follows from both.
OF_ONE_REQUEST: Final = frozenset(
    {"x-amz-date", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "user-agent"}
)
# The SDK waits for a permission to send content, which takes a round trip.
ONLY_OF_SDK: Final = OF_ONE_REQUEST | {"expect"}

Calling = Callable[[Any, str], Awaitable[Any]]
CALLS: Final[dict[str, Calling]] = {
    "GetObjectTagging": lambda s3, key: s3.get_object_tagging(
        Bucket="media", Key=key, ExpectedBucketOwner="111122223333"
    ),
    "HeadObject": lambda s3, key: s3.head_object(Bucket="media", Key=key),
    "CopyObject": lambda s3, key: s3.copy_object(
        Bucket="media",
        Key=key,
        CopySource={"Bucket": "media", "Key": key},
        CopySourceIfMatch='"e"',
        IfMatch='"e"',
        MetadataDirective="COPY",
        TaggingDirective="REPLACE",
        Tagging="AssetID=asset%3Aimg%3A1&b=%2B+",
        ObjectLockRetainUntilDate=datetime(2030, 1, 2, tzinfo=UTC),
        ServerSideEncryption="AES256",
    ),
    "PutObject": lambda s3, key: s3.put_object(
        Bucket="media", Key=key, Body=b"content", ServerSideEncryption="AES256", IfMatch='"e"'
    ),
    "PutObjectTagging": lambda s3, key: s3.put_object_tagging(
        Bucket="media", Key=key, Tagging={"TagSet": [{"Key": "a", "Value": "b & <c>"}]}
    ),
}
KEYS: Final = [
    "a.jpg",
    "a b+c&d=e?f#g%20.jpg",
    "/lead//two/../x",
    "\u00fc\U0001f600",
    "~-_.!*'()",
    "\n",
]


def well(request: RawRequest) -> bytes:
    body = TAGGING if request.method == "GET" else COPIED if request.method == "PUT" else b""
    return answer(200, body, headers={"Last-Modified": "Sat, 31 Jan 2026 12:00:00 GMT"})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean_client, "_BACKOFF_S_MAX", 0.0)


@pytest_asyncio.fixture
async def raw() -> AsyncIterator[RawServer]:
    async with raw_aws() as server:
        server.answer = well
        yield server


@pytest_asyncio.fixture
async def s3(raw: RawServer) -> AsyncIterator[Any]:
    async with open_clients(ClientSettings(attempt_count_max=1)) as clients:
        yield await clients.s3()


def seen(requests: list[RawRequest]) -> list[str]:
    """Return who sent each request; the SDK numbers its attempts."""
    return [
        ("sdk" if "amz-sdk-request" in {name.lower() for name in each.headers} else "lean")
        for each in requests
    ]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("operation", CALLS)
async def test_a_lean_call_sends_what_the_sdk_sends(
    raw: RawServer, s3: Any, operation: str, key: str
) -> None:
    lean_answer = await CALLS[operation](s3, key)
    sdk_answer = await CALLS[operation](s3.sdk, key)

    by_lean, by_sdk = raw.requests
    assert seen(raw.requests) == ["lean", "sdk"]
    assert (by_lean.method, by_lean.path, by_lean.body) == (
        by_sdk.method,
        by_sdk.path,
        by_sdk.body,
    )
    assert _shown(by_lean) == _shown(by_sdk)
    assert _signed_names(by_lean) == _signed_names(by_sdk)
    for of_retries in ("RetryAttempts", "MaxAttemptsReached"):
        sdk_answer["ResponseMetadata"].pop(of_retries, None)
    assert lean_answer == sdk_answer


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 1_000])
async def test_content_is_what_the_sdk_reads(raw: RawServer, s3: Any, content: bytes) -> None:
    raw.answer = lambda _: answer(
        206, content, headers={"ETag": '"e"', "Content-Range": f"bytes 0-9/{len(content)}"}
    )
    found, bodies = [], []
    for client in (s3, s3.sdk):
        response = await client.get_object(Bucket="media", Key="a", Range="bytes=0-9")
        async with response["Body"] as body:
            bodies.append(await body.read())
        found.append((response["ETag"], response["ContentRange"]))

    assert seen(raw.requests) == ["lean", "sdk"]
    assert _shown(raw.requests[0]) == _shown(raw.requests[1])
    assert bodies == [content, content]
    assert found[0] == found[1] == ('"e"', f"bytes 0-9/{len(content)}")


@pytest.mark.parametrize("status", [404, 412])
async def test_a_refused_read_is_the_sdk_s_error(raw: RawServer, s3: Any, status: int) -> None:
    raw.answer = lambda _: answer(status, b"<Error><Code>NoSuchKey</Code></Error>")
    with pytest.raises(ClientError) as caught:
        await s3.get_object(Bucket="media", Key="a")

    assert seen(raw.requests) == ["lean"]
    assert caught.value.response["Error"]["Code"] == "NoSuchKey"


HEADERS: Final[dict[str, bytes | str]] = {
    "ETAG": '"e"',
    "last-modified": "Sat, 31 Jan 2026 12:00:00 GMT",
    "Content-Length": "0",
    "CACHE-CONTROL": "no-cache",
    "Expires": "never",
    "X-Amz-Meta-Title": b"\xfc 1",
    "x-amz-meta-": "no name",
    "x-amz-tagging-count": "2",
    "x-amz-object-lock-retain-until-date": "2030-01-02T00:00:00Z",
    "x-amz-missing-meta": "1",
}


@pytest.mark.parametrize("changes", [{}, {"Last-Modified": "31 Jan 2026 12:00"}, {"Expires": "0"}])
async def test_headers_are_found_whatever_their_case_is(
    raw: RawServer, s3: Any, changes: dict[str, bytes | str]
) -> None:
    raw.answer = lambda _: answer(200, headers={**HEADERS, **changes})
    by_lean, by_sdk = await CALLS["HeadObject"](s3, "a"), await CALLS["HeadObject"](s3.sdk, "a")

    for of_retries in ("RetryAttempts", "MaxAttemptsReached"):
        by_sdk["ResponseMetadata"].pop(of_retries, None)
    assert by_lean == by_sdk
    assert by_lean["Metadata"] == {"title": "\udcfc 1", "": "no name"}
    assert (by_lean["ETag"], by_lean["CacheControl"], by_lean["TagCount"]) == ('"e"', "no-cache", 2)
    assert by_lean["ExpiresString"] == {**HEADERS, **changes}["Expires"]


def _shown(request: RawRequest) -> dict[str, str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return {name: value for name, value in headers.items() if name not in ONLY_OF_SDK}


def _signed_names(request: RawRequest) -> set[str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    found = re.search(r"SignedHeaders=([^,]+)", headers["authorization"])
    assert found is not None
    return set(found[1].split(";")) - ONLY_OF_SDK


LISTED: Final = (
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>media</Name>'
    "<EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{token}"
    "<CommonPrefixes><Prefix>p</Prefix></CommonPrefixes>{contents}</ListBucketResult>"
)
ENTRY: Final = (
    "<Contents><Key>{key}</Key><LastModified>2026-01-31T12:00:00.000Z</LastModified>"
    "<ETag>&quot;e&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)


def listed(*keys: str, token: str = "") -> bytes:
    return LISTED.format(
        truncated="true" if token else "false",
        token=f"<NextContinuationToken>{token}</NextContinuationToken>" if token else "",
        contents="".join(
            ENTRY.format(key=quote_plus(key), size=number) for number, key in enumerate(keys)
        ),
    ).encode()


async def list_page(s3: Any) -> Any:
    return await s3.list_objects_v2(Bucket="media", Prefix="a b/", StartAfter="x")


@pytest.mark.parametrize("keys", [[], KEYS, ["\x1b\uffff", "+", "%2B", "&amp;", "]]>"]])
@pytest.mark.parametrize("token", ["", "a+/=="])
async def test_a_lean_listing_is_what_the_sdk_lists(
    raw: RawServer, s3: Any, keys: list[str], token: str
) -> None:
    raw.answer = lambda _: answer(200, listed(*keys, token=token))
    by_lean, by_sdk = await list_page(s3), await list_page(s3.sdk)

    assert seen(raw.requests) == ["lean", "sdk"]
    assert raw.requests[0].path == raw.requests[1].path
    names = ("Key", "Size", "LastModified", "ETag")
    assert by_lean["Contents"] == [
        {name: found[name] for name in names} for found in by_sdk.get("Contents", [])
    ]
    for name in ("IsTruncated", "NextContinuationToken"):
        assert by_lean.get(name) == by_sdk.get(name)
    assert [found["Key"] for found in by_lean["Contents"]] == keys


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Hello</body></html>",
        b"<ListBucketResult/>",
        listed("a")[:-5],
        listed("a").replace(b"false", b"no"),
        listed("a").replace(b"<Size>0</Size>", b""),
        listed("a").replace(b"<Size>0</Size>", b"<Size>big</Size>"),
        listed("a").replace(b"2026-01-31T12:00:00.000Z", b"2026-01-31T12:00:00"),
        listed("a").replace(b"2026-01-31T12:00:00.000Z", b"today"),
        listed("a").replace(b"<Key>a</Key>", b""),
        b"<Error><Code>InternalError</Code></Error>",
        b"[" * 100_000,
        b"<a>" * 100_000,
    ],
    ids=range(13),
)
async def test_an_unusual_page_is_left_to_the_sdk(raw: RawServer, s3: Any, body: bytes) -> None:
    raw.answer = lambda request: (
        answer(200, body) if seen([request]) == ["lean"] else answer(200, listed("b"))
    )
    page = await list_page(s3)

    assert seen(raw.requests) == ["lean", "sdk"]
    assert [found["Key"] for found in page["Contents"]] == ["b"]


@given(
    method=st.sampled_from(["GET", "HEAD", "PUT"]),
    path=st.from_regex(r"/[A-Za-z0-9/~._%-]*", fullmatch=True),
    query=st.lists(st.from_regex(r"[a-zA-Z0-9%-]+(=[a-zA-Z0-9%-]*)?", fullmatch=True), max_size=4),
    headers=st.dictionaries(
        st.from_regex(r"x-amz-[a-z][a-z0-9-]{0,20}", fullmatch=True).filter(
            lambda name: name not in OF_ONE_REQUEST
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
        max_size=5,
    ),
    token=st.none() | st.from_regex(r"[A-Za-z0-9/+=]{1,40}", fullmatch=True),
    body=st.binary(max_size=40),
    region=st.sampled_from(["us-east-1", "eu-central-1"]),
)
def test_a_signature_is_the_sdk_s(
    method: str,
    path: str,
    query: list[str],
    headers: dict[str, str],
    token: str | None,
    body: bytes,
    region: str,
) -> None:
    credentials = Credentials("AKID", "secret", token)
    url = f"http://media.example:8080{path}" + (f"?{'&'.join(query)}" if query else "")
    by_sdk = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    S3SigV4Auth(credentials, "s3", region).add_auth(by_sdk)
    now = datetime.strptime(by_sdk.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    signed = dict(headers)
    sign(
        signed,
        service="s3",
        method=method,
        host="media.example:8080",
        path=path,
        query="&".join(query),
        body=body,
        credentials=credentials,
        region=region,
        now=now,
    )

    assert signed["Authorization"] == by_sdk.headers["Authorization"]


@pytest.mark.parametrize("status", [404, 412])
@pytest.mark.parametrize("operation", CALLS)
async def test_what_no_retry_changes_is_sent_once(
    raw: RawServer, s3: Any, operation: str, status: int
) -> None:
    raw.answer = lambda request: answer(
        status, b"" if request.method == "HEAD" else b"<Error><Code>Because</Code></Error>"
    )
    with pytest.raises(ClientError) as caught:
        await CALLS[operation](s3, "a")

    assert seen(raw.requests) == ["lean"]
    code = str(status) if operation == "HeadObject" else "Because"
    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("status", [301, 307, 400, 403, 405, 409])
@pytest.mark.parametrize("operation", CALLS)
async def test_another_refusal_is_left_to_the_sdk(
    raw: RawServer, s3: Any, operation: str, status: int
) -> None:
    raw.answer = lambda request: answer(status) if seen([request]) == ["lean"] else well(request)
    await CALLS[operation](s3, "a")
    await CALLS[operation](s3, "b")

    assert seen(raw.requests) == ["lean", "sdk", "lean", "sdk"]


@pytest.mark.parametrize(
    "overloaded",
    [answer(503), answer(500), answer(200, b"<Error><Code>InternalError</Code></Error>"), NOTHING],
    ids=["503", "500", "200 with an error", "no response"],
)
async def test_after_an_overload_all_calls_are_left_to_the_sdk_for_a_while(
    raw: RawServer, s3: Any, monkeypatch: pytest.MonkeyPatch, overloaded: bytes
) -> None:
    monkeypatch.setattr(lean_client, "_PAUSE_S", 0.2)
    raw.answer = lambda _: overloaded
    with pytest.raises((ClientError, HTTPClientError)):
        await CALLS["CopyObject"](s3, "a")
    raw.answer = well
    await CALLS["CopyObject"](s3, "a")
    await CALLS["HeadObject"](s3, "a")
    s3._paused_until = 0.0
    await CALLS["HeadObject"](s3, "a")

    assert seen(raw.requests)[0] == "lean"
    # Without a response, the HTTP client sends a request once more.
    assert seen(raw.requests)[-4:] == ["sdk", "sdk", "sdk", "lean"]


async def test_headers_beyond_ascii_are_left_to_the_sdk(raw: RawServer, s3: Any) -> None:
    await s3.copy_object(
        Bucket="media", Key="a", CopySource="media/a", Metadata={"title": "\u00e4"}
    )

    assert seen(raw.requests) == ["sdk"]


async def test_without_credentials_the_sdk_reports_it(
    raw: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    async with open_clients(ClientSettings()) as clients:
        s3 = await clients.s3()
        with pytest.raises(NoCredentialsError):
            await CALLS["HeadObject"](s3, "a")

    assert raw.requests == []


async def test_one_setting_switches_them_off(raw: RawServer) -> None:
    async with open_clients(ClientSettings(lean_calls=False)) as clients:
        await CALLS["HeadObject"](await clients.s3(), "a")

    assert seen(raw.requests) == ["sdk"]
