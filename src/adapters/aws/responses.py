"""AWS responses, checked before their values are used.

This module has two checks of a response. `check_bodies` checks the body as it arrived: the SDK
parses a web page, an empty body or a truncated one as a response without members, which may mean
"there is none". `required` and `optional` read values from the parsed response. A missing or
invalid value is Malformed, which `adapters.aws.errors` converts to the port's error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar, overload
from xml.etree import ElementTree

from botocore.parsers import ResponseParserError

Value = TypeVar("Value")

NO_ERROR_DOCUMENT: Final = "NoErrorDocument"
"""The member of an error response that marks a code derived from the HTTP status alone."""

_WEB_PAGE: Final = "html"


class Malformed(ResponseParserError):
    """Something in a response is missing or invalid."""


def check_bodies(client: Any) -> None:
    """Make the client check the body of each response before it is parsed."""
    # Last, that is after the SDK has checked for errors in responses of status 200.
    client.meta.events.register_last("before-parse.*.*", _check_body)


@overload
def required(
    response: Mapping[str, Any], *path: str, of: type[Value], empty: bool = ...
) -> Value: ...
@overload
def required(response: Mapping[str, Any], *path: str, empty: bool = ...) -> str: ...
def required(response: Mapping[str, Any], *path: str, of: type = str, empty: bool = False) -> Any:
    """Return the value at the end of the path; strings are not empty unless `empty` allows it.

    Raises:
        Malformed: The value is missing or has another type.
    """
    found: Any = response
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, of) or (found == "" and not empty):
        raise Malformed(f"the response lacks {'.'.join(path)}")
    if of is not str:
        _check_value(path, found)
    return found


@overload
def optional(response: Mapping[str, Any], name: str, *, of: type[Value]) -> Value | None: ...
@overload
def optional(response: Mapping[str, Any], name: str) -> str | None: ...
def optional(response: Mapping[str, Any], name: str, *, of: type = str) -> Any:
    """Return a value that may be missing.

    Raises:
        Malformed: The value is there and has another type.
    """
    found = response.get(name)
    if found is None:
        return None
    if not isinstance(found, of):
        raise Malformed(f"{name} of the response is not of type {of.__name__}")
    if of is not str:
        _check_value((name,), found)
    return found


def e_tag_of(response: Mapping[str, Any], *path: str) -> str:
    """Return an ETag without its quotes.

    Raises:
        Malformed: There is none.
    """
    return required({"ETag": required(response, *path).strip('"')}, "ETag")


def header_of(response: Mapping[str, Any], name: str) -> str | None:
    """Return a header of the response; its name is in lowercase."""
    headers = required(response, "ResponseMetadata", "HTTPHeaders", of=dict)
    return optional(headers, name)


def _check_value(path: tuple[str, ...], value: Any) -> None:
    """Reject what no response can contain as a value of its type."""
    if isinstance(value, datetime) and value.tzinfo is None:
        raise Malformed(f"{'.'.join(path)} of the response, {value}, has no time zone")
    if isinstance(value, int) and value < 0:
        raise Malformed(f"{'.'.join(path)} of the response, {value}, is below zero")


def _check_body(
    operation_model: Any,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    """Record an error without a document; reject a success whose body is not valid."""
    if operation_model.http.get("method") == "HEAD":
        return
    json_wanted = operation_model.service_model.resolved_protocol in ("json", "rest-json")
    if response_dict["status_code"] >= 300:
        if _document(response_dict["body"], json_wanted=json_wanted) is None:
            customized_response_dict[NO_ERROR_DOCUMENT] = True
        return
    if operation_model.has_streaming_output:
        return
    body = response_dict["body"]
    wanted = _has_body(operation_model.output_shape)
    if not body and not wanted:
        return
    document = _document(body, json_wanted=json_wanted)
    if document is None:
        raise Malformed(f"the body of the response, {len(body)} bytes, is not valid")
    if wanted and isinstance(document, ElementTree.Element):
        _check_booleans(operation_model.output_shape, document)


def _check_booleans(shape: Any, document: ElementTree.Element) -> None:
    """Reject a boolean that is neither `true` nor `false`: the SDK parses all but `true` as no."""
    names = {
        member.serialization.get("name", name)
        for name, member in shape.members.items()
        if member.type_name == "boolean"
    }
    for element in document:
        name = element.tag.rpartition("}")[2]
        if name in names and element.text not in ("true", "false"):
            raise Malformed(f"{name} of the response is {element.text!r}, not true or false")


def _has_body(shape: Any) -> bool:
    """Return whether a response of this shape has members in its body."""
    members = {} if shape is None else shape.members
    return any("location" not in member.serialization for member in members.values())


def _document(body: bytes, *, json_wanted: bool) -> dict[str, Any] | ElementTree.Element | None:
    """Return the body if it is a document of the service's protocol, regardless of content."""
    try:
        if json_wanted:
            document = json.loads(body)
            return document if isinstance(document, dict) else None
        root = ElementTree.fromstring(body)  # noqa: S314 - the SDK parses the same body next
    except (ValueError, RecursionError, ElementTree.ParseError):
        return None
    return None if root.tag.rpartition("}")[2].lower() == _WEB_PAGE else root
