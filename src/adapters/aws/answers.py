"""What AWS answers, checked before anything is made of it.

Owns two looks at an answer. `check_bodies` looks at its body as it arrived: the SDK takes a web
page, an empty body or the half of one for an answer without members, which may mean "there is
none". `required` and `optional` take values out of what the SDK read. What is missing or impossible
is Malformed, which `adapters.aws.errors` turns into the port's error.
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
"""The member of an error's answer that says that its code was made of the HTTP status alone."""

_WEB_PAGE: Final = "html"


class Malformed(ResponseParserError):
    """Something in an answer is missing or impossible."""


def check_bodies(client: Any) -> None:
    """Have the client look at the body of each answer before it is read."""
    # Last, that is after the SDK has looked for errors in answers of status 200.
    client.meta.events.register_last("before-parse.*.*", _check_body)


@overload
def required(
    answer: Mapping[str, Any], *path: str, of: type[Value], empty: bool = ...
) -> Value: ...
@overload
def required(answer: Mapping[str, Any], *path: str, empty: bool = ...) -> str: ...
def required(answer: Mapping[str, Any], *path: str, of: type = str, empty: bool = False) -> Any:
    """Return the value at the end of the path; text is not empty unless it may be.

    Raises:
        Malformed: it is missing, or is not of this type.
    """
    found: Any = answer
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, of) or (found == "" and not empty):
        raise Malformed(f"the answer lacks {'.'.join(path)}")
    _check_value(".".join(path), found)
    return found


@overload
def optional(answer: Mapping[str, Any], name: str, *, of: type[Value]) -> Value | None: ...
@overload
def optional(answer: Mapping[str, Any], name: str) -> str | None: ...
def optional(answer: Mapping[str, Any], name: str, *, of: type = str) -> Any:
    """Return a value that an answer may lack.

    Raises:
        Malformed: it is there, and not of this type.
    """
    found = answer.get(name)
    if found is not None and not isinstance(found, of):
        raise Malformed(f"{name} of the answer is no {of.__name__}")
    _check_value(name, found)
    return found


def e_tag_of(answer: Mapping[str, Any], *path: str) -> str:
    """Return an ETag without its quotes.

    Raises:
        Malformed: there is none.
    """
    return required({"ETag": required(answer, *path).strip('"')}, "ETag")


def header_of(answer: Mapping[str, Any], name: str) -> str | None:
    """Return a header of the answer; its name is in small letters."""
    headers = required(answer, "ResponseMetadata", "HTTPHeaders", of=dict)
    return optional(headers, name)


def _check_value(name: str, value: Any) -> None:
    """Refuse what a value of its type cannot be in any answer."""
    if isinstance(value, datetime) and value.tzinfo is None:
        raise Malformed(f"{name} of the answer, {value}, has no time zone")
    if isinstance(value, int) and value < 0:
        raise Malformed(f"{name} of the answer, {value}, is below zero")


def _check_body(
    operation_model: Any,
    response_dict: Mapping[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    """Note an error without its document; refuse a success whose body is not what it has to be."""
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
        raise Malformed(f"the body of the answer, {len(body)} bytes, is not what it has to be")
    if wanted and isinstance(document, ElementTree.Element):
        _check_truths(operation_model.output_shape, document)


def _check_truths(shape: Any, document: ElementTree.Element) -> None:
    """Refuse a truth that is neither of both: the SDK takes all but `true` for a no."""
    names = {
        member.serialization.get("name", name)
        for name, member in shape.members.items()
        if member.type_name == "boolean"
    }
    for element in document:
        name = element.tag.rpartition("}")[2]
        if name in names and element.text not in ("true", "false"):
            raise Malformed(f"{name} of the answer is {element.text!r}, neither true nor false")


def _has_body(shape: Any) -> bool:
    """Tell whether an answer of this shape has members in its body."""
    members = {} if shape is None else shape.members
    return any("location" not in member.serialization for member in members.values())


def _document(body: bytes, *, json_wanted: bool) -> dict[str, Any] | ElementTree.Element | None:
    """Return the body if it is a document of the service's protocol, whatever it says."""
    try:
        if json_wanted:
            document = json.loads(body)
            return document if isinstance(document, dict) else None
        root = ElementTree.fromstring(body)  # noqa: S314 - the SDK reads the same body next
    except (ValueError, RecursionError, ElementTree.ParseError):
        return None
    return None if root.tag.rpartition("}")[2].lower() == _WEB_PAGE else root
