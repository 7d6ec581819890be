"""Event patterns: whether an event matches.

EventBridge User Guide, "Creating Amazon EventBridge event patterns" and "Comparison operators"
(checked 2026-11). Supported: exact values, `prefix`, `suffix`, `equals-ignore-case`, `anything-but`
(values or a prefix), `exists`, `wildcard` and `numeric`. Other operators raise an error, so that a
pattern never matches or fails to match by mistake.
"""

import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_COMPARISONS: Final = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ABSENT: Final = object()


class UnknownOperator(Exception):
    """A pattern uses an operator that is not supported here."""


def matches(pattern: Mapping[str, Any], event: object) -> bool:
    """Return whether every field of the pattern matches the event's field of that name.

    A list in the event matches when one of its elements does.
    """
    for name, expected in pattern.items():
        found = event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT
        if isinstance(expected, Mapping):
            if not matches(expected, found):
                return False
        elif not any(_matches_field(alternative, found) for alternative in expected):
            return False
    return True


def _matches_field(alternative: Any, found: Any) -> bool:
    if isinstance(alternative, Mapping) and "exists" in alternative:
        return bool(alternative["exists"]) == (found is not _ABSENT)
    if found is _ABSENT:
        return False
    values = found if isinstance(found, list) else [found]
    return any(_matches_value(alternative, value) for value in values)


def _matches_value(alternative: Any, value: Any) -> bool:
    if not isinstance(alternative, Mapping):
        # JSON distinguishes booleans and numbers; in Python, True == 1.
        return type(alternative) is type(value) and bool(alternative == value)
    ((name, operand),) = alternative.items()
    match name:
        case "prefix":
            return isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return isinstance(value, str) and value.endswith(operand)
        case "equals-ignore-case":
            return isinstance(value, str) and value.casefold() == operand.casefold()
        case "wildcard":
            return isinstance(value, str) and _wildcard(operand, value)
        case "anything-but":
            excluded = operand if isinstance(operand, list) else [operand]
            return not any(_matches_value(one, value) for one in excluded)
        case "numeric":
            return isinstance(value, int | float) and _in_range(operand, value)
        case _:
            raise UnknownOperator(name)


def _wildcard(operand: str, value: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in operand.split("*"))
    return re.fullmatch(pattern, value, re.DOTALL) is not None


def _in_range(operand: Sequence[Any], value: float) -> bool:
    pairs = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[name](value, bound) for name, bound in pairs)
