"""The state of all memory stores, with the rules that any database needs.

This module owns rows, version checks and paging; the only port it depends on is the page. Rows are
the domain's immutable values, so callers cannot change stored data through what they passed in or
received. `commit` checks all conditions before it writes the first row, and nothing here awaits, so
every call is atomic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from domain.catalog import CatalogRecord
from domain.chunk import Chunk
from domain.connector import Connector
from domain.failure import Failure
from domain.job import Job
from domain.lease import Lease
from domain.listing_share import ListingShare
from domain.pause import Pause
from domain.schedule_runs import ScheduleRuns
from ports.errors import Conflict, CorruptData
from ports.paging import InvalidCursor, Page, Unreadable, decode_cursor, encode_cursor


class Versioned(Protocol):
    """A row with the version at which it was read."""

    @property
    def version(self) -> int:
        """Counts the writes of the row, from 1."""
        ...


Key = TypeVar("Key", str, int)
Row = TypeVar("Row", bound=Versioned)
Item = TypeVar("Item")


class Table(Generic[Key, Row]):
    """Rows by key; they change only through `MemoryDatabase.commit`."""

    def __init__(self) -> None:
        self._rows: dict[Key, Row] = {}

    def find(self, key: Key) -> Row | None:
        """Return the row, or None if there is none."""
        return self._rows.get(key)

    def sorted_keys(self) -> list[Key]:
        """Return all keys in order."""
        return sorted(self._rows)

    def __iter__(self) -> Iterator[Row]:
        """Iterate over the current rows, in order of their keys."""
        return iter([self._rows[key] for key in self.sorted_keys()])

    def write(self, key: Key, row: Row, *, expected_version: int | None) -> Write:
        """Return the write of `row` over the expected version; None: there is no row yet."""

        def check() -> None:
            stored = self._rows.get(key)
            found = None if stored is None else stored.version
            if found != expected_version:
                raise Conflict(f"{key}: expected version {expected_version}, found {found}")

        def apply() -> None:
            self._rows[key] = row

        return Write(check, apply)

    def removal(self, key: Key, *, expected_version: int) -> Write:
        """Return the removal of the row at the expected version."""

        def check() -> None:
            stored = self._rows.get(key)
            if stored is None or stored.version != expected_version:
                raise Conflict(f"{key}: expected version {expected_version}")

        def apply() -> None:
            del self._rows[key]

        return Write(check, apply)


@dataclass(frozen=True, slots=True)
class Write:
    """The write of one row if its condition holds."""

    check: Callable[[], None]
    apply: Callable[[], None]


@dataclass(frozen=True, slots=True)
class StoredFailure:
    """A failure, and the time from which it is no longer returned."""

    failure: Failure
    expires_at: datetime


class MemoryDatabase:
    """The state that the memory stores share; create one for each environment.

    `unreadable` may have the ids of jobs and connectors that cannot be read, with causes. A chunk's
    id there is that of its job, a slash and its index.
    """

    def __init__(self) -> None:
        self.unreadable: dict[str, str] = {}
        self.jobs: Table[str, Job] = Table()
        self.stage_pause: Pause | None = None
        self.slots: dict[tuple[str, int], tuple[Lease, str]] = {}
        self.connectors: dict[str, Connector] = {}
        self.schedule_runs: dict[str, tuple[Connector, ScheduleRuns]] = {}
        self.failures: dict[str, dict[str, StoredFailure]] = {}
        self.assets: dict[str, CatalogRecord] = {}
        self._chunks: dict[str, Table[int, Chunk]] = {}
        self._shares: dict[str, Table[int, ListingShare]] = {}

    def chunks_of(self, job_id: str) -> Table[int, Chunk]:
        """Return the job's chunks by index."""
        return self._chunks.setdefault(job_id, Table())

    def shares_of(self, job_id: str) -> Table[int, ListingShare]:
        """Return the shares of the job's listing by number."""
        return self._shares.setdefault(job_id, Table())

    def check_readable(self, record_id: str) -> None:
        """Check that a job or connector can be read.

        Raises:
            CorruptData: It cannot.
        """
        cause = self.unreadable.get(record_id)
        if cause is not None:
            raise CorruptData(f"{record_id} cannot be read: {cause}", resource=record_id)

    def readable(self, record_id: str, record: Item) -> Item | Unreadable:
        """Return the record, or why it cannot be read."""
        try:
            self.check_readable(record_id)
        except CorruptData as error:
            return Unreadable(record_id=record_id, cause=str(error))
        return record

    def commit(self, *writes: Write) -> None:
        """Write all rows, or none.

        Raises:
            Conflict: A row's version is not the expected one.
        """
        for write in writes:
            write.check()
        for write in writes:
            write.apply()


def page_of(
    items: Iterable[Item],
    *,
    position: Callable[[Item], tuple[str | int, ...]],
    descending: bool = False,
    list_name: str,
    limit: int,
    cursor: str | None,
) -> Page[Item]:
    """Return the page after `cursor` of `items` in order of their positions, which are unique.

    Raises:
        InvalidCursor: `cursor` is not one of the list `list_name`.
    """
    start = None if cursor is None else _position(list_name, cursor)
    ordered = sorted(items, key=position, reverse=descending)
    if start is not None and ordered and _types(start) != _types(position(ordered[0])):
        raise InvalidCursor("the cursor has another list's position")
    rest = [
        item
        for item in ordered
        if start is None or (position(item) < start if descending else position(item) > start)
    ]
    shown = tuple(rest[:limit])
    following = encode_cursor([list_name, *position(shown[-1])]) if len(rest) > limit else None
    return Page(shown, following)


def _position(list_name: str, cursor: str) -> tuple[Any, ...]:
    values = decode_cursor(cursor)
    if values[:1] != [list_name] or "" in values:
        raise InvalidCursor("the cursor is of another list")
    return tuple(values[1:])


def _types(position: tuple[Any, ...]) -> list[type]:
    return list(map(type, position))
