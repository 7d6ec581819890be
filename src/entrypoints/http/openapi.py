"""The API's description in OpenAPI 3.1, made of the table of routes and the models.

Nothing is described here that the routes do not know: so a route or a field cannot be served and
not described, or the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from entrypoints import VERSION
from entrypoints.http import problems, responses
from entrypoints.http.bodies import NoQuery
from entrypoints.http.exchange import Json
from entrypoints.http.problems import ProblemKind
from entrypoints.http.route import Route

_REF: Final = "#/components/schemas/{model}"
_EVERY_ROUTE: Final = (
    problems.VALIDATION,
    problems.INTERNAL,
    problems.SERVICE_FAULT,
    problems.UNAVAILABLE,
)
_IDEMPOTENCY_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body: the same job. The same key, another body: a problem.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
# What is of another form is of nothing, so that it is not found.
_ID_SCHEMA: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 128}


def document(routes: Iterable[Route], *, server: str) -> Json:
    """Return the description of `routes` as served under `server`."""
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Asset Sync",
            "summary": "Synchronises S3 buckets with an Asset Management System.",
            "version": VERSION,
        },
        "servers": [{"url": server}],
        "paths": {
            path: {route.method.lower(): _operation(route) for route in group}
            for path, group in by_path.items()
        },
        "components": {"schemas": _schemas([r for group in by_path.values() for r in group])},
    }


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": {str(route.status): _success(route), **_problems(route)},
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": bool(_schema_of(route.body).get("required")),
            "content": {"application/json": {"schema": _ref(route.body.__name__)}},
        }
    return operation


def _parameters(route: Route) -> list[Json]:
    parameters: list[Json] = []
    if route.parameter is not None:
        parameters.append(
            {"name": route.parameter, "in": "path", "required": True, "schema": _ID_SCHEMA}
        )
    if route.query is not NoQuery:
        schema = _schema_of(route.query)
        for name, field in schema["properties"].items():
            described = {key: value for key, value in field.items() if key != "description"}
            parameters.append(
                {
                    "name": name,
                    "in": "query",
                    "description": field.get("description", ""),
                    "required": name in schema.get("required", ()),
                    "schema": described,
                }
            )
    if route.replayable:
        parameters.append(_IDEMPOTENCY_KEY)
    return parameters


def _success(route: Route) -> Json:
    headers: Json = {}
    if route.status in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
        headers["Location"] = _header("Where the thing is shown.")
    if route.status == HTTPStatus.ACCEPTED:
        headers["Retry-After"] = _header("Seconds until a look at it may show something new.")
    if route.replayable:
        headers["Idempotency-Replayed"] = _header("`true` if an earlier request made the job.")
    return {
        "description": HTTPStatus(route.status).phrase,
        "headers": headers,
        "content": {"application/json": {"schema": _ref(route.answers)}},
    }


def _problems(route: Route) -> Json:
    kinds = sorted((*_EVERY_ROUTE, *route.problems), key=_status)
    return {str(status): _problem(list(group)) for status, group in groupby(kinds, key=_status)}


def _status(kind: ProblemKind) -> int:
    return kind.status


def _problem(kinds: Sequence[ProblemKind]) -> Json:
    types = [kind.type for kind in kinds]
    retried = any(kind.retry_after_s is not None for kind in kinds)
    return {
        "description": "; ".join(f"{kind.title} (`{kind.type}`)" for kind in kinds),
        "headers": {"Retry-After": _header("Seconds to wait before the next try.")}
        if retried
        else {},
        "content": {
            problems.CONTENT_TYPE: {
                "schema": {"allOf": [_ref("Problem"), {"properties": {"type": {"enum": types}}}]}
            }
        },
    }


def _schemas(routes: Iterable[Route]) -> Json:
    """Return the schemas of all bodies and answers, and of what these are made of."""
    chosen = list(routes)
    shown = {route.answers for route in chosen} | {"Problem"}
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (getattr(responses, name), "validation") for name in sorted(shown)
    ]
    models += [(route.body, "validation") for route in chosen if route.body is not None]
    _, definitions = models_json_schema(models, by_alias=True, ref_template=_REF)
    schemas: Json = definitions["$defs"]
    return schemas


def _schema_of(model: type[BaseModel]) -> Json:
    """Return the schema of a query or body with what it refers to written out."""
    schema = model.model_json_schema(by_alias=True, ref_template=_REF)
    definitions = schema.pop("$defs", {})
    written: Json = _inline(schema, definitions)
    return written


def _inline(node: Any, definitions: Json) -> Any:
    if isinstance(node, list):
        return [_inline(each, definitions) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(definitions[node["$ref"].rpartition("/")[2]], definitions)
    return {key: _inline(value, definitions) for key, value in node.items()}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _ref(model: str) -> Json:
    return {"$ref": _REF.format(model=model)}
