"""The API's description in OpenAPI 3.1: Powertools' of the routes, with problems and headers added.

Nothing is described here that the routes do not know: so a route or a field cannot be served and
not described, or the other way round.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.models import Server

from entrypoints import VERSION
from entrypoints.http import (
    cause_responses,
    cost_responses,
    object_responses,
    orphan_responses,
    pause_responses,
    problems,
    removal_responses,
    responses,
    schedule_responses,
)
from entrypoints.http.powertools import rule_of
from entrypoints.http.problems import ProblemKind
from entrypoints.http.route import Route

Json = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
_EVERY_ROUTE: Final = (
    problems.VALIDATION,
    problems.INTERNAL,
    problems.SERVICE_FAULT,
    problems.UNAVAILABLE,
)
# Powertools describes its own errors with every route; ours replace them.
_NOT_OURS: Final = ("HTTPValidationError", "ValidationError", "ResponseValidationError")

_MODELS: Final = (
    vars(cause_responses)
    | vars(cost_responses)
    | vars(object_responses)
    | vars(orphan_responses)
    | vars(pause_responses)
    | vars(schedule_responses)
    | vars(removal_responses)
    | vars(responses)
)


def document(routes: Iterable[Route], *, server: str) -> Json:
    """Return the description of `routes` as served under `server`."""
    resolver = APIGatewayRestResolver(debug=False)
    for route in routes:
        resolver.route(
            rule_of(route.path),
            route.method,
            summary=route.summary,
            operation_id=route.operation,
            responses=_responses(route),
        )(route.handler)
    model = resolver.get_openapi_schema(
        title="Asset Sync",
        summary="Synchronises S3 buckets with an Asset Management System.",
        version=VERSION,
        servers=[Server(url=server)],
    )
    described: Json = json.loads(
        # Its models make a float of every bound.
        model.model_dump_json(by_alias=True, exclude_none=True),
        parse_float=lambda text: int(text[:-2]) if text.endswith(".0") else float(text),
    )
    schemas = described["components"]["schemas"]
    for name in _NOT_OURS:
        del schemas[name]
    problem = responses.Problem.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    for operation in (each for path in described["paths"].values() for each in path.values()):
        for parameter in operation.setdefault("parameters", []):
            parameter["schema"].pop("description", None)
            if parameter["in"] == "header":
                parameter["name"] = parameter["name"].title()
        # Powertools describes a body of every response.
        operation["responses"].get(str(HTTPStatus.NO_CONTENT.value), {}).pop("content", None)
        if body := operation.get("requestBody"):
            # An absent body is an empty object.
            name = body["content"]["application/json"]["schema"]["$ref"].removeprefix(_SCHEMAS)
            body["required"] = "required" in schemas[name]
    return described


def _success(route: Route) -> Json:
    headers: Json = {}
    if route.status in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
        headers["Location"] = _header("Where the thing is shown.")
    if route.status == HTTPStatus.ACCEPTED:
        headers["Retry-After"] = _header("Seconds until a look at it may show something new.")
    if route.replayable:
        headers["Idempotency-Replayed"] = _header("`true` if an earlier request made the job.")
    if route.answers in ("Connector", "SavedConnector", "Schedule"):
        headers["ETag"] = _header("The state of its settings, for If-Match.")
    if route.status == HTTPStatus.NO_CONTENT:
        return {"description": HTTPStatus(route.status).phrase, "headers": headers}
    return {
        "description": HTTPStatus(route.status).phrase,
        "headers": headers,
        "content": {"application/json": {"model": _MODELS[route.answers]}},
    }


def _responses(route: Route) -> dict[int, Any]:
    status = attrgetter("status")
    kinds = sorted((*_EVERY_ROUTE, *route.problems), key=status)
    refused = {each: _problem(list(group)) for each, group in groupby(kinds, key=status)}
    return {route.status: _success(route), **refused}


def _problem(kinds: Sequence[ProblemKind]) -> Json:
    of_types = {"properties": {"type": {"enum": [kind.type for kind in kinds]}}}
    retried = any(kind.retry_after_s is not None for kind in kinds)
    wait = {"Retry-After": _header("Seconds to wait before the next try.")}
    return {
        "description": "; ".join(f"{kind.title} (`{kind.type}`)" for kind in kinds),
        "headers": wait if retried else {},
        "content": {
            problems.CONTENT_TYPE: {"schema": {"allOf": [{"$ref": f"{_SCHEMAS}Problem"}, of_types]}}
        },
    }


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}
