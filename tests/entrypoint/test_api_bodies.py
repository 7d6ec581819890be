"""The members of a request: each invalid one is refused, and named by its path."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from lambda_context import Context

from application.execution.tuning import Tuning
from domain.connector import Bucket, Connector, ConnectorStatus, Ingest, Verify
from domain.discovery import Discovery
from domain.sync_request import SyncOptions
from entrypoints import api
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp, api_app
from entrypoints.wiring.memory import memory_world, use_cases

SYNC = "/connectors/media/sync"


@dataclass
class Answer:
    status: int
    body: dict[str, Any]

    @property
    def issues(self) -> dict[str, str]:
        assert self.body["type"] in ("/problems/validation", "/problems/invalid-json")
        return {error["path"]: error["message"] for error in self.body["errors"]}


class Api:
    """Calls the function with events of format 1.0, which have all values of a name."""

    def __init__(self) -> None:
        self.world = memory_world()
        self.add_connector("media")
        self.app = api_app(use_cases(self.world.ports, Tuning()), default_discovery=Discovery.BATCH)

    def add_connector(self, connector_id: str) -> None:
        self.world.database.connectors[connector_id] = Connector(
            connector_id=connector_id,
            bucket=Bucket(name="media-prod"),
            prefixes=(),
            status=ConnectorStatus.ENABLED,
            ingest=Ingest(),
            created_at=self.world.ports.clock.now(),
        )

    def call(
        self,
        method: str,
        path: str,
        body: str | object = "",
        *,
        headers: Mapping[str, Sequence[str]] | None = None,
        query: Mapping[str, Sequence[str]] | None = None,
    ) -> Answer:
        event = {
            "resource": "/{proxy+}",
            "path": path,
            "httpMethod": method,
            "requestContext": {"stage": "prod", "path": path},
            "pathParameters": {"proxy": path.lstrip("/")},
            "multiValueHeaders": headers,
            "multiValueQueryStringParameters": query,
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        response = api.handler(event, Context(remaining_s=29))
        return Answer(response["statusCode"], json.loads(response["body"]))

    def post(self, body: str | object, path: str = SYNC, **kwargs: Any) -> Answer:
        return self.call("POST", path, body, **kwargs)

    def started(self, body: str | object, **kwargs: Any) -> SyncOptions:
        """Start a sync; returns what is stored of the request."""
        answer = self.post(body, **kwargs)
        assert answer.status == 202, answer

        async def job(_: ApiApp) -> Any:
            return await self.world.ports.jobs.get(answer.body["jobId"])

        options: SyncOptions = api.RUNTIME.run(job).request.options
        return options


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    served = Api()

    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiApp]:
        yield served.app

    runtime: Runtime[ApiApp] = Runtime(opened)
    monkeypatch.setattr(api, "RUNTIME", runtime)
    yield served
    runtime.close()


@pytest.mark.parametrize("body", ["", "  \r\n", "{}", '{"prefix": null, "include": null}'])
def test_every_member_of_a_sync_is_optional(served: Api, body: str) -> None:
    assert served.started(body) == SyncOptions(discovery=Discovery.BATCH, verify=Verify.TAGS)


def test_a_sync_in_full(served: Api) -> None:
    body = {
        "prefixes": ["a/", "b/"],
        "dryRun": True,
        "discovery": "direct",
        "modifiedSince": "2026-01-31T13:00:00+01:00",
        "include": ["*.mov"],
        "exclude": ["tmp/**"],
        "verify": "catalog",
    }
    parsed = served.started(body)
    assert parsed.prefixes == ("a/", "b/")
    assert parsed.dry_run is True
    assert parsed.discovery is Discovery.DIRECT
    assert parsed.modified_since == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (parsed.include, parsed.exclude) == (("*.mov",), ("tmp/**",))
    assert parsed.verify is Verify.CATALOG


BAD_SYNCS: list[tuple[object, set[str]]] = [
    ([], {"body"}),
    ([{"prefix": "a/"}], {"body"}),
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
def test_a_bad_sync_names_every_field_that_is_wrong(
    served: Api, body: object, paths: set[str]
) -> None:
    assert set(served.post(json.dumps(body)).issues) == paths
    assert served.world.ports.invoker.take() == []


def test_values_at_their_bounds_are_accepted(served: Api) -> None:
    bounds = {"prefixes": [f"{n:03}/" for n in range(100)], "include": ["a" * 256] * 50}
    assert len(served.started(bounds).prefixes) == 100
    assert served.started({"prefix": "é" * 512}).prefixes == ("é" * 512,)


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
        ({"bucketName": "media", "fileFilter": "mov"}, {"fileFilter"}),
        ({"bucketName": "media", "fileFilter": ["mov"]}, {"fileFilter"}),
        ({"bucketName": "media", "fileFilter": {"mimeTypes": [7]}}, {"fileFilter.mimeTypes.0"}),
    ],
)
def test_a_bad_connector_names_every_field_that_is_wrong(
    served: Api, body: object, paths: set[str]
) -> None:
    assert set(served.post(body, "/connectors").issues) == paths


def test_messages_state_what_is_valid_and_hold_no_input(served: Api) -> None:
    body = {"discovery": "secret-value", "dryRun": "secret-value", "other": "secret-value"}
    refused = served.post(body)
    messages = refused.issues
    assert messages["discovery"] == "must be 'batch' or 'direct'"
    assert messages["dryRun"] == "must be true or false"
    assert "known: prefix, prefixes, dryRun, discovery" in messages["other"]
    assert "secret-value" not in str(refused)


def test_an_unknown_name_is_answered_with_those_of_its_place(served: Api) -> None:
    body = {"bucketName": "media", "bucket": "x", "fileFilter": {"suffixes": ["mov"]}}
    messages = served.post(body, "/connectors").issues
    assert "known: bucketName, connectorId" in messages["bucket"]
    assert messages["fileFilter.suffixes"].endswith("known: mode, extensions, mimeTypes")
    messages = served.call("GET", "/jobs/job-1/objects", query={"keys": ["a"]}).issues
    assert messages == {"keys": "is not known here; known: key, cursor", "key": "is missing"}
    messages = served.call("GET", "/jobs/job-1", query={"limit": ["1"]}).issues
    assert messages == {"limit": "is not known here; known: nothing"}


def test_all_errors_of_body_query_and_headers_are_named_together(served: Api) -> None:
    headers = {"Idempotency-Key": ["a b"]}
    refused = served.post({"dryRun": 1}, headers=headers, query={"dry": ["1", "2"]})
    assert set(refused.issues) == {"dryRun", "Idempotency-Key", "dry"}


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
def test_invalid_json_is_refused_with_its_position(served: Api, body: str, message: str) -> None:
    refused = served.post(body)
    assert refused.body["type"] == "/problems/invalid-json"
    assert message in refused.issues["body"]


def test_a_name_given_twice_is_refused_and_not_the_last_taken(served: Api) -> None:
    refused = served.post('{"prefix": "a/", "dryRun": true, "prefix": "b/"}')
    assert refused.issues == {"prefix": "is given more than once"}


@pytest.mark.parametrize("body", ['{"\\ud800": 1}', '{"\\ud800": 1, "\\ud800": 2}'])
def test_a_name_that_is_not_unicode_is_refused(served: Api, body: str) -> None:
    assert served.post(body).status == 400


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
def test_only_json_is_accepted(served: Api, content_type: tuple[str, ...], taken: bool) -> None:
    headers = {"Content-Type": list(content_type)} if content_type else {}
    if taken:
        assert served.started({"dryRun": True}, headers=headers).dry_run
        return
    assert served.post({"dryRun": True}, headers=headers).status == 415
    # Without a body there is no content type to check.
    assert not served.started("", headers=headers).dry_run


@pytest.mark.parametrize("key", ["a", "nightly-2026-01-31", '"8e03978e-40d5"', "~" * 255])
def test_idempotency_keys(served: Api, key: str) -> None:
    headers = {"Idempotency-Key": [key]}
    first, again = (served.post({}, headers=headers) for _ in range(2))
    assert (first.status, again.status) == (202, 202)
    assert first.body["jobId"] == again.body["jobId"]


@pytest.mark.parametrize(
    "values", [("",), ("a b",), ("a\n",), ("é",), ("a" * 256,), ("a", "b"), ("\x7f",)]
)
def test_an_invalid_idempotency_key(served: Api, values: tuple[str, ...]) -> None:
    refused = served.post({}, headers={"Idempotency-Key": list(values)})
    assert set(refused.issues) == {"Idempotency-Key"}


def test_a_query(served: Api) -> None:
    query = {"limit": ["100"], "status": ["FAILED"], "connectorId": ["media"]}
    assert served.call("GET", "/jobs", query=query).body["items"] == []
    for number in range(30):
        served.add_connector(f"other-{number}")
    assert len(served.call("GET", "/connectors").body["items"]) == 20
    assert len(served.call("GET", "/connectors", query={"limit": ["7"]}).body["items"]) == 7


@pytest.mark.parametrize(
    ("route", "query", "path"),
    [
        ("/connectors", {"limit": ("0",)}, "limit"),
        ("/connectors", {"limit": ("101",)}, "limit"),
        ("/connectors", {"limit": ("5.0",)}, "limit"),
        ("/connectors", {"limit": ("+5",)}, "limit"),
        ("/connectors", {"limit": ("٣",)}, "limit"),
        ("/connectors", {"limit": ("",)}, "limit"),
        ("/connectors", {"limit": ("5", "6")}, "limit"),
        ("/connectors", {"cursor": ("",)}, "cursor"),
        ("/connectors", {"cursor": ("x" * 4097,)}, "cursor"),
        ("/connectors", {"status": ("FAILED",)}, "status"),
        ("/jobs", {"status": ("failed",)}, "status"),
        ("/jobs", {"connectorId": ("",)}, "connectorId"),
        ("/jobs", {"connectorId": ("x" * 129,)}, "connectorId"),
        ("/jobs", {"conectorId": ("media",)}, "conectorId"),
        ("/jobs/job-1/objects", {}, "key"),
        ("/jobs/job-1/objects", {"key": ("",)}, "key"),
        ("/jobs/job-1/objects", {"key": ("é" * 513,)}, "key"),
        ("/jobs/job-1/objects", {"key": ("a\0",)}, "key"),
    ],
)
def test_a_bad_query_names_the_parameter(
    served: Api, route: str, query: dict[str, tuple[str, ...]], path: str
) -> None:
    values = {name: list(given) for name, given in query.items()}
    assert set(served.call("GET", route, query=values).issues) == {path}


def test_a_body_with_ten_thousand_errors_is_read_fast(served: Api) -> None:
    body = ",".join(f'"f{n % 9_000}": 1' for n in range(18_000))
    assert "and 8997 more" in served.post("{" + body + "}").body["detail"]
    body = ",".join(f'"f{n}": 1' for n in range(9_000))
    assert "and 8997 more" in served.post("{" + body + "}").body["detail"]
