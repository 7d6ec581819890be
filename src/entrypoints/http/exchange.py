"""A request and a reply, apart from how API Gateway writes them.

API Gateway has two forms of event, with the same content in other places: payload format 1.0 (REST
APIs, and HTTP APIs that ask for it) and 2.0 (HTTP APIs). What sets them apart ends in this module.

The path is the part that routes are matched against. Before it there may be a stage or a custom
domain's base path: API Gateway names the route that it matched itself, so what stands before it
is known and not guessed. `prefix` keeps it, because links in replies have to lead back through it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from domain.errors import FieldFault, InvalidRequest

Json = dict[str, Any]
Event = Mapping[str, Any]

BODY_BYTES_MAX: Final = 256 * 1024
_QUERY_FIELD_COUNT_MAX: Final = 50
_CATCH_ALL: Final = "$default"


class UnknownEvent(Exception):
    """The function was invoked by something else than API Gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Names of headers are lower case; values are in the order they came."""

    payload_format: Literal["1.0", "2.0"]
    method: str
    path: str
    prefix: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, tuple[str, ...]]
    body: str
    body_is_base64: bool
    request_id: str

    def content(self) -> bytes:
        """Return the body's bytes.

        Raises:
            InvalidRequest: it is larger than 256 KiB, or not the Base64 that it is said to be.
        """
        # Base64 takes four characters for three bytes, so this bounds the work of decoding too.
        if len(self.body) > BODY_BYTES_MAX * (2 if self.body_is_base64 else 1):
            raise InvalidRequest(_too_large())
        try:
            if self.body_is_base64:
                content = base64.b64decode(self.body, validate=True)
            else:
                content = self.body.encode()
        except (binascii.Error, UnicodeEncodeError) as error:
            raise InvalidRequest(
                FieldFault(path="body", message="did not arrive as bytes")
            ) from error
        if len(content) > BODY_BYTES_MAX:
            raise InvalidRequest(_too_large())
        return content

    def link(self, path: str) -> str:
        """Return the path by which a caller reaches our `path`."""
        return self.prefix + path


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered; without a body nothing is sent but the headers."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def text(self) -> str:
        """Return the body as JSON in ASCII, so that any key survives every proxy."""
        return "" if self.body is None else json.dumps(self.body, separators=(",", ":"))


def read_request(event: Event, request_id: str) -> Request:
    """Read API Gateway's event; `request_id` is the invocation's.

    Raises:
        UnknownEvent: it is not one of API Gateway's, in either format.
    """
    context = event.get("requestContext")
    if isinstance(context, Mapping):
        # A load balancer's event resembles format 1.0, and has no `resource`.
        if event.get("version") == "2.0" and isinstance(context.get("http"), Mapping):
            return _format_2(event, context, request_id)
        if event.get("version", "1.0") == "1.0" and "resource" in event and "httpMethod" in event:
            return _format_1(event, context, request_id)
    raise UnknownEvent(
        "the API's function understands events of API Gateway (payload formats 1.0 and 2.0) only;"
        f" this one has the fields {sorted(map(str, event))}"
    )


def _format_2(event: Event, context: Event, request_id: str) -> Request:
    public_path = str(event["rawPath"])
    template = str(event.get("routeKey") or _CATCH_ALL).rpartition(" ")[2]
    prefix = _prefix(public_path, template, event, context)
    query: dict[str, tuple[str, ...]] = {}
    # The parameters that API Gateway decoded are joined by commas, which values may hold as well.
    for name, value in _pairs(str(event.get("rawQueryString") or "")):
        query[name] = (*query.get(name, ()), value)
    return Request(
        payload_format="2.0",
        method=str(context["http"]["method"]).upper(),
        path=_trimmed(public_path[len(prefix) :]),
        prefix=prefix,
        query=query,
        headers={str(k).lower(): (str(v),) for k, v in (event.get("headers") or {}).items()},
        body=event.get("body") or "",
        body_is_base64=bool(event.get("isBase64Encoded")),
        request_id=request_id,
    )


def _format_1(event: Event, context: Event, request_id: str) -> Request:
    path = str(event["path"])
    prefix = _prefix(path, str(event["resource"]), event, context)
    own_path = path[len(prefix) :]
    # A REST API leaves its stage out of `path`, and has it in the context's.
    public_path = str(context.get("path") or path)
    if public_path.endswith(own_path):
        prefix = public_path[: len(public_path) - len(own_path)]
    return Request(
        payload_format="1.0",
        method=str(event["httpMethod"]).upper(),
        path=_trimmed(own_path),
        prefix=prefix,
        query=_multi(event, "queryStringParameters", "multiValueQueryStringParameters"),
        headers={
            name.lower(): values
            for name, values in _multi(event, "headers", "multiValueHeaders").items()
        },
        body=event.get("body") or "",
        body_is_base64=bool(event.get("isBase64Encoded")),
        request_id=request_id,
    )


def _prefix(path: str, template: str, event: Event, context: Event) -> str:
    """Return what stands before the route that API Gateway matched.

    A template has as many segments as the path that it matched, but for a greedy parameter
    (`{proxy+}`), which has as many as its value. The catch-all route has no template; before it,
    only a stage is known.
    """
    if template == _CATCH_ALL:
        stage = f"/{context.get('stage') or _CATCH_ALL}"
        return stage if f"{path}/".startswith(f"{stage}/") else ""
    parameters = event.get("pathParameters") or {}
    segment_count = 0
    for segment in template.strip("/").split("/"):
        greedy = segment.startswith("{") and segment.endswith("+}")
        value = str(parameters.get(segment[1:-2], "")) if greedy else segment
        segment_count += len(value.strip("/").split("/"))
    segments = path.rstrip("/").split("/")
    return "/".join(segments[: max(len(segments) - segment_count, 1)])


def _trimmed(path: str) -> str:
    return path.rstrip("/") or "/"


def _pairs(query_string: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query_string,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_QUERY_FIELD_COUNT_MAX,
        )
    except ValueError:
        # Shown as a parameter that no route has, so that it is refused as any other would be.
        return [("(a query string that is not UTF-8, or too long)", "")]


def _multi(event: Event, single: str, multi: str) -> dict[str, tuple[str, ...]]:
    """Merge the two forms in which format 1.0 carries headers and parameters."""
    merged: dict[str, tuple[str, ...]] = {
        str(k): (str(v),) for k, v in (event.get(single) or {}).items()
    }
    merged |= {str(k): tuple(map(str, v)) for k, v in (event.get(multi) or {}).items()}
    return merged


def _too_large() -> FieldFault:
    return FieldFault(path="body", message=f"is larger than {BODY_BYTES_MAX} bytes")
