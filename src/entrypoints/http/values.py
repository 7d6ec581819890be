"""The values that bodies and parameters carry: bounded, and described as they are checked.

The use cases check the rules of the domain (overlaps, names of buckets). Here is checked what a
value must be to reach them.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from application.connector_rules import ACCOUNT_ID, CONNECTOR_ID, QUEUE_URL, ROLE_ARN
from domain.bucket_name import BUCKET_NAME_PATTERN
from domain.glob import glob_error
from domain.limits import OBJECT_KEY_BYTES_MAX
from domain.manifest import parse_timestamp
from domain.pricing.price_table import parse_dollars

PREFIX_COUNT_MAX: Final = 100
PATTERN_COUNT_MAX: Final = 50
PATTERN_CHARS_MAX: Final = 256
EXTENSION_COUNT_MAX: Final = 200
ID_CHARS_MAX: Final = 128
_CURSOR_CHARS_MAX: Final = 4096
_E_TAG_CHARS_MAX: Final = 128
_REASON_CHARS_MAX: Final = 200
_DOLLARS_CHARS_MAX: Final = 40
_DOLLARS_MAX: Final = 1_000_000_000


def _integer(value: Any) -> Any:
    """Return 5 for 5.0, which is an integer in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _clean(text: str) -> str:
    """Refuse what neither S3 nor our tables can hold."""
    if "\0" in text:
        raise PydanticCustomError("nul", "holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError(
            "surrogate", "holds half of a surrogate pair; it is not valid Unicode"
        ) from None
    return text


def _glob(pattern: str) -> str:
    fault = glob_error(pattern)
    if fault is not None:
        raise PydanticCustomError("glob", "{fault}", {"fault": fault})
    return pattern


def _e_tag(text: str) -> str:
    if not re.fullmatch(r'"?[!#-~]+"?', text):
        raise PydanticCustomError("etag", "must be an ETag, with or without its quotes")
    return text


def _short_key(text: str) -> str:
    if len(text.encode()) > OBJECT_KEY_BYTES_MAX:
        raise PydanticCustomError(
            "bytes", "is longer than {limit} bytes of UTF-8", {"limit": OBJECT_KEY_BYTES_MAX}
        )
    return text


def _timestamp(value: Any) -> datetime:
    try:
        if isinstance(value, str):
            return parse_timestamp(value)
    except ValueError:
        pass
    raise PydanticCustomError(
        "timestamp", "must be a time in ISO 8601 with an offset, like 2026-01-31T12:00:00Z"
    )


def _dollars(value: Any) -> Decimal:
    amount = parse_dollars(value) if len(str(value)) <= _DOLLARS_CHARS_MAX else None
    if amount is None or amount > _DOLLARS_MAX:
        raise PydanticCustomError(
            "dollars", "must be an amount of US dollars, as a number or a decimal string like 12.50"
        )
    return amount


def _whole(expression: re.Pattern[str]) -> str:
    return f"^{expression.pattern}$"


def _described(pattern: str, **bounds: int) -> WithJsonSchema:
    """Describe a text whose rule is the domain's, or one that is not pydantic's."""
    return WithJsonSchema({"type": "string", **bounds, "pattern": pattern})


def _short(char_count: int, pattern: str) -> Any:
    """Bound a text; that it matches the pattern is only described."""
    return Field(min_length=1, max_length=char_count, json_schema_extra={"pattern": pattern})


_NO_NUL: Final = r"^[^\u0000]*$"
# That every bracket of a set is closed, and every backslash followed, is beyond an expression.
_GLOB: Final = r"^(?!!)(?=[^\u0000]*$)(?=.*[^/])"
_KEY: Final = _described(_NO_NUL, minLength=1, maxLength=OBJECT_KEY_BYTES_MAX)
_CLEAN: Final = AfterValidator(_clean)

# After the bounds of an `int`: those that come later are not described as bounds.
WHOLE: Final = BeforeValidator(_integer)
Text = Annotated[str, _CLEAN]
Word = Annotated[str, _short(ID_CHARS_MAX, _NO_NUL), _CLEAN]
BucketName = Annotated[Text, _described(BUCKET_NAME_PATTERN, minLength=3, maxLength=255)]
ConnectorId = Annotated[Text, _described(_whole(CONNECTOR_ID), minLength=1, maxLength=64)]
AccountId = Annotated[Text, _described(_whole(ACCOUNT_ID))]
RoleArn = Annotated[Text, _described(_whole(ROLE_ARN), minLength=20, maxLength=620)]
QueueUrl = Annotated[Text, _described(_whole(QUEUE_URL))]
Prefix = Annotated[Text, AfterValidator(_short_key), _KEY]
WholeKey = Annotated[str, Field(min_length=1), _CLEAN, AfterValidator(_short_key), _KEY]
Pattern = Annotated[str, _short(PATTERN_CHARS_MAX, _NO_NUL), _CLEAN]
ETag = Annotated[str, _short(_E_TAG_CHARS_MAX, r'^"?[!#-~]+"?$'), _CLEAN, AfterValidator(_e_tag)]
KeyGlob = Annotated[str, _short(PATTERN_CHARS_MAX, _GLOB), _CLEAN, AfterValidator(_glob)]
Cursor = Annotated[str, _short(_CURSOR_CHARS_MAX, r"^[A-Za-z0-9_\-]+={0,2}$"), _CLEAN]
KeyGlobs = Annotated[list[KeyGlob], Field(max_length=PATTERN_COUNT_MAX)]
FileTypes = Annotated[list[Pattern], Field(max_length=EXTENSION_COUNT_MAX)]
Prefixes = Annotated[list[Prefix], Field(max_length=PREFIX_COUNT_MAX)]
Timestamp = Annotated[
    datetime,
    BeforeValidator(_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
PauseReason = Annotated[str, _short(_REASON_CHARS_MAX, _NO_NUL), _CLEAN]
PriceText = Annotated[str, _short(64, _NO_NUL), _CLEAN]
Dollars = Annotated[
    Decimal,
    BeforeValidator(_dollars),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": _DOLLARS_MAX},
                {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,20})?$"},
            ]
        }
    ),
]
