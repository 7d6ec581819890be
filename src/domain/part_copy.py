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
from domain.errors import InvalidManifest
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


def fingerprint_of(head: ObjectHead, tags: Mapping[str, str]) -> str:
    """Return what differs for another object, other metadata of it, or other tags to be written.

    A copy has the attributes with which it was begun.
    """
    shown = {name: getattr(head, name) for name in sorted(head.__slots__)}
    text = json.dumps([shown, dict(tags)], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return repr(value)


def to_json(copies: Mapping[str, PartialCopy]) -> bytes:
    """Return copies by key as a file."""
    return json.dumps(
        {
            key: {
                "uploadId": copy.upload_id,
                "fingerprint": copy.fingerprint,
                "partBytes": copy.part_bytes,
                "parts": [[p.number, p.e_tag, dict(p.checksums)] for p in copy.parts],
            }
            for key, copy in copies.items()
        }
    ).encode()


def from_json(content: bytes) -> dict[str, PartialCopy]:
    """Read back what `to_json` wrote.

    Raises:
        InvalidManifest: the file is not ours.
    """
    try:
        return {
            key: PartialCopy(
                upload_id=record["uploadId"],
                fingerprint=record["fingerprint"],
                part_bytes=record["partBytes"],
                parts=tuple(
                    CopiedPart(number=number, e_tag=e_tag, checksums=checksums)
                    for number, e_tag, checksums in record["parts"]
                ),
            )
            for key, record in json.loads(content).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidManifest(f"not a record of copies: {error}") from error
