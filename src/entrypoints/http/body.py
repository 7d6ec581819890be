"""The JSON body of a request: read strictly, with a problem that names the place of a fault."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final, NoReturn

from domain.errors import FieldIssue, InvalidRequest
from entrypoints.http.event import Request
from entrypoints.http.problems import INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, RequestFault

# curl sends the second by default, whatever the body; a body that is not JSON is refused as such.
_CONTENT_TYPES: Final = frozenset({"application/json", "application/x-www-form-urlencoded"})
_CHARSETS: Final = frozenset({"charset=utf-8", 'charset="utf-8"', "charset=us-ascii"})


def read_body(request: Request) -> dict[str, Any]:
    """Return the body's object; an absent body is an empty object.

    Raises:
        RequestFault: it is not JSON, or is declared as something else.
        InvalidRequest: it is not an object, or has a name twice.
    """
    content = request.content()
    if not content.strip():
        return {}
    _check_content_type(request.headers.get("content-type", []))
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
    if not isinstance(document, dict):
        raise InvalidRequest(FieldIssue(path="body", message="must be an object"))
    return document


def _check_content_type(values: list[str]) -> None:
    if not values:
        return
    declared, *parameters = (part.strip().lower() for part in values[0].split(";"))
    charsets = {value for value in parameters if value.startswith("charset=")}
    if len(values) > 1 or declared not in _CONTENT_TYPES or not charsets <= _CHARSETS:
        shown = values[0][:100].encode("ascii", "replace").decode()
        raise RequestFault(UNSUPPORTED_MEDIA_TYPE, f"the body is declared as {shown!r}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = (name for name, count in counts.items() if count > 1)
        raise InvalidRequest(
            *(FieldIssue(path=name, message="is given more than once") for name in repeated)
        )
    return document


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(name)


def _not_json(detail: str, message: str) -> RequestFault:
    return RequestFault(INVALID_JSON, detail, FieldIssue(path="body", message=message))
