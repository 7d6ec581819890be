"""Opaque cursors: where a list goes on, bound to the list that gave them out.

A cursor holds the name of its list and the sort position of the last thing shown, never a raw
DynamoDB key, so that a forged one can at most move within its own list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ports.paging import InvalidCursor, decode_cursor, encode_cursor

Position = Sequence[str | int]

# DynamoDB Developer Guide, "Quotas": a partition key has 1 to 2,048 bytes, a sort key 1 to 1,024;
# a number 38 digits. Ours are far shorter.
_KEY_BYTES_MAX: Final = 1_024
_NUMBER_MAX: Final = 10**15


def to_cursor(list_name: str, position: Position) -> str:
    """Return the cursor to what follows `position`."""
    return encode_cursor([list_name, *position])


def to_position(list_name: str, cursor: str, *types: type[str] | type[int]) -> Position:
    """Return the position in a cursor; `types` are those of its parts.

    Raises:
        InvalidCursor: not a cursor, one of another list, or one with what cannot be a key.
    """
    values = decode_cursor(cursor)
    name, parts = values[:1], values[1:]
    # True is no number here; type() tells it from 1.
    if name != [list_name] or [type(part) for part in parts] != list(types):
        raise InvalidCursor("the cursor is of another list")
    if not all(map(_may_be_key, parts)):
        raise InvalidCursor("the cursor is none that was given out")
    return tuple(parts)


def _may_be_key(part: str | int) -> bool:
    if isinstance(part, int):
        return 0 <= part <= _NUMBER_MAX
    try:
        return 0 < len(part.encode()) <= _KEY_BYTES_MAX
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write
        return False
