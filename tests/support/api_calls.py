"""The API's handler over the memory adapters; every response is checked against the description."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
from lambda_context import Context

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from entrypoints import api
from entrypoints.http.openapi import document
from entrypoints.http.routes import ROUTES
from entrypoints.runtime import Runtime
from entrypoints.wiring.api_app import ApiApp, api_app
from entrypoints.wiring.container import UseCases
from entrypoints.wiring.memory import MemoryWorld, memory_world, use_cases

Json = dict[str, Any]
EVENT = Path(__file__).parents[1] / "entrypoint" / "events" / "api_http_default_stage.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; `json` is empty if it has no body."""

    status: int
    headers: dict[str, str]
    json: Json

    @property
    def settings(self) -> Json:
        """The body of a connector, without what a look at its bucket found."""
        return {name: value for name, value in self.json.items() if name != "check"}

    @property
    def problem(self) -> str:
        """The kind of problem, empty if there is none."""
        return str(self.json.get("type", "")).removeprefix("/problems/")


@dataclass(frozen=True, slots=True)
class Api:
    """Calls the handler as API Gateway does."""

    world: MemoryWorld
    container: UseCases
    close: Callable[[], None]

    def answer_checks(self) -> None:
        """Let buckets be looked at, as by the processor's function."""
        self.world.ports.surveyor.report = self.container.check_bucket().run

    def answer_looks(self) -> None:
        """Let objects be looked at, as by the processor's function."""
        self.world.ports.surveyor.sight = self.container.look_at_object().run

    def call(
        self, method: str, path: str, body: object = None, query: Json | None = None, **headers: str
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        text = None if body is None else json.dumps(body)
        response = handled(method, path, urlencode(query or {}), text, sent)
        answer = Answer(
            response["statusCode"], response["headers"], json.loads(response["body"] or "{}")
        )
        _check(method, path, answer)
        return answer


def handled(method: str, path: str, query: str, body: str | None, headers: Json) -> Json:
    """Return the handler's response to a request in payload format 2.0."""
    event: Json = json.loads(EVENT.read_text(encoding="utf-8"))
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    event.update(rawQueryString=query, isBase64Encoded=False, body=body)
    event["headers"] = {"host": "api", "content-type": "application/json", **headers}
    response: Json = api.handler(event, Context(remaining_s=29))
    return response


def _check(method: str, path: str, answer: Answer) -> None:
    described = _described()
    responses = described["paths"][_template_of(method, path)][method.lower()]["responses"]
    response = responses[str(answer.status)]
    always = {"Content-Type", "Cache-Control", "X-Content-Type-Options"}
    assert set(answer.headers) - always <= set(response.get("headers", {}))
    if "content" not in response:
        assert answer.json == {}
        return
    [media] = response["content"].values()
    schema = {**media["schema"], "components": described["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json)


def _template_of(method: str, path: str) -> str:
    segments = path.strip("/").split("/")
    for route in ROUTES:
        parts = route.path.strip("/").split("/")
        same = len(parts) == len(segments) and all(
            part.startswith("{") or part == segment
            for part, segment in zip(parts, segments, strict=True)
        )
        if same and route.method == method:
            return route.path
    raise AssertionError(path)


@cache
def _described() -> Json:
    """Return the description with additional properties forbidden in every object."""
    description = document(ROUTES, server="/")
    for schema in description["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return description


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Serve the API over an empty world, with discovery `direct` as its default."""
    world = memory_world()
    container = use_cases(world.ports, Tuning())

    @asynccontextmanager
    async def opened() -> AsyncIterator[ApiApp]:
        yield api_app(container, default_discovery=Discovery.DIRECT)

    runtime: Runtime[ApiApp] = Runtime(opened)
    monkeypatch.setattr(api, "RUNTIME", runtime)
    yield Api(world, container, runtime.close)
    runtime.close()
