"""Clients that assume a role, against a server that issues credentials."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.aws.clients import Clients, ClientSettings, open_clients
from adapters.aws.errors import map_aws_errors
from ports.errors import AccessDenied, Garbled, Throttled, TimedOut, Unknown

pytestmark = pytest.mark.usefixtures("sdk_environment")

ROLE_ARN = "arn:aws:iam::210987654321:role/media"

ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>KEY{number}</AccessKeyId>
<SecretAccessKey>secret</SecretAccessKey><SessionToken>token{number}</SessionToken>
<Expiration>{expiration}</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::210987654321:assumed-role/media/asset-sync</Arn>
<AssumedRoleId>ID:asset-sync</AssumedRoleId></AssumedRoleUser>
</AssumeRoleResult></AssumeRoleResponse>"""

REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>
<Type>Sender</Type><Code>{code}</Code><Message>not you</Message></Error></ErrorResponse>"""


class Aws:
    """STS and S3: records the assumed roles, and the access key of each request to S3."""

    def __init__(self) -> None:
        self.lives_s = 3_600.0
        self.replaced: tuple[str, str] = ("", "")
        self.refusal: tuple[int, str] | None = None
        self.assumed: list[dict[str, list[str]]] = []
        self.keys: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "POST" and request.path == "/":
            return await self._assume(request)
        credential = re.search("Credential=([^/]+)/", request.headers["Authorization"])
        assert credential is not None
        self.keys.append(credential[1])
        return web.Response(text="<Tagging><TagSet/></Tagging>")

    async def _assume(self, request: web.Request) -> web.Response:
        self.assumed.append(parse_qs(await request.text()))
        if self.refusal is not None:
            status, code = self.refusal
            if status == 0:
                await asyncio.sleep(10)
            return web.Response(status=status, text=REFUSED.format(code=code))
        # Time for concurrent requests to arrive.
        await asyncio.sleep(0.02)
        expiration = (datetime.now(UTC) + timedelta(seconds=self.lives_s)).isoformat()
        text = ASSUMED.format(number=len(self.assumed), expiration=expiration)
        return web.Response(text=re.sub(*self.replaced, text) if self.replaced[0] else text)


@asynccontextmanager
async def opened(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[Clients]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OWN")
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", aws.answer)
    async with TestServer(application) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", str(server.make_url("")))
        async with open_clients(ClientSettings(attempt_count_max=1, **settings)) as clients:
            yield clients


async def read(clients: Clients, role_arn: str | None) -> None:
    client = await clients.s3(role_arn)
    with map_aws_errors("s3", operation="GetObjectTagging", resource="media/a"):
        await client.get_object_tagging(Bucket="media", Key="a")


async def test_a_role_is_assumed_once_for_concurrent_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws()
    async with opened(aws, monkeypatch) as clients:
        await asyncio.gather(*(read(clients, ROLE_ARN) for _ in range(20)))
        assert await clients.s3(ROLE_ARN) is await clients.s3(ROLE_ARN)

    [asked] = aws.assumed
    assert (asked["RoleArn"], asked["RoleSessionName"]) == ([ROLE_ARN], ["asset-sync"])
    assert aws.keys == ["KEY1"] * 20


@pytest.mark.parametrize("by_aioboto3", [True, False])
async def test_each_role_has_its_own_credentials(
    monkeypatch: pytest.MonkeyPatch, by_aioboto3: bool
) -> None:
    aws = Aws()
    async with opened(aws, monkeypatch, aioboto3_sessions=by_aioboto3) as clients:
        await read(clients, ROLE_ARN)
        await read(clients, f"{ROLE_ARN}-2")
        await read(clients, None)
        await read(clients, ROLE_ARN)

        in_role, own = await clients.s3(ROLE_ARN), await clients.s3()

    assert aws.keys == ["KEY1", "KEY2", "OWN", "KEY1"]
    assert in_role.meta.config.read_timeout == own.meta.config.read_timeout
    assert in_role.meta.config.max_pool_connections == own.meta.config.max_pool_connections


async def test_credentials_are_renewed_before_they_expire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = Aws()
    aws.lives_s = 60
    async with opened(aws, monkeypatch) as clients:
        await read(clients, ROLE_ARN)
        await read(clients, ROLE_ARN)

    assert aws.keys == ["KEY1", "KEY2"]


async def test_a_role_that_cannot_be_assumed_is_named_with_what_to_grant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws = Aws()
    aws.refusal = (403, "AccessDenied")
    async with opened(aws, monkeypatch) as clients:
        with pytest.raises(AccessDenied) as refused:
            await read(clients, ROLE_ARN)

    assert (refused.value.operation, refused.value.resource) == ("AssumeRole", ROLE_ARN)
    assert f"sts:AssumeRole on {ROLE_ARN}" in str(refused.value)
    assert "trust policy" in str(refused.value)
    assert aws.keys == []


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [((403, "AccessDenied"), AccessDenied), ((400, "Throttling"), Throttled), ((0, ""), TimedOut)],
    ids=["denied", "throttled", "no answer"],
)
async def test_a_failure_of_sts_fails_all_waiting_calls(
    monkeypatch: pytest.MonkeyPatch, refusal: tuple[int, str], expected: type[Exception]
) -> None:
    """The SDK sends one request at a time; each call would wait for the others' failures first."""
    aws = Aws()
    aws.refusal = refusal
    async with opened(aws, monkeypatch, connect_timeout_s=0.2) as clients:
        results = await asyncio.gather(
            *(read(clients, ROLE_ARN) for _ in range(50)), return_exceptions=True
        )

    assert {type(result) for result in results} == {expected}
    assert len(aws.assumed) == 1


EXPIRATION = "(?<=<Expiration>)[^<]*"
UNUSABLE = {
    "an expiry that is no time": (EXPIRATION, "soon"),
    "an expiry without a zone": (EXPIRATION, "2090-01-01T00:00:00"),
    "an expiry that is over": (EXPIRATION, "2020-01-01T00:00:00Z"),
    "an expiry before all time": (EXPIRATION, "-1"),
    "an expiry after all time": (EXPIRATION, "9" * 30),
    "an expiry of nothing": (EXPIRATION, ""),
    "no expiry": ("<Expiration>.*</Expiration>", ""),
    "no credentials": ("(?s)<Credentials>.*</Credentials>", ""),
    "an empty key id": ("KEY1", ""),
    "a key id of two lines": ("KEY1", "KEY\n1"),
    "a key id of two words": ("KEY1", "KEY 1"),
    "a key id beyond ASCII": ("KEY1", "KEY\N{LATIN SMALL LETTER E WITH ACUTE}"),
    "an empty secret": (">secret<", "><"),
    "a secret of two lines": (">secret<", ">sec\nret<"),
    "no token": ("<SessionToken>.*</SessionToken>", ""),
    "a token with a control character": ("token1", "token\x7f"),
    "a token in elements": ("token1", "<a>token</a>"),
    "an answer that is cut": ("(?s)<SessionToken>.*", "<SessionTok"),
    "a web page": ("(?s).+", "<html><body>Sign in</body></html>"),
}


@pytest.mark.parametrize("replaced", UNUSABLE.values(), ids=list(UNUSABLE))
async def test_unusable_credentials_are_an_unreadable_response_of_sts(
    monkeypatch: pytest.MonkeyPatch, replaced: tuple[str, str]
) -> None:
    """No request to S3 is sent with them, and the error names the role, not the object."""
    aws = Aws()
    aws.replaced = replaced
    async with opened(aws, monkeypatch) as clients:
        with pytest.raises(Garbled) as garbled:
            await read(clients, ROLE_ARN)

    assert (garbled.value.operation, garbled.value.resource) == ("AssumeRole", ROLE_ARN)
    assert aws.keys == []


@pytest.mark.parametrize(("status", "code"), [(405, "MethodNotAllowed"), (404, "NoSuchKey")])
async def test_an_unknown_error_of_sts_is_not_mapped_as_one_of_s3(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    """From S3 these would mean that the object is gone; no request to S3 was sent."""
    aws = Aws()
    aws.refusal = (status, code)
    async with opened(aws, monkeypatch) as clients:
        with pytest.raises(Unknown, match="AssumeRole"):
            await read(clients, ROLE_ARN)


async def test_a_throttled_assume_role_is_retried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.aws.clients._ROLE_FAILURE_KEPT_S", 0)
    aws = Aws()
    aws.refusal = (400, "Throttling")
    async with opened(aws, monkeypatch) as clients:
        with pytest.raises(Throttled):
            await read(clients, ROLE_ARN)
        aws.refusal = None
        await read(clients, ROLE_ARN)

    assert aws.keys == ["KEY2"]
