"""The lean BatchGetItem sends what the SDK sends, and leaves to the SDK what it does not handle."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError
from raw_server import NOTHING, RawRequest, RawServer, answer, raw_aws

from adapters.aws import lean_client
from adapters.aws.clients import ClientSettings, open_clients

WANTED: Final[dict[str, Any]] = {
    "assets": {
        "Keys": [
            {"InventoryID": {"S": "asset:uuid:1"}},
            {"InventoryID": {"S": "\u00fc\U0001f600"}},
        ],
        "ProjectionExpression": "#p0",
        "ExpressionAttributeNames": {"#p0": "InventoryID"},
    }
}
FOUND: Final = {
    "Responses": {"assets": [{"InventoryID": {"S": "asset:uuid:1"}}]},
    "UnprocessedKeys": {},
}
BODY: Final = json.dumps(FOUND).encode()
# Of each request: its time, its identity for retries, and what follows from both.
OF_ONE_REQUEST: Final = frozenset(
    {"x-amz-date", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "user-agent"}
)


def well(_: RawRequest) -> bytes:
    return answer(200, BODY, headers={"x-amz-crc32": str(zlib.crc32(BODY))})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lean_client, "_BACKOFF_S_MAX", 0.0)


@pytest_asyncio.fixture
async def raw() -> AsyncIterator[RawServer]:
    async with raw_aws() as server:
        server.answer = well
        yield server


@pytest_asyncio.fixture
async def dynamodb(raw: RawServer) -> AsyncIterator[Any]:
    async with open_clients(ClientSettings(attempt_count_max=1)) as clients:
        yield await clients.dynamodb()


def seen(requests: list[RawRequest]) -> list[str]:
    """Return who sent each request; the SDK numbers its attempts."""
    return [
        ("sdk" if "amz-sdk-request" in {name.lower() for name in each.headers} else "lean")
        for each in requests
    ]


def shown(request: RawRequest) -> dict[str, str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return {name: value for name, value in headers.items() if name not in OF_ONE_REQUEST}


async def test_it_sends_what_the_sdk_sends(raw: RawServer, dynamodb: Any) -> None:
    by_lean = await dynamodb.batch_get_item(RequestItems=WANTED)
    by_sdk = await dynamodb.sdk.batch_get_item(RequestItems=WANTED)

    lean, sdk = raw.requests
    assert seen(raw.requests) == ["lean", "sdk"]
    assert (lean.method, lean.path) == (sdk.method, sdk.path) == ("POST", "/")
    assert json.loads(lean.body) == json.loads(sdk.body)
    assert shown(lean) == shown(sdk)
    signature = {name.lower(): value for name, value in lean.headers.items()}["authorization"]
    assert "/dynamodb/aws4_request, SignedHeaders=" in signature
    assert by_lean == {name: by_sdk[name] for name in FOUND}


async def test_other_calls_are_the_sdk_s(raw: RawServer, dynamodb: Any) -> None:
    raw.answer = lambda _: answer(200, b'{"Count": 1}')
    await dynamodb.query(TableName="t", KeyConditionExpression="id = :id")

    assert seen(raw.requests) == ["sdk"]


@pytest.mark.parametrize(
    "unusual",
    [
        answer(200, b""),
        answer(200, b"[]"),
        answer(200, b"<html></html>"),
        answer(200, BODY[:-1]),
        answer(200, b"[" * 100_000),
        answer(200, BODY, headers={"x-amz-crc32": "1"}),
    ],
    ids=["empty", "a list", "a web page", "truncated", "deep", "another checksum"],
)
async def test_an_unusual_body_is_left_to_the_sdk(
    raw: RawServer, dynamodb: Any, unusual: bytes
) -> None:
    raw.answer = lambda request: unusual if seen([request]) == ["lean"] else well(request)
    found = await dynamodb.batch_get_item(RequestItems=WANTED)
    await dynamodb.batch_get_item(RequestItems=WANTED)

    assert found["Responses"] == FOUND["Responses"]
    assert seen(raw.requests) == ["lean", "sdk", "lean", "sdk"]


@pytest.mark.parametrize(
    "refusal",
    [
        answer(400, b'{"__type": "x#ProvisionedThroughputExceededException"}'),
        answer(400, b'{"__type": "x#AccessDeniedException"}'),
        answer(503),
        NOTHING,
    ],
    ids=["throttled", "denied", "503", "no response"],
)
async def test_after_a_refusal_all_calls_are_left_to_the_sdk_for_a_while(
    raw: RawServer, dynamodb: Any, monkeypatch: pytest.MonkeyPatch, refusal: bytes
) -> None:
    monkeypatch.setattr(lean_client, "_PAUSE_S", 60.0)
    raw.answer = lambda request: refusal if seen([request]) == ["lean"] else well(request)
    await dynamodb.batch_get_item(RequestItems=WANTED)
    await dynamodb.batch_get_item(RequestItems=WANTED)
    dynamodb._paused_until = 0.0
    raw.answer = well
    await dynamodb.batch_get_item(RequestItems=WANTED)

    # Without a response, the HTTP client may send a request once more.
    assert seen(raw.requests)[0] == "lean"
    assert seen(raw.requests)[-3:] == ["sdk", "sdk", "lean"]


async def test_what_the_sdk_refuses_as_well_is_its_error(raw: RawServer, dynamodb: Any) -> None:
    raw.answer = lambda _: answer(400, b'{"__type": "x#ValidationException"}')
    with pytest.raises(ClientError) as caught:
        await dynamodb.batch_get_item(RequestItems=WANTED)

    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert seen(raw.requests) == ["lean", "sdk"]


async def test_one_setting_switches_it_off(raw: RawServer) -> None:
    async with open_clients(ClientSettings(lean_calls=False)) as clients:
        await (await clients.dynamodb()).batch_get_item(RequestItems=WANTED)

    assert seen(raw.requests) == ["sdk"]
