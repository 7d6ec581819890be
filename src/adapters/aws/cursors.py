"""Opaque cursors: where a list continues, bound to the list that issued them.

A cursor holds the name of its list and the sort position of the last item returned, never a raw
DynamoDB key, so that a forged one can at most move within its own list.
"""

from __future__ import annotations

from collections.abc import Sequence

from ports.paging import InvalidCursor, decode_cursor, encode_cursor

Position = Sequence[str | int]


def to_cursor(list_name: str, position: Position) -> str:
    """Return the cursor for the items after `position`."""
    return encode_cursor([list_name, *position])


def to_position(list_name: str, cursor: str, *types: type[str] | type[int]) -> Position:
    """Return the position in a cursor; `types` are those of its fields.

    Raises:
        InvalidCursor: The text is not a cursor, is of another list, or has an invalid key.
    """
    values = decode_cursor(cursor)
    name, fields = values[:1], values[1:]
    # Keys cannot be empty.
    if name != [list_name] or [type(part) for part in fields] != list(types) or "" in fields:
        raise InvalidCursor("the cursor is of another list")
    return tuple(part for part in fields if part is not None)
