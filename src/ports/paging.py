"""One page of a list, and the cursor to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

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


class InvalidCursor(Exception):
    """The cursor is not one that this list gave out."""
