"""Rows of the report on removed objects: the outcome of an object that was seen before.

A row is a line of CSV. Values are percent-encoded as keys in manifests are, so no value has a
comma, a quote or a line end. The first line has the names of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.errors import InvalidManifest
from domain.identity import removal_event_id
from domain.manifest import decode_key, encode_key
from domain.outcome_index import IndexedObject


class RemovalState(StrEnum):
    """The outcome of an object that was seen before, and not now.

    MISSING: it was not looked for. RETURNED: it exists. OUT_OF_SCOPE: it exists, and the filters
    leave it out. REMOVED: it does not exist. MOVED: nor does this, and its content is at a new key.
    """

    MISSING = "MISSING"
    REMOVED = "REMOVED"
    MOVED = "MOVED"
    RETURNED = "RETURNED"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"


GONE: Final = frozenset({RemovalState.REMOVED, RemovalState.MOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRow:
    """One object that was seen before, and not now.

    `last_seen_in` is the job that saw it last. `event_id` is the id of its event, whether it was
    sent or not; only removed objects have one.
    """

    key: str
    state: RemovalState = RemovalState.MISSING
    e_tag: str | None = None
    size_bytes: int | None = None
    asset_id: str | None = None
    inventory_id: str | None = None
    last_seen_in: str
    new_key: str | None = None
    event_id: str | None = None


COLUMNS: Final = (
    "key",
    "state",
    "eTag",
    "size",
    "assetId",
    "inventoryId",
    "lastSeenJobId",
    "newKey",
    "eventId",
)
HEADER: Final = (",".join(COLUMNS) + "\n").encode()


def row_of(item: IndexedObject, *, job_id: str) -> RemovalRow:
    """Return the row of an object as an earlier sync saw it, after that sync wrote to it."""
    listed, outcome = item.listed, item.outcome
    row = RemovalRow(
        key=item.key, e_tag=listed.e_tag, size_bytes=listed.size_bytes, last_seen_in=job_id
    )
    if outcome is None:
        return row
    return replace(
        row,
        e_tag=outcome.e_tag or row.e_tag,
        size_bytes=row.size_bytes if outcome.size_bytes is None else outcome.size_bytes,
        asset_id=outcome.asset_id,
        inventory_id=outcome.inventory_id,
    )


def encode_removal(row: RemovalRow) -> bytes:
    """Return the row as one line, including the line end."""
    values = (
        row.key,
        row.state.value,
        row.e_tag or "",
        "" if row.size_bytes is None else str(row.size_bytes),
        row.asset_id or "",
        row.inventory_id or "",
        row.last_seen_in,
        row.new_key or "",
        row.event_id or "",
    )
    return (",".join(map(encode_key, values)) + "\n").encode()


def decode_removal(line: bytes) -> RemovalRow:
    """Parse what `encode_removal` wrote.

    Raises:
        InvalidManifest: The line is not such a row.
    """
    try:
        values = map(decode_key, line.decode().rstrip("\n").split(","))
        key, state, e_tag, size, asset_id, inventory_id, last_seen_in, new_key, event_id = values
        return RemovalRow(
            key=key,
            state=RemovalState(state),
            e_tag=e_tag or None,
            size_bytes=int(size) if size else None,
            asset_id=asset_id or None,
            inventory_id=inventory_id or None,
            last_seen_in=last_seen_in,
            new_key=new_key or None,
            event_id=event_id or None,
        )
    except ValueError as error:
        raise InvalidManifest(f"row {line[:200]!r}: {error}") from error


def gone_row(
    row: RemovalRow, new_key: str | None, *, connector_id: str, connector_created_at: datetime
) -> RemovalRow:
    """Return the row of an object that does not exist; its event has an id of this disappearance.

    An object that is seen again and disappears once more was last seen in another job.
    """
    return replace(
        row,
        state=RemovalState.REMOVED if new_key is None else RemovalState.MOVED,
        new_key=new_key,
        event_id=removal_event_id(
            connector_id, connector_created_at, last_seen_in=row.last_seen_in, key=row.key
        ),
    )
