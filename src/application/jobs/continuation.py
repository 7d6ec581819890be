"""Requests that read the files of many chunks: they stop in time, and continue with a cursor."""

from __future__ import annotations

from dataclasses import dataclass

from ports.paging import InvalidCursor, decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request continues: a page of chunks, a chunk in it, and a count of earlier items."""

    chunks_cursor: str | None = None
    chunk_index: int = 0
    count: int = 0


def cursor_at(place: Place, name: str) -> str:
    """Return the cursor of a place in the list or search of that name."""
    return encode_cursor([name, place.chunks_cursor, place.chunk_index, place.count])


def place_of(cursor: str | None, name: str) -> Place:
    """Return the place of a cursor, the beginning without one.

    Raises:
        InvalidCursor: the cursor belongs to another list or search.
    """
    if cursor is None:
        return Place()
    match decode_cursor(cursor):
        case [str(cursor_name), str() | None as chunks_cursor, int(index), int(count)] if (
            cursor_name == name
        ):
            return Place(chunks_cursor, index, count)
        case _:
            raise InvalidCursor("the cursor belongs to another list or search")
