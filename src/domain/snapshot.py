"""A snapshot of the catalog's records of one bucket: its progress, and its rows.

A row is a record, its values percent-encoded and separated by tabs, the storage path first. A tab
sorts before every character of an encoded value, so rows sort as their paths do. A file of the
snapshot has sorted rows; the rows of a path are in one file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from domain.catalog import CatalogRecord
from domain.errors import InvalidManifest
from domain.manifest import decode_key, encode_key


class Way(StrEnum):
    """How the objects of a job are compared with the catalog."""

    LOOKUPS = "lookups"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the catalog's scan: where its next page begins, None at its start."""

    cursor: str | None = None
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The progress of a snapshot, as the job's record has it.

    Attributes:
        began_at: When the scan began. No record in the snapshot is older news than that.
        segments: What is left to read.
        runs: The keys of the files with the rows of the scan so far, each sorted.
        bounds_key: The file with the first paths of the partitions but the first; None before the
            first run.
        partition_count: In how many files the rows are in the end.
        partitions_done: How many of them are written.
        ready: Whether all are.
        record_count: The rows of all runs.
    """

    began_at: datetime
    segments: tuple[Segment, ...]
    runs: tuple[str, ...] = ()
    bounds_key: str | None = None
    partition_count: int = 1
    partitions_done: int = 0
    ready: bool = False
    record_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """How a job compares its objects with the catalog, why, and the snapshot if it has one.

    `catalog_bytes` is the size of the whole catalog, None if it is not known.
    """

    way: Way
    reason: str
    lookups_dollars: Decimal | None = None
    snapshot_dollars: Decimal | None = None
    catalog_bytes: int | None = None
    snapshot: Snapshot | None = None
    warning: str | None = None

    @property
    def snapshots(self) -> bool:
        """Whether the snapshot must still be taken."""
        snapshot = self.snapshot
        return self.way is Way.SNAPSHOT and snapshot is not None and not snapshot.ready

    def trusted(self, now: datetime, age_max_s: float) -> Snapshot | None:
        """Return the snapshot if it is complete and not too old to be trusted."""
        snapshot = self.snapshot
        if self.way is not Way.SNAPSHOT or snapshot is None or not snapshot.ready:
            return None
        return snapshot if (now - snapshot.began_at).total_seconds() <= age_max_s else None


def encode_record(record: CatalogRecord) -> bytes:
    """Return the row of a record with a storage path."""
    modified = record.last_modified
    values = (
        record.storage_path or "",
        record.inventory_id,
        record.asset_id or "",
        record.e_tag or "",
        "" if record.size_bytes is None else str(record.size_bytes),
        "" if modified is None else modified.isoformat(),
    )
    return ("\t".join(map(encode_key, values)) + "\n").encode()


def decode_record(row: bytes) -> CatalogRecord:
    """Parse what `encode_record` wrote.

    Raises:
        InvalidManifest: The row is not valid.
    """
    try:
        path, inventory_id, asset_id, e_tag, size, modified = map(
            decode_key, row.decode().rstrip("\n").split("\t")
        )
        return CatalogRecord(
            inventory_id=inventory_id,
            asset_id=asset_id or None,
            storage_path=path,
            e_tag=e_tag or None,
            size_bytes=int(size) if size else None,
            last_modified=datetime.fromisoformat(modified).astimezone(UTC) if modified else None,
        )
    except ValueError as error:
        raise InvalidManifest(f"row {row[:200]!r}: {error}") from error


def encode_path(path: str) -> bytes:
    """Return a storage path as rows begin with it."""
    return encode_key(path).encode()


def path_of(row: bytes) -> bytes:
    """Return the encoded path of a row."""
    return row.partition(b"\t")[0]


def bounds_of(sample: Sequence[bytes], partition_count: int) -> list[bytes]:
    """Return the first paths of all partitions but the first: quantiles of a sorted sample."""
    count = len(sample)
    paths = (path_of(sample[count * n // partition_count]) for n in range(1, partition_count))
    return sorted(set(paths)) if count else []


def partition_of(path: bytes, bounds: Sequence[bytes]) -> int:
    """Return the number of the partition that has the rows of an encoded path."""
    return bisect_right(bounds, path)


@dataclass(slots=True)
class SortedFile:
    """The content of a file of sorted rows, and its index: the path of a row and its position.

    The index has the first row of each block of about `block_bytes`; rows of one path are never in
    two blocks.
    """

    content: bytes
    index: list[tuple[bytes, int]] = field(default_factory=list)


def sorted_file(rows: Sequence[bytes], block_bytes: int) -> SortedFile:
    """Return the file of rows that are sorted already."""
    index: list[tuple[bytes, int]] = []
    position, previous = 0, b""
    for row in rows:
        path = path_of(row)
        if not index or (position - index[-1][1] >= block_bytes and path != previous):
            index.append((path, position))
        position += len(row)
        previous = path
    return SortedFile(content=b"".join(rows), index=index)


def encode_index(index: Sequence[tuple[bytes, int]], size_bytes: int) -> bytes:
    """Return an index as a file; its last line has the size of the indexed file."""
    lines = [path + b"\t%d\n" % position for path, position in index]
    return b"".join((*lines, b"\t%d\n" % size_bytes))


def decode_index(content: bytes) -> tuple[list[bytes], list[int]]:
    """Parse what `encode_index` wrote: the paths, and the positions with the size at their end.

    Raises:
        InvalidManifest: It is not valid.
    """
    try:
        lines = [line.split(b"\t") for line in content.splitlines()]
        positions = [int(position) for _, position in lines]
        return [path for path, _ in lines[:-1]], positions
    except ValueError as error:
        raise InvalidManifest(f"an index of a snapshot: {error}") from error
