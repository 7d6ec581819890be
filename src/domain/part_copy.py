"""Copying an object in parts: which parts there are, and how far a copy is.

A large copy may take longer than one process lives. What is done of it is therefore a value that
can be written down and read back (`to_json`, `from_json`), so that another process goes on with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from domain.customer_object import ObjectHead
from domain.errors import NOT_OF_OUR_JSON, InvalidManifest
from domain.identity import SYNC_JOB_ID_TAG
from domain.limits import UPLOAD_PART_BYTES_MIN, UPLOAD_PART_COUNT_MAX

_MEBIBYTE: Final = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part: its number from 1, and its first and last byte, both included."""

    number: int
    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        """How many bytes it has."""
        return self.last - self.first + 1


def plan_parts(size_bytes: int, *, part_bytes: int) -> Iterator[Part]:
    """Yield the parts of an object: of `part_bytes`, or larger where 10,000 would not do.

    Objects go up to 50 TB (S3 User Guide, "Amazon S3 multipart upload limits"), so parts up to
    about 5 GB; they are whole mebibytes.
    """
    least = max(part_bytes, UPLOAD_PART_BYTES_MIN, ceil(size_bytes / UPLOAD_PART_COUNT_MAX))
    step = ceil(least / _MEBIBYTE) * _MEBIBYTE
    for number, first in enumerate(range(0, size_bytes, step), start=1):
        yield Part(number=number, first=first, last=min(first + step, size_bytes) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedPart:
    """A part that is copied: what the store wants to hear of it when the parts are joined.

    `checksums` are by the store's own names; empty for an object without one.
    """

    number: int
    e_tag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialCopy:
    """A copy in parts that was begun.

    It is gone on with for an object of the same `fingerprint` only, in parts of `part_bytes`.
    """

    upload_id: str
    fingerprint: str
    part_bytes: int
    parts: tuple[CopiedPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRecord:
    """What is known of an object's copies in parts: one under way, and those that were given up.

    Parts that were being copied when a copy was given up may still arrive there, so that its end
    has to be asked for once more (S3 API Reference, "AbortMultipartUpload", read in 2026-11).
    """

    begun_count: int = 0
    under_way: PartialCopy | None = None
    given_up: tuple[str, ...] = ()

    @property
    def upload_ids(self) -> tuple[str, ...]:
        """All that the store may still keep parts for."""
        current = () if self.under_way is None else (self.under_way.upload_id,)
        return self.given_up + current


def fingerprint_of(head: ObjectHead, tags: Mapping[str, str], access: Mapping[str, object]) -> str:
    """Return what differs for another object, other metadata, or other tags to be written.

    `access` is what a copy is told beside the head's: lock and ACL. A copy has the attributes with
    which it was begun. Our own tag is left out: it holds the time at which the copy was begun.
    """
    shown = {name: getattr(head, name) for name in sorted(head.__slots__) if name != "tag_count"}
    owned = {name: value for name, value in tags.items() if name != SYNC_JOB_ID_TAG}
    text = json.dumps([shown, owned, dict(access)], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return repr(value)


def to_json(records: Mapping[str, CopyRecord]) -> bytes:
    """Return records by key as a file."""
    return json.dumps(
        {
            key: {
                "begun": record.begun_count,
                "givenUp": record.given_up,
                "underWay": record.under_way and _copy_values(record.under_way),
            }
            for key, record in records.items()
        }
    ).encode()


def _copy_values(copy: PartialCopy) -> dict[str, Any]:
    return {
        "uploadId": copy.upload_id,
        "fingerprint": copy.fingerprint,
        "partBytes": copy.part_bytes,
        "parts": [[p.number, p.e_tag, dict(p.checksums)] for p in copy.parts],
    }


def _to_copy(values: Mapping[str, Any]) -> PartialCopy:
    return PartialCopy(
        upload_id=values["uploadId"],
        fingerprint=values["fingerprint"],
        part_bytes=values["partBytes"],
        parts=tuple(
            CopiedPart(number=number, e_tag=e_tag, checksums=checksums)
            for number, e_tag, checksums in values["parts"]
        ),
    )


def from_json(content: bytes) -> dict[str, CopyRecord]:
    """Read back what `to_json` wrote.

    Raises:
        InvalidManifest: the file is not ours.
    """
    try:
        return {
            key: CopyRecord(
                begun_count=record["begun"],
                given_up=tuple(record["givenUp"]),
                under_way=record["underWay"] and _to_copy(record["underWay"]),
            )
            for key, record in json.loads(content).items()
        }
    except NOT_OF_OUR_JSON as error:
        raise InvalidManifest(f"not a record of copies: {error}") from error
