"""Plain values to DynamoDB's typed attributes and back.

Owns the form in which values are stored: camelCase names, instants as text that sorts, whole
numbers that stay exact (DynamoDB Developer Guide, "Supported data types and naming rules": 38
digits, sent as text), and no attribute where a value is None. It must not know what is stored.
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
"""An item as the low-level client takes and gives it: `{"jobId": {"S": "…"}}`."""

Value = str | int | datetime | Sequence["Value"] | Mapping[str, "Value | None"]


def to_item(values: Mapping[str, Value | None]) -> Item:
    """Return the item with these attributes; None is no attribute."""
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
    """Return the item's attributes as plain values: text, whole numbers, lists, dictionaries.

    Raises:
        ValueError: an attribute is of a type that we do not write.
    """
    return {name: _to_value(attribute) for name, attribute in item.items()}


def to_text(instant: datetime) -> str:
    """Return the instant in UTC, in ISO 8601 of fixed width: as text it sorts as in time."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_timestamp(text: str) -> datetime:
    """Invert `to_text`."""
    return datetime.fromisoformat(text)


def to_optional_instant(text: str | None) -> datetime | None:
    """Invert `to_text`; None is none."""
    return None if text is None else to_timestamp(text)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what goes wrong in reading a stored item into the port's error.

    Raises:
        CorruptData: an attribute is missing, or is not what we write there.
    """
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CorruptData(f"{what} cannot be read back: {error!r}", resource=what) from error


def read_or_report(item: Item, key: str, read: Callable[[Item], Record]) -> Record | Unreadable:
    """Return what `read` makes of the item, or by its attribute `key` why it cannot be read."""
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
