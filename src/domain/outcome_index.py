"""The index of a job's outcomes: a row for each object of the job, sorted by key.

Rows are in the order of their keys' code points, which is that of the bytes of UTF-8 and that of
S3's listings. A row is a line of JSON. Some thousand rows make a block, which is compressed alone,
and some hundred blocks a part (a file). The root names the parts, and the key from which on each
block has the rows: so one key needs the root and one block, whatever the size of the job.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from domain.errors import NOT_OF_OUR_JSON, InvalidManifest
from domain.lease import Lease
from domain.manifest import ManifestEntry, format_timestamp, parse_timestamp
from domain.outcome import Outcome, outcome_of_values, outcome_values

ROOT_VERSION: Final = 1


class IndexStatus(StrEnum):
    """WANTED: it is being made, or will be. READY: it is complete. FAILED: it cannot be made."""

    WANTED = "WANTED"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobIndex:
    """What an ended job's record says of its index, and of the work on it.

    Attributes:
        number: The redrive after which it is made.
        status: Whether it can be read.
        reason: Why the last attempt failed, or why it cannot be made.
        attempt_count: Invocations that began to work on it since the last progress.
        lease: That of the invocation which works on it.
    """

    number: int
    status: IndexStatus = IndexStatus.WANTED
    reason: str | None = None
    attempt_count: int = 0
    lease: Lease | None = None

    @property
    def wanted(self) -> bool:
        """Whether it must still be made."""
        return self.status is IndexStatus.WANTED

    @property
    def ready(self) -> bool:
        """Whether it can be read."""
        return self.status is IndexStatus.READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An object as the listing, or the source of keys, had it; what is unknown is None."""

    size_bytes: int | None = None
    last_modified: datetime | None = None
    e_tag: str | None = None


NOT_LISTED: Final = Listed()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedObject:
    """One object of a job.

    Every object that the job listed and selected has one, except for `IndexRoot.unread_count` of
    them. Nothing else has one. `outcome` is None if the object was not done: its chunk was
    cancelled, or the job ended before there was one.
    `chunk_index` is then that of the chunk, or None. `listed` may lack what the job did not record:
    the ETag in jobs of earlier versions, all of it for keys that came from a manifest.
    """

    key: str
    listed: Listed = NOT_LISTED
    chunk_index: int | None = None
    outcome: Outcome | None = None


def listed_of(entry: ManifestEntry) -> Listed:
    """Return what a row of a manifest or a chunk has of an object."""
    return Listed(size_bytes=entry.size_bytes, last_modified=entry.last_modified, e_tag=entry.e_tag)


def encode_object(item: IndexedObject) -> bytes:
    """Return the row of an object: one line of JSON with its line end; the key comes first."""
    return (json.dumps(object_values(item)) + "\n").encode()


def object_values(item: IndexedObject) -> dict[str, Any]:
    """Return the values of a row by name, without those that are unknown.

    The names of the outcome are those of outcome files.
    """
    listed = item.listed
    modified = listed.last_modified
    values = {
        "key": item.key,
        "listedSize": listed.size_bytes,
        "lastModified": None if modified is None else format_timestamp(modified),
        "listedETag": listed.e_tag,
        "chunkIndex": item.chunk_index,
        **({} if item.outcome is None else outcome_values(item.outcome)),
    }
    return {name: value for name, value in values.items() if value is not None}


def decode_object(line: bytes) -> IndexedObject:
    """Parse what `encode_object` wrote.

    Raises:
        InvalidManifest: The line is not such a row.
    """
    try:
        values = json.loads(line)
        modified = values.get("lastModified")
        return IndexedObject(
            key=values["key"],
            listed=Listed(
                size_bytes=values.get("listedSize"),
                last_modified=None if modified is None else parse_timestamp(modified),
                e_tag=values.get("listedETag"),
            ),
            chunk_index=values.get("chunkIndex"),
            outcome=outcome_of_values(values) if "outcome" in values else None,
        )
    except NOT_OF_OUR_JSON as error:
        raise InvalidManifest(f"not a row of an index: {error}") from error


def starts_with_key(key: str) -> bytes:
    """Return how the row of a key begins, and no other row does."""
    return ('{"key": ' + json.dumps(key)).encode()


class Block(NamedTuple):
    """A compressed block: bytes `start` to `stop` of a part.

    Its keys are `from_key` or above, and below that of the next block.
    """

    from_key: str
    part: int
    start: int
    stop: int
    row_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRoot:
    """Where the rows of an index are: its blocks, in the order of their keys.

    Of `unread_count` objects there are no rows: the files that name them could not be read.
    """

    object_count: int
    blocks: tuple[Block, ...]
    unread_count: int = 0
    _from_keys: list[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the search."""
        object.__setattr__(self, "_from_keys", [block.from_key for block in self.blocks])

    def position_of(self, key: str) -> int:
        """Return the position of the only block that may have the key; -1 if none may."""
        return bisect_right(self._from_keys, key) - 1


def encode_root(root: IndexRoot) -> bytes:
    """Return the root as a file."""
    document = {
        "version": ROOT_VERSION,
        "objectCount": root.object_count,
        "unreadCount": root.unread_count,
        "blocks": [list(block) for block in root.blocks],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def decode_root(content: bytes) -> IndexRoot:
    """Parse what `encode_root` wrote.

    Raises:
        InvalidManifest: It is not valid, or of a version that is not known.
    """
    try:
        document = json.loads(content)
        if document["version"] != ROOT_VERSION:
            raise InvalidManifest(f"the root of an index has version {document['version']}")
        return IndexRoot(
            object_count=document["objectCount"],
            unread_count=document["unreadCount"],
            blocks=tuple(Block(*block) for block in document["blocks"]),
        )
    except NOT_OF_OUR_JSON as error:
        raise InvalidManifest(f"not the root of an index: {error}") from error


def separator(before: str | None, first: str) -> str:
    """Return a short key above `before` that is not above `first`.

    A root with whole keys would be as large as the longest keys make it.
    """
    if before is None:
        return ""
    shared = next(
        (place for place, (old, new) in enumerate(zip(before, first, strict=False)) if old != new),
        len(before),
    )
    return first[: shared + 1]
