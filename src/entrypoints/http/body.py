"""The JSON body of a request: read strictly, with a problem that names the place of a fault."""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any, Final, NoReturn

from domain.errors import FieldIssue, InvalidRequest
from entrypoints.http.event import Request
from entrypoints.http.problems import INVALID_JSON, UNSUPPORTED_MEDIA_TYPE, RequestFault

BODY_BYTES_MAX: Final = 256 * 1024
# curl sends the second by default, whatever the body; a body that is not JSON is refused as such.
_CONTENT_TYPES: Final = frozenset({"application/json", "application/x-www-form-urlencoded"})
_CHARSETS: Final = frozenset({"charset=utf-8", 'charset="utf-8"', "charset=us-ascii"})


def read_body(request: Request) -> dict[str, Any]:
    """Return the body's object; an absent body is an empty object.

    Raises:
        RequestFault: it is not JSON, or is declared as something else.
        InvalidRequest: it is too large, is not an object, or has a name twice.
    """
    content = content_of(request)
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
        raise _wrong("must be an object")
    return document


def content_of(request: Request) -> bytes:
    """Return the body's bytes.

    Raises:
        InvalidRequest: it is larger than 256 KiB, or declared as Base64 and is not.
    """
    body, encoded = request.body or "", request.is_base64_encoded
    # Base64 takes four characters for three bytes, so this bounds the work of decoding too.
    if len(body) <= BODY_BYTES_MAX * (2 if encoded else 1):
        try:
            content = base64.b64decode(body, validate=True) if encoded else body.encode()
        except ValueError:  # not Base64, not ASCII, or half of a surrogate pair
            raise _wrong("did not arrive as bytes") from None
        if len(content) <= BODY_BYTES_MAX:
            return content
    raise _wrong(f"is larger than {BODY_BYTES_MAX} bytes")


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


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest(FieldIssue(path="body", message=message))


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(name)


def _not_json(detail: str, message: str) -> RequestFault:
    return RequestFault(INVALID_JSON, detail, FieldIssue(path="body", message=message))
