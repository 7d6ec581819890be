"""Malformed events of API Gateway: a response, or an error that names the malformed member."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lambda_context import Context

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from entrypoints import api
from entrypoints.http.event import UnknownEvent, read_request
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp, api_app
from entrypoints.wiring.memory import memory_world, use_cases

EVENTS = Path(__file__).parent / "events"


@pytest.fixture(autouse=True)
def _served_from_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiApp]:
        ports = memory_world().ports
        yield api_app(use_cases(ports, Tuning()), default_discovery=Discovery.DIRECT)

    runtime: Runtime[ApiApp] = Runtime(opened)
    monkeypatch.setattr(api, "RUNTIME", runtime)
    yield
    runtime.close()


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"api_{name}.json").read_text(encoding="utf-8"))
    return event


WRONG_TYPES = (
    None,
    True,
    7,
    1.5,
    "text",
    "\ud800",
    b"x",
    [],
    ["x"],
    [None],
    {},
    {"a": 1},
    {1: "a"},
)
NAMES = [
    "http_default_stage",
    "http_named_stage",
    "http_custom_domain",
    "http_format_1",
    "rest_stage",
    "rest_custom_domain",
]


def _changed(event: Any) -> Iterator[tuple[str, Any]]:
    """Yield the event with each of its members, at any depth, missing or of another type."""
    for name, value in event.items():
        yield name, {k: v for k, v in event.items() if k != name}
        for wrong in WRONG_TYPES:
            yield f"{name}={wrong!r}", {**event, name: wrong}
        if isinstance(value, dict):
            for place, inner in _changed(value):
                yield f"{name}.{place}", {**event, name: inner}


@pytest.mark.parametrize("name", NAMES)
def test_every_event_is_answered_or_refused_as_not_of_api_gateway(name: str) -> None:
    for place, event in _changed(recorded(name)):
        try:
            response = api.handler(event, Context(remaining_s=29))
        except UnknownEvent:
            assert place.startswith(("version", "requestContext", "resource", "httpMethod")), place
            continue
        assert json.loads(json.dumps(response, allow_nan=False)), place
        assert response["statusCode"] in (200, 202, 400, 404, 405, 415), (place, response)


@pytest.mark.parametrize("event", [None, [], "text", 7, True, b"x", [{"version": "2.0"}]])
def test_an_event_that_is_not_an_object_is_refused(event: Any) -> None:
    with pytest.raises(UnknownEvent, match="API Gateway"):
        read_request(event, "request-1")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("member", ["headers", "body", "isBase64Encoded", "pathParameters"])
def test_a_member_of_another_type_is_named(name: str, member: str) -> None:
    event = {**recorded(name), member: 7}
    response = api.handler(event, Context(remaining_s=29))
    assert response["statusCode"] == 400
    assert [fault["path"] for fault in json.loads(response["body"])["errors"]] == [member]


@pytest.mark.parametrize("raw", ["/jobs/\ud800", "/\udcff\udcfe"])
@pytest.mark.parametrize("name", NAMES)
def test_a_path_that_is_not_unicode_is_not_found(name: str, raw: str) -> None:
    event = recorded(name)
    for member in ("rawPath", "path"):
        if member in event:
            event[member] = raw
    event["rawQueryString"] = ""
    event["queryStringParameters"] = event["multiValueQueryStringParameters"] = None
    response = api.handler(event, Context(remaining_s=29))
    assert response["statusCode"] in (404, 405)  # no route there has POST
    json.loads(response["body"])["instance"].encode("ascii")
