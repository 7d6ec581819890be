"""One page of a list, and the cursor to the next."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A stored record that cannot be read back, by its id, and why: one of a later version, say."""

    record_id: str
    cause: str


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in the list's order; `cursor` is opaque, None on the last page.

    `unreadable` are the records that would stand among the items; they count towards the limit.
    """

    items: tuple[Item, ...]
    cursor: str | None = None
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def of(cls, found: Iterable[Item | Unreadable], cursor: str | None) -> Page[Item]:
        """Return the page of these records, in their order."""
        items: list[Item] = []
        unreadable: list[Unreadable] = []
        for each in found:
            if isinstance(each, Unreadable):
                unreadable.append(each)
            else:
                items.append(each)
        return cls(tuple(items), cursor, tuple(unreadable))


class InvalidCursor(Exception):
    """The cursor is not one that this list gave out."""


def encode_cursor(values: Sequence[str | int | None]) -> str:
    """Return the opaque text of a cursor that holds these values."""
    text = json.dumps(list(values), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_cursor(cursor: str) -> list[Any]:
    """Return the values in a cursor, of any types: a client may have made it up.

    Raises:
        InvalidCursor: not a cursor.
    """
    try:
        values = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    # Many brackets make a nesting that is too deep.
    except (ValueError, RecursionError) as error:
        raise InvalidCursor("not a cursor") from error
    if not isinstance(values, list):
        raise InvalidCursor("not a cursor")
    return values
