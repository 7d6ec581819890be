"""The API against its own description, over HTTP: valid requests, and invalid ones.

schemathesis generates requests from the OpenAPI document, valid and invalid ones, and checks every
response against it. The examples differ with the modules that a process has imported, whose
constants are tried; and an operation finds the connectors and jobs that those before it made. So
they must be valid in any order, and with any values.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import ValidationError

from adapters.local_aws.api_gateway.http_api import http_api_application
from adapters.local_aws.lambda_service.invocation import FunctionSettings
from adapters.local_aws.lambda_service.service import LambdaService
from adapters.local_aws.loopback.http_listener import Listener
from application.execution.tuning import Tuning
from domain.bucket_report import BucketReport
from domain.discovery import Discovery
from domain.filters import nothing_passes
from domain.glob import glob_error
from domain.prefixes import check
from domain.pricing.survey import SurveyRequest
from domain.schedule import Schedule
from domain.schedule_times import schedule_issues, zone_of
from entrypoints import api
from entrypoints.http.filter_bodies import FiltersBody
from entrypoints.http.openapi import document
from entrypoints.http.routes import ROUTES
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp, api_app
from entrypoints.wiring.memory import memory_world, use_cases

CONNECTOR_ID = "media"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# How pydantic names bounds that it checks and does not describe: those after another validator.
UNDESCRIBED = {"ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of"}

schema = schemathesis.openapi.from_dict(document(ROUTES, server="/"))
schema.config.phases.coverage.enabled = False


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Serve the API over HTTP as the local service does, over memory; return its URL."""
    world = memory_world()
    container = use_cases(world.ports, Tuning())
    surveyor = world.ports.surveyor
    surveyor.answer = container.survey_bucket().run

    async def check_bucket(request: SurveyRequest) -> BucketReport:
        """Check a bucket; every bucket that a request names exists."""
        name = request.request.bucket.name
        if world.buckets.find(name) is None:
            world.buckets.create(name)
        return await container.check_bucket().run(request)

    surveyor.report = check_bucket
    surveyor.sight = container.look_at_object().run
    app = api_app(container, default_discovery=Discovery.DIRECT)

    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiApp]:
        yield app

    ready: list[str] = []
    started, stop = threading.Event(), threading.Event()

    async def live() -> None:
        functions = LambdaService(
            [FunctionSettings(name="api", handler=api.handler, concurrency=1)],
            on_environment_shutdown=lambda: api.RUNTIME.close(),
        )
        async with Listener(http_api_application(functions, "api")) as listener:
            ready.append(listener.url)
            started.set()
            await asyncio.to_thread(stop.wait)
        await functions.stop()

    with pytest.MonkeyPatch.context() as patch:
        runtime: Runtime[ApiApp] = Runtime(opened)
        patch.setattr(api, "RUNTIME", runtime)
        thread = threading.Thread(target=lambda: asyncio.run(live()))
        thread.start()
        assert started.wait(10)
        yield ready[0]
        stop.set()
        thread.join(10)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """A session that keeps its connections, because opening them would take most of the time."""
    with requests.Session() as kept:
        yield kept


@schemathesis.hook("filter_query")
def without_cursor(_context: Any, query: Any) -> bool:
    """Leave out cursors: only those that a list returned are valid."""
    return not query or "cursor" not in query


@schemathesis.hook("filter_headers")
def without_e_tag(_context: Any, headers: Any) -> bool:
    """Leave out ETags: only one that a response had is valid."""
    return not headers or not any(name.lower() == "if-match" for name in headers)


@schemathesis.hook("filter_body")
def without_rules_beyond_the_schema(context: Any, body: Any) -> bool:
    """Leave out values that only a rule between members or a grammar forbids: both have tests."""
    if not isinstance(body, dict):
        return True
    prefixes, filters, limits = (body.get(name) for name in ("prefixes", "filters", "limits"))
    if "expression" in body and not _names_times(body):
        return False
    if isinstance(filters, dict) and not _are_possible(filters):
        return False
    if isinstance(limits, dict) and not _is_zone(limits.get("timeZone", "UTC")):
        return False
    if context.operation.method == "patch" and not _fits_any_queue(body):
        return False
    patterns = [*_listed(body.get("include")), *_listed(body.get("exclude"))]
    return not (
        isinstance(prefixes, list)
        and all(isinstance(prefix, str) for prefix in prefixes)
        and check(prefixes, path="prefixes")
    ) and not any(isinstance(pattern, str) and glob_error(pattern) for pattern in patterns)


def _listed(value: Any) -> list[Any]:
    """Return a list as it is, and none for what an invalid body may have instead."""
    return value if isinstance(value, list) else []


def _is_zone(name: Any) -> bool:
    """Return whether a time zone is known, or not even a text."""
    return not isinstance(name, str) or zone_of(name) is not None


def _fits_any_queue(changes: dict[str, Any]) -> bool:
    """Return whether changes of a connector are possible with whatever queue it has: what needs a
    queue comes with one, and none is removed from what may need it.
    """
    queue_url, trigger = changes.get("ingestQueueUrl"), changes.get("trigger")
    removed = "ingestQueueUrl" in changes and queue_url is None
    if isinstance(queue_url, str):
        return True
    needs_queue = trigger == "queue" or changes.get("ingestQueueMaxDepth") is not None
    forgets_needs = trigger in ("copy", "event") and "ingestQueueMaxDepth" in changes
    return not needs_queue and (not removed or forgets_needs)


def _names_times(body: dict[str, Any]) -> bool:
    """Return whether a schedule's expression and time zone are valid, or not even texts."""
    texts = [body["expression"], body.get("timeZone", "UTC")]
    if not all(isinstance(text, str) for text in texts):
        return True
    schedule = Schedule(expression=texts[0], time_zone=texts[1], set_at=NOW)
    return schedule_issues(schedule, now=NOW) == []


def _are_possible(filters: dict[str, Any]) -> bool:
    """Return whether filters of the schema's form let any object pass; others stay."""
    patterns = [*_listed(filters.get("include")), *_listed(filters.get("exclude"))]
    if any(isinstance(pattern, str) and glob_error(pattern) for pattern in patterns):
        return False
    try:
        given = FiltersBody.model_validate(filters)
    except ValidationError:
        return True
    return nothing_passes([given.to_filters()]) is None


@schema.parametrize()
@settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck))
def test_each_operation_is_as_described(case: Any, served: str, session: Any) -> None:
    case.call_and_validate(base_url=served, session=session)


def test_every_bound_of_a_value_is_described() -> None:
    found: set[str] = set()

    def visit(part: Any, path: str) -> None:
        if isinstance(part, dict):
            found.update(f"{path}: {name}" for name in UNDESCRIBED & part.keys())
            for name, value in part.items():
                visit(value, f"{path}/{name}")
        elif isinstance(part, list):
            for value in part:
                visit(value, path)

    visit(document(ROUTES, server="/"), "")

    assert not found
