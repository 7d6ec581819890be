"""From a request's text to the models of `bodies`, with a fault for each field that is wrong."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeVar

from pydantic import ValidationError

from domain.errors import FieldIssue, InvalidRequest
from entrypoints.http.bodies import Wire
from entrypoints.http.exchange import Request
from entrypoints.http.problems import INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, RequestFault

Model = TypeVar("Model", bound=Wire)

# draft-ietf-httpapi-idempotency-key-header asks for a bound and leaves it to the service.
_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

_CHARSETS: Final = {"charset=utf-8", 'charset="utf-8"', "charset=us-ascii"}

_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "string_type": "has to be a string",
    "bool_type": "has to be true or false",
    "list_type": "has to be a list",
    "model_type": "has to be an object",
    "dict_type": "has to be an object",
    "string_too_short": "is empty",
}

# "String should have at most 256 characters": what is meant is named by the path.
_PYDANTIC_SUBJECT: Final = re.compile(r"^[A-Z]\w+ should")


def parse_body(request: Request, model: type[Model]) -> Model:
    """Read the body; an absent one is an empty object.

    Raises:
        RequestFault: it is not JSON, or said to be something else.
        InvalidRequest: with each field that is wrong.
    """
    content = request.content()
    if not content.strip():
        return _validated(model, {})
    _check_content_type(request)
    try:
        document = json.loads(
            content.decode(), object_pairs_hook=_unique, parse_constant=_not_a_number
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _not_json(f"{error.msg} at {place}", f"{error.msg} ({place})") from None
    except UnicodeDecodeError as error:
        raise _not_json(f"byte {error.start} is not UTF-8", "is not UTF-8") from None
    except (RecursionError, ValueError) as error:
        # Nested too deep, NaN and Infinity, or a number of thousands of digits.
        reason = "nested too deep" if isinstance(error, RecursionError) else "a number out of range"
        raise _not_json(f"it holds a value that is {reason}", f"holds {reason}") from None
    return _validated(model, document)


def parse_query(request: Request, model: type[Model]) -> Model:
    """Read the query string.

    Raises:
        InvalidRequest: with each parameter that is wrong, unknown, or given more than once.
    """
    repeated = [
        FieldIssue(path=name, message="is given more than once")
        for name, values in request.query.items()
        if len(values) != 1
    ]
    if repeated:
        raise InvalidRequest(*repeated)
    return _validated(model, {name: values[0] for name, values in request.query.items()})


def idempotency_key(request: Request) -> str | None:
    """Return the request's idempotency key, if it has one.

    Raises:
        InvalidRequest: it is not one, or there are several.
    """
    values = request.headers.get("idempotency-key", ())
    if not values:
        return None
    if len(values) > 1 or not _IDEMPOTENCY_KEY.fullmatch(values[0]):
        message = "has to be one value of 1 to 255 visible ASCII characters without spaces"
        raise InvalidRequest(FieldIssue(path="Idempotency-Key", message=message))
    return values[0]


def _validated(model: type[Model], value: Any) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=True)
        raise InvalidRequest(*(_fault(dict(fault), model) for fault in faults)) from None


def _fault(fault: Mapping[str, Any], model: type[Wire]) -> FieldIssue:
    kind, message = str(fault["type"]), _PYDANTIC_SUBJECT.sub("has to", str(fault["msg"]))
    if kind == "extra_forbidden":
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        message = f"is not known here; known: {known or 'nothing'}"
    elif kind == "enum":
        message = f"has to be {fault['ctx']['expected']}"
    elif kind == "too_short":
        message = "is an empty list; leave it out for all"
    elif kind == "too_long":
        message = (
            f"has {fault['ctx']['actual_length']} items, {fault['ctx']['max_length']} are allowed"
        )
    elif kind == "string_too_long":
        message = f"is longer than {fault['ctx']['max_length']} characters"
    elif kind in _MESSAGES:
        message = _MESSAGES[kind]
    path = ".".join(map(str, fault["loc"]))
    return FieldIssue(path=path or "body", message=message)


# The second is what curl says of any body unless told; a body that is not JSON fails as such.
_CONTENT_TYPES: Final = frozenset({"application/json", "application/x-www-form-urlencoded"})


def _check_content_type(request: Request) -> None:
    values = request.headers.get("content-type", ())
    if not values:
        return
    stated, *parameters = (part.strip().lower() for part in values[0].split(";"))
    charsets = [value for value in parameters if value.startswith("charset=")]
    understood = stated in _CONTENT_TYPES and set(charsets) <= _CHARSETS
    if len(values) > 1 or not understood:
        shown = values[0][:100].encode("ascii", "replace").decode()
        raise RequestFault(UNSUPPORTED_MEDIA_TYPE, f"the body is said to be {shown!r}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise InvalidRequest(
            *(
                FieldIssue(path=name, message="is given more than once")
                for name, count in counts.items()
                if count > 1
            )
        )
    return document


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(name)


def _not_json(detail: str, message: str) -> RequestFault:
    return RequestFault(INVALID_JSON, detail, FieldIssue(path="body", message=message))
