"""The S3 Control wire format, generated from the service model in botocore.

Requests are decoded to dictionaries and validated against the model: required members, lengths,
ranges, enumerations, patterns. Responses are encoded from dictionaries of the same structure. The
module does not depend on jobs. The emulator accepts exactly what the installed SDK can send.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from adapters.local_aws.s3_batch_operations.errors import BadRequest, ServiceError

NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
"""xmlNamespace of CreateJobRequest in the S3 Control model, API version 2018-08-20."""

_XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@cache
def service_model() -> ServiceModel:
    """Load the S3 Control model once (about 50 ms)."""
    description = Loader().load_service_model("s3control", "service-2", "2018-08-20")
    return ServiceModel(description, "s3control")


def input_member(operation: str, member: str) -> Shape:
    """Return the shape of one input member of an operation."""
    shape = service_model().operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)  # noqa: S101 - every job operation has an input
    return shape.members[member]


def decode_body(operation: str, body: bytes) -> dict[str, Any]:
    """Decode and validate the XML body of a request.

    Members in headers, path or query are not included: the caller validates those with `check`.

    Raises:
        BadRequest: The body is not XML, or violates a constraint of the model.
    """
    shape = service_model().operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)  # noqa: S101 - every job operation has an input
    root = _parse(body)
    if _local_name(root.tag) != f"{operation}Request":
        raise BadRequest(f"The body must be a {operation}Request element")
    return _decode_structure(shape, root, "", in_body_only=True)


def _parse(body: bytes) -> ElementTree.Element:
    reader = expat.ParserCreate()
    reader.StartDoctypeDeclHandler = _reject_doctype
    try:
        # First, because a document type declaration allows entity expansion. No SDK sends one.
        reader.Parse(body, True)
        return ElementTree.fromstring(body)  # noqa: S314 - see above
    except (expat.ExpatError, ElementTree.ParseError) as error:
        raise BadRequest(f"The body is not well-formed XML: {error}") from error


def _reject_doctype(*_: object) -> None:
    raise BadRequest("The body must not contain a document type declaration (<!DOCTYPE ...>)")


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _decode(shape: Shape, element: ElementTree.Element, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _decode_structure(shape, element, path)
    if isinstance(shape, ListShape):
        items = [
            _decode(shape.member, child, f"{path}[{index}]") for index, child in enumerate(element)
        ]
        _check_size(shape, len(items), path, "entries")
        return items
    if isinstance(shape, MapShape):
        return _decode_map(shape, element, path)
    return check(shape, element.text or "", path)


def _decode_structure(
    shape: StructureShape, element: ElementTree.Element, path: str, *, in_body_only: bool = False
) -> dict[str, Any]:
    names = {
        member.serialization.get("name", name): name
        for name, member in shape.members.items()
        if not (in_body_only and "location" in member.serialization)
    }
    values: dict[str, Any] = {}
    for child in element:
        tag = _local_name(child.tag)
        inner_path = f"{path}.{tag}" if path else tag
        name = names.get(tag)
        if name is None:
            raise BadRequest(f"{inner_path} is not a member of this structure")
        if name in values:
            raise BadRequest(f"{inner_path} appears more than once")
        values[name] = _decode(shape.members[name], child, inner_path)
    for name in shape.required_members:
        if name in names.values() and name not in values:
            raise BadRequest(f"{f'{path}.{name}' if path else name} is required")
    return values


def _decode_map(shape: MapShape, element: ElementTree.Element, path: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for entry in element:
        parts = {_local_name(child.tag): child.text or "" for child in entry}
        if set(parts) != {"key", "value"}:
            raise BadRequest(f"{path} entries must have a key and a value")
        key = check(shape.key, parts["key"], f"{path} key")
        if key in values:
            raise BadRequest(f"{path} has the key {key!r} more than once")
        values[key] = check(shape.value, parts["value"], f"{path}[{key!r}]")
    _check_size(shape, len(values), path, "entries")
    return values


_PARSERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "boolean": ({"true": True, "false": False}.__getitem__, "true or false"),
    "integer": (int, "an integer"),
    "long": (int, "an integer"),
}


def check(shape: Shape, text: str, path: str) -> Any:
    """Return the Python value of a scalar.

    Raises:
        BadRequest: The text violates a constraint of `shape`.
    """
    if shape.type_name in _PARSERS:
        parse, wanted = _PARSERS[shape.type_name]
        try:
            value = parse(text.strip())
        except (KeyError, ValueError) as error:
            raise BadRequest(f"{path} must be {wanted}, not {text!r}") from error
        if shape.type_name != "boolean":
            _check_size(shape, value, path, None)
        return value
    _check_size(shape, len(text), path, "characters")
    allowed = shape.metadata.get("enum")
    if allowed and text not in allowed:
        raise BadRequest(f"{path} must be one of {', '.join(allowed)}, not {text!r}")
    if "\\p{" in shape.metadata.get("pattern", ""):
        _check_tag_text(text, path)
        return text
    pattern = _compiled(shape.metadata.get("pattern"))
    if pattern is not None and not pattern.fullmatch(text):
        raise BadRequest(f"{path} must match {pattern.pattern}, {text!r} does not")
    return text


def _check_size(shape: Shape, size: int, path: str, unit: str | None) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    suffix = f" {unit}" if unit else ""
    if low is not None and size < low:
        raise BadRequest(f"{path} must be at least {low}{suffix}, not {size}")
    if high is not None and size > high:
        raise BadRequest(f"{path} must be at most {high}{suffix}, not {size}")


def _check_tag_text(text: str, path: str) -> None:
    r"""Check the one pattern that is written with Java's character classes.

    It is `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`: letters, separators, numbers, and some other characters.
    """
    for char in text:
        if unicodedata.category(char)[0] not in "LZN" and char not in "_.:/=+-@":
            raise BadRequest(
                f"{path} must not contain {char!r}: letters, numbers, spaces, _.:/=+-@"
            )


@cache
def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return None if pattern is None else re.compile(pattern)


def encode_response(operation: str, response: Mapping[str, Any]) -> bytes:
    """Return the XML body of a successful response."""
    shape = service_model().operation_model(operation).output_shape
    assert isinstance(shape, StructureShape)  # noqa: S101 - every job operation has an output
    root = ElementTree.Element(shape.name, xmlns=NAMESPACE)
    _fill(shape, root, response)
    return _document(root)


def _fill(shape: Shape, element: ElementTree.Element, value: Any) -> None:
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            member = shape.members[name]
            child = ElementTree.SubElement(element, member.serialization.get("name", name))
            _fill(member, child, inner)
    elif isinstance(shape, ListShape):
        tag = shape.member.serialization.get("name", "member")
        for inner in value:
            _fill(shape.member, ElementTree.SubElement(element, tag), inner)
    elif isinstance(shape, MapShape):
        for key, inner in value.items():
            entry = ElementTree.SubElement(element, "entry")
            ElementTree.SubElement(entry, "key").text = key
            ElementTree.SubElement(entry, "value").text = inner
    else:
        element.text = _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return timestamp(value)
    return str(value)


def timestamp(time: datetime) -> str:
    """Return a time in the format of S3: UTC, milliseconds, `Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_error(error: ServiceError, request_id: str) -> bytes:
    """Return the XML body of an error, in the wrapped form of S3 Control."""
    root = ElementTree.Element("ErrorResponse", xmlns=NAMESPACE)
    inner = ElementTree.SubElement(root, "Error")
    ElementTree.SubElement(inner, "Code").text = error.code
    ElementTree.SubElement(inner, "Message").text = error.message
    ElementTree.SubElement(root, "RequestId").text = request_id
    return _document(root)


def _document(root: ElementTree.Element) -> bytes:
    return (_XML_DECLARATION + ElementTree.tostring(root, encoding="unicode")).encode()
