"""A request and a reply, apart from how API Gateway writes them.

API Gateway has two forms of event, with the same content in other places: payload format 1.0 (REST
APIs, and HTTP APIs that ask for it) and 2.0 (HTTP APIs). What sets them apart ends in this module.

The path is the part that routes are matched against. Before it there may be a stage or a custom
domain's base path: API Gateway names the route that it matched itself, so what stands before it
is known and not guessed. `prefix` keeps it, because links in replies have to lead back through it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from domain.errors import FieldIssue, InvalidRequest

Json = dict[str, Any]
Event = Mapping[str, Any]

BODY_BYTES_MAX: Final = 256 * 1024
_QUERY_FIELD_COUNT_MAX: Final = 50
_CATCH_ALL: Final = "$default"
_SHOWN_FIELD_COUNT: Final = 20


class UnknownEvent(Exception):
    """The function was invoked by something else than API Gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Names of headers are lower case; values are in the order they came.

    `faults` are what of it did not arrive as API Gateway sends it.
    """

    payload_format: Literal["1.0", "2.0"]
    method: str
    path: str
    prefix: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, tuple[str, ...]]
    body: str
    body_is_base64: bool
    request_id: str
    faults: tuple[FieldIssue, ...] = ()

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
        except ValueError as error:  # not Base64, not ASCII, or half of a surrogate pair
            raise InvalidRequest(
                FieldIssue(path="body", message="did not arrive as bytes")
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


def read_request(event: Event | Any, request_id: str) -> Request:
    """Read API Gateway's event; `request_id` is the invocation's.

    A member of a type that API Gateway does not send is read as if it were left out, and named
    among the request's faults: a request with faults is not served.

    Raises:
        UnknownEvent: it is not one of API Gateway's, in either format.
    """
    if isinstance(event, Mapping):
        context = event.get("requestContext")
        if isinstance(context, Mapping):
            # A load balancer's event resembles format 1.0, and has no `resource`.
            if event.get("version") == "2.0" and isinstance(context.get("http"), Mapping):
                return _format_2(event, context, request_id)
            is_format_1 = event.get("version", "1.0") == "1.0"
            if is_format_1 and "resource" in event and "httpMethod" in event:
                return _format_1(event, context, request_id)
    shown = sorted(map(str, event))[:_SHOWN_FIELD_COUNT] if isinstance(event, Mapping) else "none"
    raise UnknownEvent(
        "the API's function understands events of API Gateway (payload formats 1.0 and 2.0) only;"
        f" this one has the fields {shown}"
    )


class _Members:
    """Reads members of an event, and notes those that are not of their type."""

    def __init__(self) -> None:
        self.faults: list[FieldIssue] = []

    def text(self, source: Event, name: str, *, required: bool = False) -> str:
        """Return a text, empty if it is left out. Half of a surrogate pair becomes U+FFFD."""
        value = source.get(name)
        if isinstance(value, str):
            return _unicode(value)
        if value is not None or required:
            self._note(name, "a string")
        return ""

    def body(self, source: Event) -> str:
        """Return the body as it came."""
        value = source.get("body")
        if value is None or isinstance(value, str):
            return value or ""
        self._note("body", "a string")
        return ""

    def flag(self, source: Event, name: str) -> bool:
        """Return a truth value, false if it is left out."""
        value = source.get(name)
        if value is not None and not isinstance(value, bool):
            self._note(name, "true or false")
        return value is True

    def texts(self, source: Event, name: str) -> dict[str, str]:
        """Return texts by name, none if they are left out."""
        return {key: value for key, [value] in self._lists(source, name, lambda v: [v]).items()}

    def text_lists(self, source: Event, name: str) -> dict[str, tuple[str, ...]]:
        """Return lists of texts by name, none if they are left out."""
        lists = self._lists(source, name, lambda v: v if isinstance(v, list | tuple) else [None])
        return {key: tuple(values) for key, values in lists.items()}

    def _lists(
        self, source: Event, name: str, read: Callable[[Any], Sequence[Any]]
    ) -> dict[str, Sequence[str]]:
        value = source.get(name)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            lists = {key: read(each) for key, each in value.items()}
            if all(isinstance(text, str) for text in chain(lists, *lists.values())):
                return lists
        self._note(name, "an object of strings")
        return {}

    def _note(self, name: str, expected: str) -> None:
        self.faults.append(FieldIssue(path=name, message=f"did not arrive as {expected}"))


def _format_2(event: Event, context: Event, request_id: str) -> Request:
    members = _Members()
    public_path = members.text(event, "rawPath", required=True)
    template = (members.text(event, "routeKey") or _CATCH_ALL).rpartition(" ")[2]
    prefix = _prefix(public_path, template, event, context, members)
    query: dict[str, tuple[str, ...]] = {}
    # The parameters that API Gateway decoded are joined by commas, which values may hold as well.
    for name, value in _pairs(members.text(event, "rawQueryString")):
        query[name] = (*query.get(name, ()), value)
    return Request(
        payload_format="2.0",
        method=members.text(context["http"], "method", required=True).upper(),
        path=_trimmed(public_path[len(prefix) :]),
        prefix=prefix,
        query=query,
        headers={k.lower(): (v,) for k, v in members.texts(event, "headers").items()},
        body=members.body(event),
        body_is_base64=members.flag(event, "isBase64Encoded"),
        request_id=request_id,
        faults=tuple(members.faults),
    )


def _format_1(event: Event, context: Event, request_id: str) -> Request:
    members = _Members()
    path = members.text(event, "path", required=True)
    template = members.text(event, "resource", required=True)
    prefix = _prefix(path, template, event, context, members)
    own_path = path[len(prefix) :]
    # A REST API leaves its stage out of `path`, and has it in the context's.
    public_path = members.text(context, "path") or path
    if public_path.endswith(own_path):
        prefix = public_path[: len(public_path) - len(own_path)]
    # Both forms have every name; only the second has all values of a name.
    query = {
        **{k: (v,) for k, v in members.texts(event, "queryStringParameters").items()},
        **members.text_lists(event, "multiValueQueryStringParameters"),
    }
    headers = {
        **{k: (v,) for k, v in members.texts(event, "headers").items()},
        **members.text_lists(event, "multiValueHeaders"),
    }
    return Request(
        payload_format="1.0",
        method=members.text(event, "httpMethod", required=True).upper(),
        path=_trimmed(own_path),
        prefix=prefix,
        query=query,
        headers={name.lower(): values for name, values in headers.items()},
        body=members.body(event),
        body_is_base64=members.flag(event, "isBase64Encoded"),
        request_id=request_id,
        faults=tuple(members.faults),
    )


def _prefix(path: str, template: str, event: Event, context: Event, members: _Members) -> str:
    """Return what stands before the route that API Gateway matched.

    A template has as many segments as the path that it matched, but for a greedy parameter
    (`{proxy+}`), which has as many as its value. The catch-all route has no template; before it,
    only a stage is known.
    """
    parameters = members.texts(event, "pathParameters")
    if template == _CATCH_ALL:
        stage = f"/{members.text(context, 'stage') or _CATCH_ALL}"
        return stage if f"{path}/".startswith(f"{stage}/") else ""
    segment_count = 0
    for segment in template.strip("/").split("/"):
        greedy = segment.startswith("{") and segment.endswith("+}")
        value = parameters.get(segment[1:-2], "") if greedy else segment
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


def _unicode(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _too_large() -> FieldIssue:
    return FieldIssue(path="body", message=f"is larger than {BODY_BYTES_MAX} bytes")
