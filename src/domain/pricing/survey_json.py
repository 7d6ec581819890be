"""The JSON of a survey between the function that asks and the function that answers.

Both are of one deployment.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from domain.bucket_report import BucketReport
from domain.errors import InvalidMessage
from domain.object_look import LookRequest, ObjectLook
from domain.pricing.survey import Survey, SurveyRequest

Value = TypeVar("Value", Survey, SurveyRequest, BucketReport, LookRequest, ObjectLook)

_KINDS: Final = (Survey, SurveyRequest, BucketReport, LookRequest, ObjectLook)


def to_document(
    value: Survey | SurveyRequest | BucketReport | LookRequest | ObjectLook,
) -> dict[str, Any]:
    """Return the value as JSON's own types."""
    document: dict[str, Any] = _adapters()[type(value)].dump_python(value, mode="json")
    return document


def from_document(kind: type[Value], document: object) -> Value:
    """Return the value of a document.

    Raises:
        InvalidMessage: The document is of another form.
    """
    try:
        value: Value = _adapters()[kind].validate_json(json.dumps(document))
    except (ValidationError, ValueError) as error:
        raise InvalidMessage(f"not a {kind.__name__}: {type(error).__name__}") from error
    return value


@cache
def _adapters() -> dict[type[Any], TypeAdapter[Any]]:
    return {kind: TypeAdapter(kind) for kind in _KINDS}
