"""The API from API Gateway's event to its response, over the memory adapters.

`Api.call` checks every response against the API's own description, so every request and response of
these tests must be described.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import openapi_spec_validator
import pytest
from lambda_context import Context

from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from domain.chunk import ChunkStatus
from domain.connector import ConnectorStatus
from domain.discovery import Discovery
from domain.failure import Failure, error_id_for
from domain.job import JobStatus
from domain.outcome import Statistics
from entrypoints import api
from entrypoints.http.openapi import document
from entrypoints.http.problems import ALL_KINDS
from entrypoints.http.routes import ROUTES
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp, api_app
from entrypoints.wiring.memory import MemoryWorld, memory_world, use_cases
from ports import errors as port_errors

EVENTS = Path(__file__).parent / "events"
FORMATS = ["2.0", "1.0"]
Json = dict[str, Any]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Json:
        value: Json = json.loads(self.text)
        return value


@dataclass
class Api:
    """Calls the handler as API Gateway does."""

    world: MemoryWorld
    app: ApiApp
    payload_format: str
    described: Json

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        event = self.event(method, path, text, query or {}, headers or {})
        answer = self.answer(api.handler(event, Context(remaining_s=29)))
        self.check(method, path, answer)
        return answer

    def event(
        self, method: str, path: str, body: str | None, query: dict[str, str], headers: Json
    ) -> Json:
        if self.payload_format == "2.0":
            event = recorded("http_default_stage")
            event["rawPath"] = event["requestContext"]["http"]["path"] = path
            event["requestContext"]["http"]["method"] = method
            event["rawQueryString"] = urlencode(query)
            event["headers"] = {"host": "api", **headers}
        else:
            event = recorded("rest_stage")
            event["path"] = event["requestContext"]["path"] = path
            event["pathParameters"] = {"proxy": path.lstrip("/")}
            event["httpMethod"] = method
            event["headers"] = headers
            event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
            event["queryStringParameters"] = query or None
            event["multiValueQueryStringParameters"] = {k: [v] for k, v in query.items()} or None
        event["body"] = body
        event["isBase64Encoded"] = False
        return event

    def answer(self, response: Json) -> Answer:
        assert response["isBase64Encoded"] is False
        if "multiValueHeaders" in response:
            headers = {name: values[0] for name, values in response["multiValueHeaders"].items()}
        else:
            headers = response["headers"]
        return Answer(response["statusCode"], headers, response["body"])

    def check(self, method: str, path: str, answer: Answer) -> None:
        assert answer.headers["Cache-Control"] == "no-store"
        if method == "HEAD" or answer.status in (204, 405) or "unknown-path" in answer.text:
            return
        described = self.described["paths"][template_of(path)][method.lower()]["responses"]
        response = described[str(answer.status)]
        (content_type, media) = next(iter(response["content"].items()))
        assert answer.headers["Content-Type"] == content_type
        schema = {**media["schema"], "components": self.described["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json)
        always = {"Content-Type", "Cache-Control", "X-Content-Type-Options"}
        sent = set(answer.headers) - always
        assert sent <= set(response.get("headers", {}))
        if answer.status < 300:
            assert set(response["headers"]) - {"Idempotency-Replayed"} <= sent


@cache
def described() -> Json:
    """Return the description with additional properties forbidden in every object."""
    description = document(ROUTES, server="/")
    for schema in description["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return description


def template_of(path: str) -> str:
    segments = path.strip("/").split("/")
    for route in ROUTES:
        parts = route.path.strip("/").split("/")
        if len(parts) == len(segments) and all(
            part.startswith("{") or part == segment
            for part, segment in zip(parts, segments, strict=True)
        ):
            return route.path
    raise AssertionError(path)


def recorded(name: str) -> Json:
    event: Json = json.loads((EVENTS / f"api_{name}.json").read_text(encoding="utf-8"))
    return event


@pytest.fixture(params=FORMATS)
def gateway(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    world = memory_world()
    app = api_app(use_cases(world.ports, Tuning()), default_discovery=Discovery.DIRECT)
    with _serving(world, app, request.param, monkeypatch) as gateway:
        yield gateway


@contextmanager
def _serving(
    world: MemoryWorld, app: ApiApp, payload_format: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Api]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiApp]:
        yield app

    runtime: Runtime[ApiApp] = Runtime(opened)
    monkeypatch.setattr(api, "RUNTIME", runtime)
    yield Api(world, app, payload_format, described())
    runtime.close()


def run(gateway: Api, coroutine: Any) -> Any:
    async def use(_: ApiApp) -> Any:
        return await coroutine

    return api.RUNTIME.run(use)


def answering(gateway: Api) -> None:
    """Let surveys be answered, as by the processor's function."""
    ports = gateway.world.ports
    ports.surveyor.answer = use_cases(ports, Tuning()).survey_bucket().run


def without_check(saved: Json) -> Json:
    """Return a connector that was saved, without what a look at its bucket found."""
    return {name: value for name, value in saved.items() if name != "check"}


@pytest.fixture
def connector(gateway: Api) -> Json:
    body = {"connectorId": "media", "bucketName": "media-prod"}
    return without_check(gateway.call("POST", "/connectors", body).json)


@pytest.fixture
def job(gateway: Api, connector: Json) -> Json:
    """A job whose bucket is listed and split: one chunk with the keys `a é+%.jpg` and `b`."""
    gateway.world.buckets.create("media-prod")
    for key in ("a é+%.jpg", "b"):
        gateway.world.buckets.put("media-prod", key, b"content")
    job = gateway.call("POST", "/connectors/media/sync").json
    ports = gateway.world.ports
    deadline = Deadline(ports.clock, ports.clock.now() + timedelta(minutes=10))
    engine = use_cases(ports, Tuning()).engine()
    run(gateway, engine.advance(job["jobId"], deadline))
    return job


def end_with_errors(gateway: Api, job: Json) -> None:
    ports = gateway.world.ports

    async def settle() -> None:
        chunk = await ports.chunks.get(job["jobId"], 0)
        settled = replace(
            chunk,
            status=ChunkStatus.COMPLETED_WITH_ERRORS,
            statistics=Statistics(put=1, failed=1),
        )
        await ports.chunks.save(settled)
        stored = await ports.jobs.get(job["jobId"])
        ended = replace(
            stored,
            status=JobStatus.COMPLETED_WITH_ERRORS,
            times=replace(stored.times, ended_at=ports.clock.now()),
            status_reason="1 of 2 objects failed",
        )
        await ports.jobs.save(ended)
        await ports.errors.record(
            [
                Failure(
                    error_id=error_id_for(chunk_index=0, subject="b"),
                    job_id=job["jobId"],
                    error_class="AccessDenied",
                    message="no s3:PutObjectTagging",
                    occurred_at=ports.clock.now(),
                    chunk_index=0,
                    key="b",
                    attempt_number=1,
                )
            ]
        )

    run(gateway, settle())


def problem(answer: Answer, slug: str) -> Json:
    kind = next(kind for kind in ALL_KINDS if kind.slug == slug)
    assert answer.json["type"] == f"/problems/{slug}", answer.text
    assert answer.status == answer.json["status"] == kind.status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["title"] == kind.title
    assert answer.json["requestId"] == "request-1"
    assert answer.json["retryable"] == ("Retry-After" in answer.headers)
    return answer.json


# --- routes


def test_a_connector_is_registered_shown_and_listed(gateway: Api) -> None:
    body = {
        "connectorId": "media",
        "bucketName": "media-prod",
        "prefixes": ["b/", "a/"],
        "status": "DISABLED",
        "trigger": "queue",
        "ids": "assigned",
        "verify": "catalog",
        "restoreTags": False,
        "ingestQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/ingest.fifo",
        "ingestQueueMaxDepth": 10_000,
        "ingestQueueMaxAgeSeconds": 900,
        "fileFilter": {"mode": "deny", "extensions": ["mov"], "mimeTypes": ["image/*"]},
        "filters": {
            "include": ["*.mov"],
            "exclude": ["tmp/"],
            "minSizeBytes": 0,
            "maxSizeBytes": 10,
            "modifiedSince": "2026-01-01T00:00:00.000Z",
            "modifiedBefore": "2027-01-01T00:00:00.000Z",
            "minAgeSeconds": 60,
            "storageClasses": ["STANDARD", "GLACIER_IR"],
            "mediaTypes": ["video"],
        },
        "removals": {"announce": True, "maxShare": 0.125, "maxCount": 7, "minCount": 3},
        "limits": {
            "concurrency": 3,
            "objectsPerSecond": 0.5,
            "windows": [{"days": ["MON", "SUN"], "from": "20:00", "to": "06:30"}],
            "timeZone": "Europe/Berlin",
        },
        "expectedBucketOwner": "123456789012",
        "roleArn": "arn:aws:iam::123456789012:role/teams/media",
    }
    created = gateway.call("POST", "/connectors", body)
    assert created.status == 201
    assert created.headers["Location"] == "/connectors/media"
    expected = {
        **body,
        "prefixes": ["a/", "b/"],
        "ingestQueueEmptyAt": None,
        "schedule": None,
        "nextRunAt": None,
        "createdAt": "2026-01-01T00:00:00.000Z",
    }
    assert without_check(created.json) == expected
    assert gateway.call("GET", "/connectors/media").json == expected
    assert gateway.call("GET", "/connectors").json == {"items": [expected], "nextCursor": None}


@pytest.mark.parametrize(
    "inner",
    [None, "x", "\ud800", "[" * 900, base64.b64encode(b'["chunks of unknown",1]').decode()],
)
@pytest.mark.parametrize("place", [[0, 0], [-1, -1], [True, 10**300], [1.5, "x"], [None, []]])
def test_a_forged_cursor_of_outcomes_is_not_an_internal_error(
    gateway: Api, job: Json, inner: str | None, place: list[Any]
) -> None:
    cursor = json.dumps(["outcomes", "PUT", inner, *place])
    query = {"outcome": "PUT", "cursor": base64.urlsafe_b64encode(cursor.encode()).decode()}
    answer = gateway.call("GET", f"/jobs/{job['jobId']}/outcomes", query=query)
    assert answer.status in (200, 400)


@pytest.mark.parametrize("path", ["/jobs", "/connectors", "/jobs/JOB/chunks", "/jobs/JOB/errors"])
@pytest.mark.parametrize("text", ["[" * 2_500 + "]" * 2_500, "null", '["jobs of None in None",1]'])
def test_a_forged_cursor_is_refused(gateway: Api, job: Json, path: str, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode()[:4_096]
    answer = gateway.call("GET", path.replace("JOB", job["jobId"]), query={"cursor": cursor})
    assert (answer.status, answer.json["type"]) == (400, "/problems/invalid-cursor")


def test_unreadable_records_are_listed_with_the_readable_ones(gateway: Api, job: Json) -> None:
    other = without_check(gateway.call("POST", "/connectors", {"bucketName": "other"}).json)
    gateway.world.database.unreadable["media"] = "KeyError('status') " * 100
    gateway.world.database.unreadable[job["jobId"]] = "a later version's"

    connectors = gateway.call("GET", "/connectors").json
    assert connectors["items"] == [other]
    assert [each["id"] for each in connectors["unreadable"]] == ["media"]
    jobs = gateway.call("GET", "/jobs").json
    assert jobs["items"] == []
    [unreadable] = jobs["unreadable"]
    assert unreadable["id"] == job["jobId"]
    assert unreadable["cause"].endswith("a later version's")
    assert gateway.call("GET", f"/jobs/{job['jobId']}").status == 500


@pytest.mark.parametrize("name", ["My_Archive.2009", "LEGACY", "x" * 255])
def test_a_bucket_of_us_east_1_with_an_old_name_is_synced(gateway: Api, name: str) -> None:
    gateway.world.buckets.create(name)
    gateway.world.buckets.put(name, "a.jpg", b"content")
    created = gateway.call("POST", "/connectors", {"bucketName": name, "connectorId": "old"})
    assert (created.status, created.json["bucketName"]) == (201, name)
    job = gateway.call("POST", "/connectors/old/sync").json
    ports = gateway.world.ports
    deadline = Deadline(ports.clock, ports.clock.now() + timedelta(minutes=10))
    run(gateway, use_cases(ports, Tuning()).engine().advance(job["jobId"], deadline))
    assert gateway.call("GET", f"/jobs/{job['jobId']}").json["statistics"]["objectsListed"] == 1


def test_a_connector_id_that_begins_with_a_hyphen_is_refused_for_that(gateway: Api) -> None:
    refused = gateway.call("POST", "/connectors", {"bucketName": "media", "connectorId": "-a"})
    assert "begin with a letter or a digit" in refused.json["detail"]


def test_a_connector_gets_an_id_and_defaults(gateway: Api) -> None:
    created = gateway.call("POST", "/connectors", {"bucketName": "media-prod"}).json
    assert created["connectorId"].startswith("con-")
    assert (created["status"], created["trigger"]) == ("ENABLED", "copy")
    assert (created["prefixes"], created["expectedBucketOwner"]) == ([], None)
    assert created["roleArn"] is None
    assert (created["ids"], created["restoreTags"]) == ("minted", True)
    assert (created["ingestQueueUrl"], created["fileFilter"]) == (None, None)
    assert created["verify"] == "tags"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"extensions": [".MOV", "mov ", " "]}, {"extensions": ["mov"], "mimeTypes": []}),
        ({"mimeTypes": ["Image/*"]}, {"extensions": [], "mimeTypes": ["image/*"]}),
        ({"extensions": [" . "]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_file_filter_is_kept_in_one_form(gateway: Api, given: Json, shown: Json | None) -> None:
    body = {"bucketName": "media-prod", "fileFilter": given}
    created = gateway.call("POST", "/connectors", body)
    assert created.status == 201
    assert created.json["fileFilter"] == (shown and {"mode": "allow", **shown})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"trigger": "queue"}, "ingestQueueUrl"),
        ({"ingestQueueUrl": "arn:aws:sqs:eu-west-1:123456789012:ingest"}, "ingestQueueUrl"),
        ({"ingestQueueUrl": "https://sqs.eu-west-1.amazonaws.com/12/q"}, "ingestQueueUrl"),
        ({"fileFilter": {"mode": "some"}}, "fileFilter.mode"),
        ({"bucketName": "asset-sync-results"}, "bucketName"),
        ({"bucketName": "media--usw2-az1--x-s3"}, "bucketName"),
        ({"bucketName": "a..b"}, "bucketName"),
        ({"connectorId": "-a"}, "connectorId"),
    ],
)
def test_an_invalid_connector_is_named(gateway: Api, fields: Json, path: str) -> None:
    refused = gateway.call("POST", "/connectors", {"bucketName": "media-prod", **fields})
    assert refused.status == 400
    assert [error["path"] for error in refused.json["errors"]] == [path]


@pytest.mark.parametrize("body", [None, "", "{}"])
def test_a_plain_sync_is_of_the_whole_connector(
    gateway: Api, connector: Json, body: str | None
) -> None:
    started = gateway.call("POST", "/connectors/media/sync", body)
    assert started.status == 202
    assert started.headers["Location"] == f"/connectors/media/jobs/{started.json['jobId']}"
    assert int(started.headers["Retry-After"]) > 0
    assert "Idempotency-Replayed" not in started.headers
    assert started.json["connectorId"] == connector["connectorId"]
    assert started.json["prefixes"] == []
    assert started.json["status"] == "INITIALIZING"
    assert started.json["discovery"] == "direct"  # the deployment's default, not the domain's
    assert gateway.world.ports.invoker.take() == [started.json["jobId"]]


def test_a_sync_gets_every_requested_option(gateway: Api, connector: Json) -> None:
    body = {
        "prefixes": ["b/", "a/"],
        "dryRun": True,
        "discovery": "batch",
        "modifiedSince": "2026-01-31T13:00:00+01:00",
        "include": ["*.mov"],
        "exclude": ["tmp/**"],
    }
    started = gateway.call("POST", f"/connectors/{connector['connectorId']}/sync", body).json
    stored = run(gateway, gateway.world.ports.jobs.get(started["jobId"]))
    assert stored.request.options.prefixes == ("a/", "b/")
    assert stored.request.options.discovery is Discovery.BATCH
    assert stored.request.options.dry_run
    assert stored.request.options.modified_since.isoformat() == "2026-01-31T12:00:00+00:00"
    assert stored.request.options.include == ("*.mov",)
    assert stored.request.options.exclude == ("tmp/**",)


def test_the_same_idempotency_key_and_body_is_the_same_job(gateway: Api, connector: Json) -> None:
    headers = {"Idempotency-Key": "nightly"}
    path = f"/connectors/{connector['connectorId']}/sync"
    first = gateway.call("POST", path, {"prefix": "a/"}, headers=headers)
    again = gateway.call("POST", path, {"prefix": "a/"}, headers=headers)
    assert again.status == 202
    assert again.json["jobId"] == first.json["jobId"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert len(gateway.world.ports.invoker.take()) == 1


def test_lists_page_by_cursor(gateway: Api, connector: Json) -> None:
    path = f"/connectors/{connector['connectorId']}/sync"
    for prefix in "abc":
        gateway.world.ports.clock.advance(1)
        gateway.call("POST", path, {"prefix": f"{prefix}/"})
    first = gateway.call("GET", "/jobs", query={"limit": "2", "connectorId": "media"}).json
    assert [job["prefixes"] for job in first["items"]] == [["c/"], ["b/"]]
    query = {"limit": "2", "connectorId": "media", "cursor": first["nextCursor"]}
    second = gateway.call("GET", "/jobs", query=query).json
    assert [job["prefixes"] for job in second["items"]] == [["a/"]]
    assert second["nextCursor"] is None
    assert gateway.call("GET", "/jobs", query={"connectorId": "other"}).json["items"] == []
    assert gateway.call("GET", "/jobs", query={"status": "FAILED"}).json["items"] == []


def test_a_job_and_its_chunks(gateway: Api, job: Json) -> None:
    shown = gateway.call("GET", f"/jobs/{job['jobId']}").json
    assert shown["status"] == "PROCESSING"
    assert shown["statistics"]["objectsListed"] == 2
    assert shown["chunks"] == {"total": 1, "completed": 0, "failed": 0, "cancelled": 0}
    (chunk,) = gateway.call("GET", f"/jobs/{job['jobId']}/chunks").json["items"]
    assert (chunk["chunkIndex"], chunk["objectCount"], chunk["status"]) == (0, 2, "QUEUED")


def test_an_object_before_and_after_its_chunk_is_settled(gateway: Api, job: Json) -> None:
    path = f"/jobs/{job['jobId']}/objects"
    before = gateway.call("GET", path, query={"key": "a é+%.jpg"}).json
    assert before["outcome"] is None
    assert [chunk["chunkIndex"] for chunk in before["chunks"]] == [0]
    ports = gateway.world.ports
    deadline = Deadline(ports.clock, ports.clock.now() + timedelta(minutes=10))
    run(gateway, use_cases(ports, Tuning()).process_chunk().process(job["jobId"], 0, deadline))
    answer = gateway.call("GET", path, query={"key": "a é+%.jpg"})
    assert answer.text.isascii()  # so that any key survives every proxy
    after = answer.json
    assert after["objectKey"] == "a é+%.jpg"
    assert (after["outcome"]["outcome"], after["outcome"]["reason"]) == ("PUT", "NO_IDS")
    assert after["outcome"]["assetId"].startswith("asset:img:")
    assert after["chunkCount"] == 1


def test_failures(gateway: Api, job: Json) -> None:
    end_with_errors(gateway, job)
    (failure,) = gateway.call("GET", f"/jobs/{job['jobId']}/errors").json["items"]
    assert failure["objectKey"] == "b"
    assert failure["errorClass"] == "AccessDenied"


def test_cancel(gateway: Api, job: Json) -> None:
    cancelled = gateway.call("POST", f"/jobs/{job['jobId']}/cancel")
    assert cancelled.status == 202
    assert cancelled.headers["Location"] == f"/jobs/{job['jobId']}"
    assert cancelled.json["statusReason"] == "cancelled by request"
    assert gateway.call("POST", f"/jobs/{job['jobId']}/cancel").status == 202


def test_redrive(gateway: Api, job: Json) -> None:
    end_with_errors(gateway, job)
    redriven = gateway.call("POST", f"/jobs/{job['jobId']}/redrive")
    assert redriven.status == 202
    assert redriven.json["status"] == "PROCESSING"
    assert gateway.call("POST", f"/jobs/{job['jobId']}/redrive").status == 202


def test_ids_in_the_path_may_be_encoded(gateway: Api, connector: Json) -> None:
    assert connector["connectorId"] == "media"
    assert gateway.call("GET", "/connectors/m%65dia").json == connector


# --- methods


def test_head_is_get_without_the_body(gateway: Api, connector: Json) -> None:
    assert connector
    answer = gateway.call("HEAD", "/connectors/media")
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["Content-Type"] == "application/json"
    missing = gateway.call("HEAD", "/connectors/other")
    assert (missing.status, missing.text) == (404, "")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/connectors", "GET, HEAD, OPTIONS, POST"),
        ("/connectors/media/sync", "OPTIONS, POST"),
        ("/jobs/job-1", "GET, HEAD, OPTIONS"),
    ],
)
def test_other_methods_get_the_allowed_ones(gateway: Api, path: str, allow: str) -> None:
    options = gateway.call("OPTIONS", path)
    assert (options.status, options.headers["Allow"], options.text) == (204, allow, "")
    for method in ("DELETE", "PUT", "PATCH", "BREW"):
        refused = gateway.call(method, path)
        problem(refused, "method-not-allowed")
        assert refused.headers["Allow"] == allow


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/job",
        "/jobs/1/2/3",
        "/jobs//chunks",
        "/connectors/media/syncs",
        "/prod/jobs",
        "/openapi-json",
        "/é x",
        "/a\nb",
    ],
)
def test_an_unknown_path_is_a_problem(gateway: Api, path: str) -> None:
    shown = problem(gateway.call("GET", path), "unknown-path")
    assert shown["instance"] == quote(path)
    assert "/openapi.json" in shown["detail"]


# --- problems


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/connectors/other"),
        ("POST", "/connectors/other/sync"),
        ("GET", "/jobs/other"),
        ("GET", "/jobs/other/chunks"),
        ("GET", "/jobs/other/errors"),
        ("POST", "/jobs/other/cancel"),
        ("POST", "/jobs/other/redrive"),
        ("GET", "/jobs/other/removals"),
        ("GET", "/jobs/other/orphans"),
        ("GET", "/jobs/other/orphans/plan"),
        ("POST", "/jobs/other/orphans"),
        ("GET", f"/jobs/{'x' * 129}"),
        ("GET", "/jobs/caf%C3%A9"),
        ("GET", "/jobs/café"),
        ("GET", "/jobs/cafe\u0301"),
        ("POST", "/jobs/\U0001f600/cancel"),
        ("GET", "/connectors/a\nb"),
        ("GET", "/connectors/a\u2028b"),
        ("GET", '/connectors/a"^`\\#?b'),
        ("GET", "/connectors/ "),
        ("GET", "/jobs/a%00b"),
    ],
)
def test_a_missing_resource_is_not_found(gateway: Api, method: str, path: str) -> None:
    shown = problem(gateway.call(method, path), "not-found")
    assert "GET /jobs" in shown["detail"]
    assert shown["instance"] == quote(path, safe="/")


def test_no_table_is_read_for_an_invalid_id(gateway: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with _with_failing(gateway, RuntimeError("asked"), monkeypatch) as failing:
        for thing_id in ("x" * 129, "x" * 4_000, "caf%C3%A9", "a%00b", "-a", "a%2Fb"):
            problem(failing.call("GET", f"/jobs/{thing_id}"), "not-found")
            problem(failing.call("GET", f"/connectors/{thing_id}"), "not-found")


def test_a_key_that_is_not_in_the_job_is_not_found(gateway: Api, job: Json) -> None:
    answer = gateway.call("GET", f"/jobs/{job['jobId']}/objects", query={"key": "zzz"})
    assert "'zzz'" in problem(answer, "not-found")["detail"]


def test_a_taken_connector_id(gateway: Api, connector: Json) -> None:
    answer = gateway.call("POST", "/connectors", connector | {"createdAt": None})
    problem(answer, "validation")
    body = {"connectorId": "media", "bucketName": "other-bucket"}
    assert "media" in problem(gateway.call("POST", "/connectors", body), "already-exists")["detail"]


def test_a_disabled_connector(gateway: Api) -> None:
    gateway.call(
        "POST",
        "/connectors",
        {"connectorId": "off", "bucketName": "media-prod", "status": ConnectorStatus.DISABLED},
    )
    shown = problem(gateway.call("POST", "/connectors/off/sync"), "connector-disabled")
    assert "off" in shown["detail"]


def test_an_overlapping_job_is_named(gateway: Api, connector: Json) -> None:
    path = f"/connectors/{connector['connectorId']}/sync"
    first = gateway.call("POST", path, {"prefix": "a/"}).json
    shown = problem(gateway.call("POST", path, {"prefix": "a/b/"}), "overlapping-job")
    assert shown["jobId"] == first["jobId"]
    assert first["jobId"] in shown["detail"]


def test_a_reused_idempotency_key_names_its_job(gateway: Api, connector: Json) -> None:
    headers = {"Idempotency-Key": "nightly"}
    path = f"/connectors/{connector['connectorId']}/sync"
    first = gateway.call("POST", path, {"prefix": "a/"}, headers=headers).json
    answer = gateway.call("POST", path, {"prefix": "b/"}, headers=headers)
    assert problem(answer, "idempotency-key-reused")["jobId"] == first["jobId"]


def test_a_job_that_has_nothing_to_redrive(gateway: Api, job: Json) -> None:
    shown = problem(gateway.call("POST", f"/jobs/{job['jobId']}/redrive"), "not-redrivable")
    assert "PROCESSING" in shown["detail"]


@pytest.mark.parametrize("path", ["/jobs", "/connectors", "{job}/chunks", "{job}/errors"])
def test_a_cursor_of_another_list(gateway: Api, job: Json, path: str) -> None:
    path = path.replace("{job}", f"/jobs/{job['jobId']}")
    shown = problem(gateway.call("GET", path, query={"cursor": "Zm9v"}), "invalid-cursor")
    assert "nextCursor" in shown["detail"]


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"prefix": ""}, ["prefix"]),
        ({"prefixes": ["a/", ""]}, ["prefixes.1"]),
        ({"prefixes": ["a/", "b/", "a/x"]}, ["prefixes.2"]),
        ({"prefixes": ["a/", "a/"]}, ["prefixes.1"]),
        ({"dryRun": "yes", "limit": 1}, ["dryRun", "limit"]),
    ],
)
def test_a_bad_body_names_its_fields(
    gateway: Api, connector: Json, body: Json, paths: list[str]
) -> None:
    answer = gateway.call("POST", f"/connectors/{connector['connectorId']}/sync", body)
    shown = problem(answer, "validation")
    assert [fault["path"] for fault in shown["errors"]] == paths
    assert paths[0] in shown["detail"]
    assert gateway.world.ports.invoker.take() == []


def test_a_prefix_outside_of_the_connectors(gateway: Api) -> None:
    body = {"connectorId": "part", "bucketName": "media-prod", "prefixes": ["a/"]}
    gateway.call("POST", "/connectors", body)
    one = problem(gateway.call("POST", "/connectors/part/sync", {"prefix": "b/"}), "validation")
    assert [fault["path"] for fault in one["errors"]] == ["prefix"]
    many = {"prefixes": ["a/x/", "b/"]}
    listed = problem(gateway.call("POST", "/connectors/part/sync", many), "validation")
    assert [fault["path"] for fault in listed["errors"]] == ["prefixes.1"]


def test_rules_of_the_domain_on_connectors(gateway: Api) -> None:
    body = {
        "bucketName": "no bucket",
        "connectorId": "-",
        "expectedBucketOwner": "12",
        "roleArn": "media",
        "prefixes": ["a/", "a/b"],
    }
    shown = problem(gateway.call("POST", "/connectors", body), "validation")
    paths = {fault["path"] for fault in shown["errors"]}
    assert paths == {"bucketName", "connectorId", "expectedBucketOwner", "prefixes.1", "roleArn"}


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:role/media",
        "arn:aws-us-gov:iam::123456789012:role/a/b/Media+=.@_-1",
        f"arn:aws:iam::123456789012:role/{'r' * 64}",
    ],
)
def test_a_role_is_named_by_its_arn(gateway: Api, arn: str) -> None:
    created = gateway.call("POST", "/connectors", {"bucketName": "media-prod", "roleArn": arn})
    assert (created.status, created.json["roleArn"]) == (201, arn)


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:iam::12345678901:role/media",
        "arn:aws:iam::123456789012:user/media",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/media/",
        "arn:aws:iam::123456789012:role/media\n",
        "arn:aws:iam::123456789012:role/*",
        "arn:aws:iam::123456789012:role/*/media",
        "arn:aws:sts::123456789012:assumed-role/media/session",
        f"arn:aws:iam::123456789012:role/{'r' * 65}",
    ],
)
def test_an_invalid_role_arn_is_refused(gateway: Api, arn: str) -> None:
    answer = gateway.call("POST", "/connectors", {"bucketName": "media-prod", "roleArn": arn})
    shown = problem(answer, "validation")
    assert [fault["path"] for fault in shown["errors"]] == ["roleArn"]


def test_bodies_that_are_not_json(gateway: Api) -> None:
    shown = problem(gateway.call("POST", "/connectors", "{'a': 1}"), "invalid-json")
    assert "line 1, column 2" in shown["detail"]
    headers = {"Content-Type": "text/xml"}
    answer = gateway.call("POST", "/connectors", "<a/>", headers=headers)
    assert "application/json" in problem(answer, "unsupported-media-type")["detail"]


def test_unknown_parameters_are_refused_on_every_route(gateway: Api, connector: Json) -> None:
    for route in ROUTES:
        path = route.path.replace("{connectorId}", connector["connectorId"])
        path = path.replace("{jobId}", "job-1")
        body = {"bucketName": "b-b-b"} if route.path == "/connectors" else {}
        answer = gateway.call(route.method, path, body, query={"dryRun": "true"})
        shown = problem(answer, "validation")
        assert "dryRun" in [fault["path"] for fault in shown["errors"]], path
    assert gateway.world.ports.invoker.take() == []


def test_a_reply_stays_small_however_wrong_the_request_is(gateway: Api, connector: Json) -> None:
    path = f"/connectors/{connector['connectorId']}/sync"
    worst = [
        {"prefixes": ["\x01" * 1000 + "x" * n for n in range(1, 25)] * 4},
        {f"field{n}": 1 for n in range(15_000)},
        {"x" * 200_000: 1},
    ]
    for body in worst:
        answer = gateway.call("POST", path, body)
        problem(answer, "validation")
        assert len(answer.text) < 500_000


def test_a_page_that_lambda_could_not_return_is_refused(gateway: Api, connector: Json) -> None:
    path = f"/connectors/{connector['connectorId']}/sync"
    started = gateway.call("POST", path, {"prefixes": [f"{n:03}/" for n in range(100)]}).json
    jobs = gateway.world.database.jobs
    stored = jobs.find(started["jobId"])
    assert stored is not None
    options = replace(stored.request.options, prefixes=("x" * 1000,) * 100)
    request = replace(stored.request, options=options)
    for n in range(70):
        copy = replace(stored, job_id=f"job-{n:03}", request=request)
        gateway.world.database.commit(jobs.write(copy.job_id, copy, expected_version=None))
    answer = gateway.call("GET", "/jobs", query={"limit": "70"})
    assert problem(answer, "validation")["errors"][0]["path"] == "limit"
    assert gateway.call("GET", "/jobs", query={"limit": "20"}).status == 200


class _Failing:
    """Stands in for a use case, and raises a given error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, _: str) -> Any:
        async def fail(*_: object, **__: object) -> None:
            raise self._error

        return fail


class _FailingCheck(_Failing):
    def vetting(self, _: object) -> Any:
        return SimpleNamespace(report=None)


def _with_failing(
    gateway: Api, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> AbstractContextManager[Api]:
    failing: Any = _Failing(error)
    app = replace(
        gateway.app,
        start_sync=failing,
        plan_sync=failing,
        connectors=failing,
        check_connector=_FailingCheck(error),  # type: ignore[arg-type]
        schedules=failing,
        cancel_job=failing,
        pause_job=failing,
        pause_stage=failing,
        redrive_job=failing,
        removal_pages=failing,
        confirm_removals=failing,
        orphan_pages=failing,
        find_orphans=failing,
        plan_orphans=failing,
        queries=failing,
        explain_object=failing,
        object_history=failing,
        outcome_pages=failing,
        group_failures=failing,
    )
    return _serving(gateway.world, app, gateway.payload_format, monkeypatch)


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        (port_errors.Throttled("jobs-table-prod"), "unavailable"),
        (port_errors.TimedOut("jobs-table-prod"), "unavailable"),
        (port_errors.AccessDenied("jobs-table-prod"), "service-fault"),
        (RuntimeError("jobs-table-prod"), "internal"),
    ],
)
@pytest.mark.parametrize("route", ROUTES[:-1], ids=lambda route: route.operation)
def test_an_internal_error_is_answered_and_logged_without_its_details(
    gateway: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, slug: str, route: Any
) -> None:
    path = route.path.replace("{connectorId}", "media").replace("{jobId}", "job-1")
    bodies: dict[str, Json] = {
        "connectors": {"bucketName": "media-prod"},
        "confirm": {"missing": 1},
    }
    body = bodies.get(path.split("/")[-1])
    query = {"objects": {"key": "a"}, "outcomes": {"outcome": "PUT"}}.get(path.split("/")[-1], {})
    sent = body if route.method == "POST" else None
    if route.method == "PUT":
        sent = {"expression": "rate(6 hours)"}
    with _with_failing(gateway, error, monkeypatch) as failing:
        answer = failing.call(route.method, path, sent, query=query)
    shown = problem(answer, slug)
    assert "jobs-table-prod" not in answer.text
    assert slug == "unavailable" or "request-1" in shown["detail"]
    (warning,) = gateway.world.ports.telemetry.warnings
    assert "jobs-table-prod" in str(warning.facts["cause"])
    assert "Traceback" in str(warning.facts["stack_trace"])
    assert warning.facts["error_class"] == type(error).__name__


def test_a_conflict_may_be_retried(gateway: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    with _with_failing(gateway, port_errors.Conflict("job-1 changed"), monkeypatch) as failing:
        assert problem(failing.call("POST", "/jobs/job-1/cancel"), "conflict")["retryable"]
    assert gateway.world.ports.telemetry.warnings == []


def test_an_invalid_request_logs_no_warning(gateway: Api) -> None:
    gateway.call("GET", "/jobs/other")
    gateway.call("POST", "/connectors", "{")
    assert gateway.world.ports.telemetry.warnings == []


def test_an_app_that_cannot_be_opened_is_answered(
    gateway: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @asynccontextmanager
    async def unopenable() -> AsyncIterator[ApiApp]:
        raise RuntimeError("JOB_TABLE_NAME is not set")
        yield

    monkeypatch.setattr(api, "RUNTIME", Runtime(unopenable))
    answer = gateway.call("GET", "/jobs")
    problem(answer, "internal")
    assert "JOB_TABLE_NAME" not in answer.text
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "JOB_TABLE_NAME" in str(record.exc_info[1])


def test_an_event_of_another_source_fails_the_invocation(gateway: Api) -> None:
    with pytest.raises(Exception, match="API Gateway"):
        api.handler(recorded("load_balancer"), Context(remaining_s=29))
    assert gateway.world.ports.telemetry.events == []


def test_the_log_has_routes_and_statuses_and_no_input(
    gateway: Api,
    connector: Json,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    assert connector
    secret = "se-cret-value"
    gateway.call("POST", "/connectors/media/sync", {"prefix": secret, "x": secret})
    gateway.call("POST", "/connectors/media/sync", {"prefix": secret})
    gateway.call("GET", "/jobs/job-1/objects", query={"key": secret})
    telemetry = gateway.world.ports.telemetry
    assert [event.facts["status"] for event in telemetry.events if event.name == "request"] == [
        201,
        400,
        202,
        404,
    ]
    out = capfd.readouterr()
    assert secret not in f"{telemetry.events}{telemetry.warnings}{caplog.text}{out.out}{out.err}"


def test_powertools_debug_mode_does_not_print_events(
    gateway: Api, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    assert gateway.call("POST", "/connectors/media/sync", {"prefix": "se-cret"}).status == 404
    assert capfd.readouterr().out == ""


# --- the two formats, recorded


@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("http_default_stage", "/connectors/media/jobs/"),
        ("rest_stage", "/prod/connectors/media/jobs/"),
    ],
)
def test_a_recorded_sync(gateway: Api, connector: Json, name: str, location: str) -> None:
    assert connector
    response = api.handler(recorded(name), Context(remaining_s=29))
    answer = gateway.answer(response)
    assert answer.status == 202
    assert answer.headers["Location"] == f"{location}{answer.json['jobId']}"
    assert (answer.json["prefixes"], answer.json["dryRun"]) == (["féb/"], True)
    assert ("multiValueHeaders" in response) == (name == "rest_stage")
    again = gateway.answer(api.handler(recorded(name), Context(remaining_s=29)))
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("name", ["http_named_stage", "rest_custom_domain"])
def test_a_recorded_question_about_a_key(gateway: Api, name: str) -> None:
    answer = gateway.answer(api.handler(recorded(name), Context(remaining_s=29)))
    assert problem(answer, "not-found")["detail"].startswith("there is no job job-0000000001")


@pytest.mark.parametrize("name", ["http_custom_domain", "http_format_1"])
def test_a_recorded_list(gateway: Api, name: str) -> None:
    answer = gateway.answer(api.handler(recorded(name), Context(remaining_s=29)))
    if name == "http_format_1":
        assert problem(answer, "validation")["errors"][0]["path"] == "status"
    else:
        assert answer.json == {"items": [], "nextCursor": None}


def test_threads_do_not_answer_each_others_requests(
    gateway: Api, connector: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the local service each environment is a thread; Powertools shares the current event."""
    other_format = replace(gateway, payload_format=FORMATS[gateway.payload_format == "2.0"])
    answers: list[Answer] = []

    def ask_in_between() -> None:
        answers.append(other_format.call("GET", "/jobs/other"))
        api.RUNTIME.close()

    class Interrupted:
        """Serves another environment's request during the first one."""

        async def get(self, connector_id: str) -> Any:
            thread = Thread(target=ask_in_between)
            thread.start()
            thread.join()
            return await gateway.app.connectors.get(connector_id)

    connectors: Any = Interrupted()
    app = replace(gateway.app, connectors=connectors)
    with _serving(gateway.world, app, gateway.payload_format, monkeypatch):
        event = gateway.event("GET", "/connectors/media", None, {}, {})
        response = api.handler(event, Context(remaining_s=29))
    # Each format has its own form of headers, so a mix-up is visible in the response.
    assert ("multiValueHeaders" in response) == (gateway.payload_format == "1.0")
    assert gateway.answer(response).json == connector
    assert [answer.status for answer in answers] == [404]


# --- the description


def test_the_description_is_valid_openapi(gateway: Api) -> None:
    described = gateway.call("GET", "/openapi.json").json
    assert described["openapi"] == "3.1.0"
    openapi_spec_validator.validate(described)


def test_every_route_is_described_and_nothing_else(gateway: Api) -> None:
    described = gateway.call("GET", "/openapi.json").json
    operations = {
        (method.upper(), path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(route.method, route.path) for route in ROUTES}
    assert len({each["operationId"] for each in operations.values()}) == len(ROUTES)
    for (method, path), operation in operations.items():
        filled = path.replace("{connectorId}", "other").replace("{jobId}", "other")
        answer = gateway.call(method, filled)
        assert answer.status not in (405, 500), (method, path)
        assert str(answer.status) in operation["responses"]
        assert all(parameter["schema"] for parameter in operation["parameters"])


def test_the_description_names_the_bounds_that_are_enforced(gateway: Api) -> None:
    described = gateway.call("GET", "/openapi.json").json
    sync = described["components"]["schemas"]["SyncBody"]
    assert sync["additionalProperties"] is False
    assert set(sync["properties"]) == {
        "prefix",
        "prefixes",
        "dryRun",
        "discovery",
        "modifiedSince",
        "include",
        "exclude",
        "filters",
        "retrigger",
        "verify",
        "maxCost",
        "source",
    }
    plan = described["components"]["schemas"]["PlanBody"]
    assert set(plan["properties"]) - set(sync["properties"]) == {"trigger", "sampleSize", "prices"}
    assert set(sync["properties"]) - set(plan["properties"]) == {"maxCost", "source"}
    prefixes, _null = sync["properties"]["prefixes"]["anyOf"]
    assert (prefixes["minItems"], prefixes["maxItems"]) == (1, 100)
    patterns, _null = sync["properties"]["include"]["anyOf"]
    assert patterns["maxItems"] == 50
    assert (patterns["items"]["minLength"], patterns["items"]["maxLength"]) == (1, 256)
    parameters = described["paths"]["/jobs"]["get"]["parameters"]
    limit = next(parameter for parameter in parameters if parameter["name"] == "limit")
    assert limit["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
        "title": "Limit",
    }
    assert {parameter["name"] for parameter in parameters} == {
        "limit",
        "cursor",
        "connectorId",
        "status",
    }


def test_accepted_bodies_match_the_description(gateway: Api, connector: Json) -> None:
    schemas = gateway.described["components"]
    source = {"kind": "inventory", "bucketName": "reports", "key": "a/manifest.json"}
    bodies = [
        ("SyncBody", {"prefix": "c/", "source": source}),
        ("SyncBody", {"prefix": "d/", "source": {**source, "kind": "manifest", "eTag": '"e1"'}}),
        ("SyncBody", {"prefix": "a/", "modifiedSince": "2026-01-31T12:00:00Z"}),
        ("SyncBody", {"prefixes": ["b/"], "discovery": "batch", "dryRun": False, "include": None}),
        ("ConnectorBody", {"bucketName": "media-prod", "trigger": "event"}),
        ("PlanBody", {"prefix": "a/", "trigger": "queue", "sampleSize": 0}),
        ("PlanBody", {"prices": {"region": "eu-west-1", "prices": {"s3-read": "0.0000005"}}}),
        ("PlanBody", {"prices": {"prices": {"s3-read": 0}}}),
    ]
    paths = {"ConnectorBody": "/connectors", "PlanBody": "/connectors/media/plan"}
    gateway.world.buckets.create("media-prod")
    answering(gateway)
    for model, body in bodies:
        schema = {"$ref": f"#/components/schemas/{model}", "components": schemas}
        jsonschema.Draft202012Validator(schema).validate(body)
        path = paths.get(model, "/connectors/media/sync")
        assert gateway.call("POST", path, body).status in (200, 201, 202)
    assert connector


def test_the_description_is_served_under_the_stage(gateway: Api) -> None:
    event = recorded("http_named_stage")
    event["rawPath"] = "/prod/openapi.json"
    event["rawQueryString"] = ""
    answer = gateway.answer(api.handler(event, Context(remaining_s=29)))
    assert answer.json["servers"] == [{"url": "/prod"}]


def test_every_kind_of_problem_has_its_own_type() -> None:
    assert len({kind.type for kind in ALL_KINDS}) == len(ALL_KINDS) >= 16
