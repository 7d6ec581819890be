"""Attempts as attributes in the map or the item of the work that they are at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.aws.attributes import Value
from domain.engine_work import Attempts


def attempts_values(attempts: Attempts) -> dict[str, Value | None]:
    """Return the attributes."""
    return {
        "attemptCount": attempts.count,
        "unknownCount": attempts.unknown_count,
        "cause": attempts.cause,
    }


def to_attempts(values: Mapping[str, Any]) -> Attempts:
    """Return the attempts; versions before counted no unknown errors of shares."""
    return Attempts(
        count=values["attemptCount"],
        unknown_count=values.get("unknownCount", 0),
        cause=values.get("cause"),
    )
