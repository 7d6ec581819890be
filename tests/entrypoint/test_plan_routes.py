"""The plan's route and maxCost, through the handler: bodies, problems, and what jobs show."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lambda_context import Context

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.job import JobStatus
from domain.outcome import Statistics
from domain.tally import Tally
from entrypoints import api
from entrypoints.http.openapi import document
from entrypoints.http.routes import ROUTES
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp, api_app
from entrypoints.wiring.memory import MemoryWorld, memory_world, use_cases
from ports.errors import Throttled

Json = dict[str, Any]
EVENT = Path(__file__).parent / "events" / "api_http_default_stage.json"


class Api:
    """The API's handler over memory, with a bucket of ten objects and its connector."""

    def __init__(self, world: MemoryWorld) -> None:
        self.world = world

    def get(self, path: str) -> tuple[int, Json]:
        return self.post(path, method="GET")

    def post(
        self, path: str, body: object = None, *, method: str = "POST", **headers: str
    ) -> tuple[int, Json]:
        event: Json = json.loads(EVENT.read_text(encoding="utf-8"))
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
        event["requestContext"]["http"]["method"] = method
        event.update(rawQueryString="", isBase64Encoded=False)
        event["body"] = None if body is None else json.dumps(body)
        event["headers"] = {"host": "api", "content-type": "application/json", **headers}
        answer = api.handler(event, Context(remaining_s=29))
        return answer["statusCode"], json.loads(answer["body"])

    def plan(self, body: object = None) -> tuple[int, Json]:
        return self.post("/connectors/media/plan", body)

    def sync(self, body: object = None, **headers: str) -> tuple[int, Json]:
        return self.post("/connectors/media/sync", body, **headers)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    world = memory_world()
    container = use_cases(world.ports, Tuning())
    world.ports.surveyor.answer = container.survey_bucket().run
    world.buckets.create("media")
    for number in range(10):
        world.buckets.put("media", f"{number}.jpg", b"content")
    world.ports.clock.advance(1)

    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiApp]:
        yield api_app(container, default_discovery=Discovery.DIRECT)

    runtime: Runtime[ApiApp] = Runtime(opened)
    monkeypatch.setattr(api, "RUNTIME", runtime)
    gateway = Api(world)
    status, _ = gateway.post("/connectors", {"connectorId": "media", "bucketName": "media"})
    assert status == 201
    yield gateway
    runtime.close()


def test_a_plan_is_as_it_is_described(gateway: Api) -> None:
    status, plan = gateway.plan()
    assert status == 200
    description = document(ROUTES, server="/")
    schema = {
        "$ref": "#/components/schemas/Plan",
        "components": description["components"],
    }
    jsonschema.Draft202012Validator(schema).validate(plan)
    assert plan["sample"]["exact"]
    assert plan["decisions"] == [
        {
            "outcome": "PUT",
            "sampled": 10,
            "objects": 10,
            "objectsLow": 10,
            "objectsHigh": 10,
            "bytes": 70,
        }
    ]
    total = sum(Decimal(line["dollars"]) for line in plan["lines"])
    assert abs(total - Decimal(plan["estimate"]["dollars"])) < Decimal("0.00001")
    assert len(plan["alternatives"]) == 12
    assert sum(way["cheapest"] for way in plan["alternatives"]) == 1
    assert sum(way["fastest"] for way in plan["alternatives"]) == 1
    assert gateway.post("/connectors/media/plan", {})[0] == 200


def test_the_way_to_sync_can_be_chosen(gateway: Api) -> None:
    body = {
        "discovery": "batch",
        "trigger": "event",
        "verify": "catalog",
        "dryRun": True,
        "prefix": "1",
        "sampleSize": 0,
    }
    status, plan = gateway.plan(body)
    assert status == 200
    assert {name: plan[name] for name in ("discovery", "trigger", "verify", "dryRun")} == {
        name: body[name] for name in ("discovery", "trigger", "verify", "dryRun")
    }
    assert (plan["listing"]["objects"], plan["sample"]["objects"]) == (1, 0)


def test_prices_of_the_request_are_used(gateway: Api) -> None:
    prices = {"region": "eu-west-1", "date": "2027-01-01", "prices": {"s3-write": 2}}
    _, plan = gateway.plan({"prices": prices})
    assert Decimal(plan["estimate"]["dollars"]) > 20
    assert plan["prices"] == {
        "region": "eu-west-1",
        "date": "2027-01-01",
        "changed": ["s3-write"],
    }


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"sampleSize": 2_001}, "sampleSize"),
        ({"sampleSize": -1}, "sampleSize"),
        ({"sampleSize": "many"}, "sampleSize"),
        ({"trigger": "sns"}, "trigger"),
        ({"maxCost": 1}, "maxCost"),
        ({"prices": {"prices": {"s3-reads": 1}}}, "prices.prices.s3-reads"),
        ({"prices": {"prices": {"s3-read": "much"}}}, "prices.prices.s3-read"),
        ({"prices": {"price": {}}}, "prices.price"),
        ({"prefix": "a", "prefixes": ["b"]}, "body"),
    ],
)
def test_a_plan_that_breaks_a_rule_names_the_field(gateway: Api, body: Json, path: str) -> None:
    status, problem = gateway.plan(body)
    assert (status, problem["type"]) == (400, "/problems/validation")
    assert path in [error["path"] for error in problem["errors"]]


def test_a_bucket_that_cannot_be_read_is_a_conflict_with_its_cause(gateway: Api) -> None:
    gateway.post("/connectors", {"connectorId": "gone", "bucketName": "gone"})
    for path, body in (("plan", None), ("sync", {"maxCost": 1})):
        status, problem = gateway.post(f"/connectors/gone/{path}", body)
        assert (status, problem["type"]) == (409, "/problems/bucket-not-readable")
        assert "gone" in problem["detail"]


def test_a_survey_that_is_throttled_may_be_repeated(gateway: Api) -> None:
    async def throttled(_: Any) -> Any:
        raise Throttled("Rate exceeded")

    gateway.world.ports.surveyor.answer = throttled
    for status, problem in (gateway.plan(), gateway.sync({"maxCost": 1})):
        assert (status, problem["type"]) == (503, "/problems/unavailable")
    assert not list(gateway.world.database.jobs)


@pytest.mark.parametrize("amount", ["0.00001", 0.00001, 0, "0"], ids=repr)
def test_a_sync_above_its_maximum_is_refused_with_the_estimate(
    gateway: Api, amount: object
) -> None:
    _, plan = gateway.plan()
    status, problem = gateway.sync({"maxCost": amount})
    assert (status, problem["type"]) == (409, "/problems/above-max-cost")
    assert plan["estimate"]["dollarsHigh"] in problem["detail"]
    assert "asset-sync plan" in problem["detail"]
    assert not list(gateway.world.database.jobs)


@pytest.mark.parametrize("amount", ["1", 1, 1.5, "1.50"], ids=repr)
def test_a_sync_below_its_maximum_shows_its_estimate(gateway: Api, amount: object) -> None:
    _, plan = gateway.plan()
    status, job = gateway.sync({"maxCost": amount})
    assert status == 202
    assert job["estimate"]["dollars"] == plan["estimate"]["dollars"]
    assert Decimal(job["estimate"]["maxCost"]) == Decimal(str(amount))
    assert job["actual"] is None


@pytest.mark.parametrize(
    "amount",
    ["much", "", -1, "-1", True, [], {}, "1e999", "NaN", "1" * 41, 10**10],
    ids=repr,
)
def test_a_maximum_that_is_no_amount_is_refused(gateway: Api, amount: object) -> None:
    status, problem = gateway.sync({"maxCost": amount})
    assert (status, problem["errors"][0]["path"]) == (400, "maxCost")


def test_a_list_of_jobs_has_costs_without_lines(gateway: Api) -> None:
    _, started = gateway.sync()
    job = next(iter(gateway.world.database.jobs))
    ended = replace(job, status=JobStatus.COMPLETED, tally=Tally(statistics=Statistics(put=10)))
    jobs = gateway.world.database.jobs
    gateway.world.database.commit(jobs.write(job.job_id, ended, expected_version=job.version))
    _, page = gateway.get("/jobs")
    _, shown = gateway.get(f"/jobs/{started['jobId']}")
    assert page["items"][0]["actual"] == {**shown["actual"], "lines": []}
    assert len(shown["actual"]["lines"]) > 10


def test_without_a_maximum_nothing_is_surveyed(gateway: Api) -> None:
    gateway.world.ports.surveyor.answer = None
    status, job = gateway.sync({"maxCost": None})
    assert (status, job["estimate"], job["actual"]) == (202, None, None)
