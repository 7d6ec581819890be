"""Events as API Gateway sends them, in both payload formats, become the same requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.errors import InvalidRequest
from entrypoints.http.body import BODY_BYTES_MAX, content_of
from entrypoints.http.event import Request, UnknownEvent, read_request

EVENTS = Path(__file__).parent / "events"


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"api_{name}.json").read_text(encoding="utf-8"))
    return event


def read(event: dict[str, Any]) -> Request:
    return read_request(event, "request-1")


@pytest.mark.parametrize(
    ("name", "method", "path", "prefix"),
    [
        ("http_default_stage", "POST", "/connectors/media/sync", ""),
        ("http_named_stage", "GET", "/jobs/job-0000000001/objects", "/prod"),
        ("http_custom_domain", "GET", "/jobs", "/assets/sync"),
        ("http_format_1", "GET", "/jobs", "/prod"),
        ("rest_stage", "POST", "/connectors/media/sync", "/prod"),
        ("rest_custom_domain", "GET", "/jobs/job-0000000001/objects", "/assets"),
    ],
)
def test_the_path_is_that_of_the_route_and_the_prefix_is_kept(
    name: str, method: str, path: str, prefix: str
) -> None:
    request = read(recorded(name))
    assert (request.method, request.path, request.link("")) == (method, path, prefix)
    assert request.link("/jobs/1") == f"{prefix}/jobs/1"


@pytest.mark.parametrize("name", ["http_named_stage", "rest_custom_domain"])
def test_a_key_in_the_query_is_decoded_once(name: str) -> None:
    assert read(recorded(name)).query == {"key": ["2026/a b+100% é,c.jpg"]}


@pytest.mark.parametrize("name", ["http_default_stage", "rest_stage"])
def test_a_body_is_the_bytes_that_were_sent_base64_or_not(name: str) -> None:
    request = read(recorded(name))
    assert json.loads(content_of(request)) == {"prefix": "féb/", "dryRun": True}
    assert request.headers["idempotency-key"] == ["nightly-2026-01-31"]
    assert request.headers["content-type"] == ["application/json"]


def test_every_value_of_a_repeated_parameter_is_seen() -> None:
    event = recorded("http_custom_domain")
    event["rawQueryString"] = "limit=1&limit=2&cursor="
    assert read(event).query == {"limit": ["1", "2"], "cursor": [""]}
    assert read(recorded("http_format_1")).query == {"status": ["FAILED", "COMPLETED"]}


@pytest.mark.parametrize("raw", ["key=%FF", "&".join(f"a{n}=1" for n in range(60))])
def test_an_unreadable_query_string_is_an_unknown_parameter(raw: str) -> None:
    event = recorded("http_custom_domain")
    event["rawQueryString"] = raw
    (name,) = read(event).query
    assert "UTF-8" in name


def test_a_stage_is_cut_off_whole_segments_only() -> None:
    event = recorded("http_named_stage")
    event["requestContext"]["stage"] = "pro"
    request = read(event)
    assert (request.path, request.link("")) == ("/prod/jobs/job-0000000001/objects", "")


def test_the_root_and_a_trailing_slash_have_one_form() -> None:
    event = recorded("http_named_stage")
    event["rawPath"] = "/prod"
    assert read(event).path == "/"
    event["rawPath"] = "/prod/jobs/"
    assert read(event).path == "/jobs"


@pytest.mark.parametrize(
    "event",
    [
        recorded("load_balancer"),
        {},
        {"Records": []},
        {"version": "2.0", "requestContext": {}},
        {"version": "3.0", "requestContext": {}, "resource": "/", "httpMethod": "GET"},
        {"requestContext": None, "httpMethod": "GET"},
    ],
    ids=["load balancer", "nothing", "SQS", "no method", "unknown format", "no context"],
)
def test_an_event_of_another_source_is_refused_by_name(event: dict[str, Any]) -> None:
    with pytest.raises(UnknownEvent, match="API Gateway"):
        read(event)


def _with_body(body: str, *, base64: bool) -> Request:
    return read({**recorded("http_default_stage"), "body": body, "isBase64Encoded": base64})


def test_a_body_may_be_as_large_as_the_bound_and_no_larger() -> None:
    assert len(content_of(_with_body("x" * BODY_BYTES_MAX, base64=False))) == BODY_BYTES_MAX
    for body, base64 in [
        ("x" * (BODY_BYTES_MAX + 1), False),
        ("é" * (BODY_BYTES_MAX // 2 + 1), False),
        ("AAAA" * (BODY_BYTES_MAX // 3 + 1), True),
        ("A" * BODY_BYTES_MAX * 4, True),
    ]:
        with pytest.raises(InvalidRequest, match="body: is larger than 262144 bytes"):
            content_of(_with_body(body, base64=base64))


@pytest.mark.parametrize(
    ("body", "base64"), [("%%%", True), ("é", True), ("\ud800", True), ("\ud800", False)]
)
def test_a_body_that_is_not_bytes_is_refused(body: str, base64: bool) -> None:
    with pytest.raises(InvalidRequest, match="body: did not arrive as bytes"):
        content_of(_with_body(body, base64=base64))
