"""Plain values to DynamoDB's typed attributes and back.

This module owns the format in which values are stored: camelCase names, timestamps as sortable
text, exact integers (DynamoDB Developer Guide, "Supported data types and naming rules": 38 digits,
sent as text), and no attribute for a value of None. It is independent of the item's type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from ports.errors import CorruptData
from ports.paging import Unreadable

Record = TypeVar("Record")

Item = dict[str, Any]
"""An item as the low-level client sends and returns it: `{"jobId": {"S": "…"}}`."""

Value = str | int | datetime | Sequence["Value"] | Mapping[str, "Value | None"]


def to_item(values: Mapping[str, Value | None]) -> Item:
    """Return the item with these attributes; a value of None gives no attribute."""
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def to_attribute(value: Value) -> dict[str, Any]:
    """Return one typed attribute."""
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, datetime):
        return {"S": to_text(value)}
    if isinstance(value, Mapping):
        return {"M": to_item(value)}
    return {"L": [to_attribute(element) for element in value]}


def to_values(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the item's attributes as plain values: str, int, list, dict.

    Raises:
        ValueError: An attribute has a type that this service does not write.
    """
    return {name: _to_value(attribute) for name, attribute in item.items()}


def to_text(time: datetime) -> str:
    """Return the time in UTC, in ISO 8601 of fixed width, so that text sorts like time."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_timestamp(text: str) -> datetime:
    """Parse what `to_text` wrote."""
    return datetime.fromisoformat(text)


def to_optional_timestamp(text: str | None) -> datetime | None:
    """Parse what `to_text` wrote; None stays None."""
    return None if text is None else to_timestamp(text)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Convert errors while reading a stored item to the port's error.

    Raises:
        CorruptData: An attribute is missing or not valid.
    """
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CorruptData(f"{what} cannot be read: {error!r}", resource=what) from error


def read_or_report(item: Item, key: str, read: Callable[[Item], Record]) -> Record | Unreadable:
    """Return the record that `read` makes of the item, or its `key` and why it cannot be read."""
    try:
        return read(item)
    except CorruptData as error:
        return Unreadable(record_id=item[key]["S"], cause=str(error))


def _to_value(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "L":
            return [_to_value(element) for element in value]
        case "M":
            return to_values(value)
        case _:
            raise ValueError(f"type {kind}")
