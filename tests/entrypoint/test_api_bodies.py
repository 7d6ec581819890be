"""The members of a request: each invalid one is refused, and named by its path."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import InvalidRequest
from domain.job import Discovery, JobStatus
from entrypoints.http.bodies import ConnectorBody, JobsQuery, ObjectQuery, PageQuery, SyncBody
from entrypoints.http.exchange import Request
from entrypoints.http.parsing import idempotency_key, parse_body, parse_query
from entrypoints.http.problems import RequestFault


def request(
    body: str | bytes | object = "",
    *,
    headers: dict[str, tuple[str, ...]] | None = None,
    query: dict[str, tuple[str, ...]] | None = None,
) -> Request:
    if isinstance(body, bytes):
        body = body.decode("latin-1")
    return Request(
        payload_format="2.0",
        method="POST",
        path="/connectors/media/sync",
        prefix="",
        query=query or {},
        headers=headers or {},
        body=body if isinstance(body, str) else json.dumps(body),
        body_is_base64=False,
        request_id="request-1",
    )


def faults_of(error: InvalidRequest | RequestFault) -> dict[str, str]:
    return {fault.path: fault.message for fault in error.issues}


@pytest.mark.parametrize("body", ["", "  \r\n", "{}", '{"prefix": null, "include": null}'])
def test_every_member_of_a_sync_is_optional(body: str) -> None:
    assert parse_body(request(body), SyncBody) == SyncBody()


def test_a_sync_in_full() -> None:
    body = {
        "prefixes": ["a/", "b/"],
        "dryRun": True,
        "discovery": "direct",
        "modifiedSince": "2026-01-31T13:00:00+01:00",
        "include": ["*.mov"],
        "exclude": ["tmp/**"],
    }
    parsed = parse_body(request(body), SyncBody)
    assert parsed.prefixes == ["a/", "b/"]
    assert parsed.dry_run is True
    assert parsed.discovery is Discovery.DIRECT
    assert parsed.modified_since == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (parsed.include, parsed.exclude) == (["*.mov"], ["tmp/**"])


BAD_SYNCS: list[tuple[object, set[str]]] = [
    ([], {"body"}),
    (None, {"body"}),
    ("text", {"body"}),
    (7, {"body"}),
    ({"prefx": "a/"}, {"prefx"}),
    ({"dry_run": True}, {"dry_run"}),
    ({"prefix": "a/", "prefixes": ["b/"]}, {"body"}),
    ({"prefix": 7}, {"prefix"}),
    ({"prefix": ["a/"]}, {"prefix"}),
    ({"prefix": "a\0"}, {"prefix"}),
    ({"prefix": "a\ud800"}, {"prefix"}),
    ({"prefix": "a" * 1025}, {"prefix"}),
    ({"prefix": "é" * 513}, {"prefix"}),
    ({"prefixes": "a/"}, {"prefixes"}),
    ({"prefixes": []}, {"prefixes"}),
    ({"prefixes": ["a/", 7, "b\0"]}, {"prefixes.1", "prefixes.2"}),
    ({"prefixes": [f"{n:03}/" for n in range(101)]}, {"prefixes"}),
    ({"dryRun": "true"}, {"dryRun"}),
    ({"dryRun": 1}, {"dryRun"}),
    ({"dryRun": None}, {"dryRun"}),
    ({"discovery": "BATCH"}, {"discovery"}),
    ({"discovery": 1}, {"discovery"}),
    ({"modifiedSince": "2026-01-31"}, {"modifiedSince"}),
    ({"modifiedSince": "2026-01-31T12:00:00"}, {"modifiedSince"}),
    ({"modifiedSince": "yesterday"}, {"modifiedSince"}),
    ({"modifiedSince": 1769860800}, {"modifiedSince"}),
    ({"modifiedSince": "0001-01-01T00:00:00+23:59"}, {"modifiedSince"}),
    ({"include": "*.mov"}, {"include"}),
    ({"include": ["*"] * 51}, {"include"}),
    ({"include": ["*.mov", ""]}, {"include.1"}),
    ({"include": ["a" * 257]}, {"include.0"}),
    (
        {"include": ["*.mov", "!a"], "exclude": ["a[", "/", "tmp/"]},
        {"include.1", "exclude.0", "exclude.1"},
    ),
    ({"exclude": ["\0", "\udfff", "*"]}, {"exclude.0", "exclude.1"}),
    ({"a": 1, "prefix": 1, "dryRun": 1}, {"a", "prefix", "dryRun"}),
]


@pytest.mark.parametrize(("body", "paths"), BAD_SYNCS, ids=[str(b)[:40] for b, _ in BAD_SYNCS])
def test_a_bad_sync_names_every_field_that_is_wrong(body: object, paths: set[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_body(request(json.dumps(body)), SyncBody)
    assert set(faults_of(caught.value)) == paths


def test_values_at_their_bounds_are_accepted() -> None:
    parsed = parse_body(
        request({"prefixes": [f"{n:03}/" for n in range(100)], "include": ["a" * 256] * 50}),
        SyncBody,
    )
    assert len(parsed.prefixes or ()) == 100
    assert parse_body(request({"prefix": "é" * 512}), SyncBody).prefix == "é" * 512


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, {"bucketName"}),
        ({"bucketName": None}, {"bucketName"}),
        ({"bucketName": "media", "bucket": "media"}, {"bucket"}),
        ({"bucketName": "media", "status": "enabled"}, {"status"}),
        ({"bucketName": "media", "trigger": "COPY"}, {"trigger"}),
        ({"bucketName": "media", "expectedBucketOwner": 123456789012}, {"expectedBucketOwner"}),
        ({"bucketName": "media", "prefixes": [f"{n:03}/" for n in range(101)]}, {"prefixes"}),
        ({"bucketName": "media", "connectorId": "a\ud800"}, {"connectorId"}),
    ],
)
def test_a_bad_connector_names_every_field_that_is_wrong(body: object, paths: set[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_body(request(body), ConnectorBody)
    assert set(faults_of(caught.value)) == paths


def test_messages_state_what_is_valid_and_hold_no_input() -> None:
    body = {"discovery": "secret-value", "dryRun": "secret-value", "other": "secret-value"}
    with pytest.raises(InvalidRequest) as caught:
        parse_body(request(body), SyncBody)
    messages = faults_of(caught.value)
    assert messages["discovery"] == "has to be 'batch' or 'direct'"
    assert messages["dryRun"] == "has to be true or false"
    assert "known: prefix, prefixes, dryRun, discovery" in messages["other"]
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"prefix": "a/",\n "dryRun": true,}', "line 2, column 17"),
        ("prefix=a/", "line 1, column 1"),
        ('{"prefix": "a/"} {}', "line 1, column 18"),
        ('{"dryRun": NaN}', "a number out of range"),
        ('{"dryRun": -Infinity}', "a number out of range"),
        ('{"dryRun": ' + "1" * 5000 + "}", "a number out of range"),
        ("[" * 200_000, "nested too deep"),
        ("\ufeff{}", "line 1, column 1"),
    ],
    ids=["comma", "form", "twice", "NaN", "Infinity", "long", "deep", "BOM"],
)
def test_invalid_json_is_refused_with_its_position(body: str, message: str) -> None:
    with pytest.raises(RequestFault) as caught:
        parse_body(request(body), SyncBody)
    assert caught.value.kind.slug == "invalid-json"
    assert message in faults_of(caught.value)["body"]


def test_a_name_given_twice_is_refused_and_not_the_last_taken() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_body(request('{"prefix": "a/", "dryRun": true, "prefix": "b/"}'), SyncBody)
    assert faults_of(caught.value) == {"prefix": "is given more than once"}


@pytest.mark.parametrize("body", ['{"\\ud800": 1}', '{"\\ud800": 1, "\\ud800": 2}'])
def test_a_name_that_is_not_unicode_is_refused(body: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_body(request(body), SyncBody)


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ((), True),
        (("application/json",), True),
        (("Application/JSON; charset=UTF-8",), True),
        (('application/json; charset="utf-8"',), True),
        (("application/json; charset=latin-1",), False),
        (("application/x-www-form-urlencoded",), True),  # curl's default
        (("text/plain",), False),
        (("application/jsonp",), False),
        (("",), False),
        (("application/json", "text/plain"), False),
    ],
)
def test_only_json_is_accepted(content_type: tuple[str, ...], taken: bool) -> None:
    headers = {"content-type": content_type} if content_type else {}
    if taken:
        assert parse_body(request({"dryRun": True}, headers=headers), SyncBody).dry_run
        return
    with pytest.raises(RequestFault) as caught:
        parse_body(request({"dryRun": True}, headers=headers), SyncBody)
    assert caught.value.kind.status == 415
    # Without a body there is no content type to check.
    assert parse_body(request("", headers=headers), SyncBody) == SyncBody()


@pytest.mark.parametrize("key", ["a", "nightly-2026-01-31", '"8e03978e-40d5"', "~" * 255])
def test_idempotency_keys(key: str) -> None:
    assert idempotency_key(request(headers={"idempotency-key": (key,)})) == key


@pytest.mark.parametrize(
    "values", [("",), ("a b",), ("a\n",), ("é",), ("a" * 256,), ("a", "b"), ("\x7f",)]
)
def test_an_invalid_idempotency_key(values: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        idempotency_key(request(headers={"idempotency-key": values}))
    assert set(faults_of(caught.value)) == {"Idempotency-Key"}


def test_no_idempotency_key() -> None:
    assert idempotency_key(request()) is None


def test_a_query() -> None:
    query = {"limit": ("100",), "status": ("FAILED",), "connectorId": ("media",)}
    parsed = parse_query(request(query=query), JobsQuery)
    assert (parsed.limit, parsed.status, parsed.connector_id) == (100, JobStatus.FAILED, "media")
    assert parse_query(request(), JobsQuery).limit == 20


@pytest.mark.parametrize(
    ("model", "query", "path"),
    [
        (PageQuery, {"limit": ("0",)}, "limit"),
        (PageQuery, {"limit": ("101",)}, "limit"),
        (PageQuery, {"limit": ("5.0",)}, "limit"),
        (PageQuery, {"limit": ("+5",)}, "limit"),
        (PageQuery, {"limit": ("٣",)}, "limit"),
        (PageQuery, {"limit": ("",)}, "limit"),
        (PageQuery, {"limit": ("5", "6")}, "limit"),
        (PageQuery, {"cursor": ("",)}, "cursor"),
        (PageQuery, {"cursor": ("x" * 4097,)}, "cursor"),
        (PageQuery, {"status": ("FAILED",)}, "status"),
        (JobsQuery, {"status": ("failed",)}, "status"),
        (JobsQuery, {"connectorId": ("",)}, "connectorId"),
        (JobsQuery, {"connectorId": ("x" * 129,)}, "connectorId"),
        (JobsQuery, {"conectorId": ("media",)}, "conectorId"),
        (ObjectQuery, {}, "key"),
        (ObjectQuery, {"key": ("",)}, "key"),
        (ObjectQuery, {"key": ("é" * 513,)}, "key"),
        (ObjectQuery, {"key": ("a\0",)}, "key"),
    ],
)
def test_a_bad_query_names_the_parameter(
    model: type[Any], query: dict[str, tuple[str, ...]], path: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_query(request(query=query), model)
    assert set(faults_of(caught.value)) == {path}


def test_a_body_with_ten_thousand_errors_is_read_fast() -> None:
    body = ",".join(f'"f{n % 9_000}": 1' for n in range(18_000))
    with pytest.raises(InvalidRequest) as caught:
        parse_body(request("{" + body + "}"), SyncBody)
    assert len(caught.value.issues) == 9_000
