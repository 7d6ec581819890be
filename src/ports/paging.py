"""One page of a list, and the cursor to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in the list's order; `cursor` is opaque, None on the last page."""

    items: tuple[Item, ...]
    cursor: str | None = None


class InvalidCursor(Exception):
    """The cursor is not one that this list gave out."""
