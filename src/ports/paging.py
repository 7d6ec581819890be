"""One page of a list, and the cursor to the next."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

Item = TypeVar("Item")

# DynamoDB Developer Guide, "Quotas": a sort key of up to 1,024 bytes, numbers of up to 38 digits
# (checked 2026-11). The sort keys of lists are far smaller, and printable: ids and timestamps.
_TEXT_BYTES_MAX: Final = 1024
_NUMBER_MAX: Final = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """The id of a stored record that cannot be read, and why (for example, a later version)."""

    record_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in the list's order; `cursor` is opaque, None on the last page.

    `unreadable` are the records that would be among the items; they count towards the limit.
    """

    items: tuple[Item, ...]
    cursor: str | None = None
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def of(cls, found: Iterable[Item | Unreadable], cursor: str | None) -> Page[Item]:
        """Return the page of these records, in the same order."""
        items: list[Item] = []
        unreadable: list[Unreadable] = []
        for each in found:
            if isinstance(each, Unreadable):
                unreadable.append(each)
            else:
                items.append(each)
        return cls(tuple(items), cursor, tuple(unreadable))


class InvalidCursor(Exception):
    """The cursor was not issued by this list."""


def encode_cursor(values: Sequence[str | int | None]) -> str:
    """Return the opaque text of a cursor that holds these values."""
    text = json.dumps(list(values), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_cursor(cursor: str) -> list[str | int | None]:
    """Return a cursor's values, of any number and order: a client may have forged it.

    Raises:
        InvalidCursor: The text is not a cursor, or has a value that no position in a list has.
    """
    try:
        values = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    # Many brackets make the nesting too deep.
    except (ValueError, RecursionError) as error:
        raise InvalidCursor("not a cursor") from error
    if not isinstance(values, list) or not all(map(_may_be_a_place, values)):
        raise InvalidCursor("not a cursor")
    return values


def _may_be_a_place(value: Any) -> bool:
    if isinstance(value, str):
        return (
            len(value.encode("utf-8", "surrogatepass")) <= _TEXT_BYTES_MAX and value.isprintable()
        )
    # type() distinguishes True from 1.
    return value is None or (type(value) is int and 0 <= value <= _NUMBER_MAX)
