"""Multipart copies of objects: the parts, and the progress of a copy.

A large copy may take longer than one process lives. Its progress is therefore a value that can be
stored (`to_json`, `from_json`), so that another process can resume it.
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
    """Yield the parts of an object: of `part_bytes`, or larger if 10,000 parts are not enough.

    Objects have up to 50 TB (S3 User Guide, "Amazon S3 multipart upload limits"), so parts have up
    to about 5 GB. They are whole mebibytes.
    """
    least = max(part_bytes, UPLOAD_PART_BYTES_MIN, ceil(size_bytes / UPLOAD_PART_COUNT_MAX))
    step = ceil(least / _MEBIBYTE) * _MEBIBYTE
    for number, first in enumerate(range(0, size_bytes, step), start=1):
        yield Part(number=number, first=first, last=min(first + step, size_bytes) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedPart:
    """A copied part: what the store requires to complete the upload.

    `checksums` are by the store's own names; empty for an object without one.
    """

    number: int
    e_tag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialCopy:
    """A multipart copy that was started.

    It is resumed only for an object of the same `fingerprint`, with the same `part_bytes`.
    """

    upload_id: str
    fingerprint: str
    part_bytes: int
    parts: tuple[CopiedPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRecord:
    """The multipart copies of one object: the current one, and those to abort.

    Parts that were in progress when a copy was aborted may still arrive, so the abort must be
    requested once more (S3 API Reference, "AbortMultipartUpload", read in 2026-11).
    """

    started_count: int = 0
    under_way: PartialCopy | None = None
    given_up: tuple[str, ...] = ()

    @property
    def upload_ids(self) -> tuple[str, ...]:
        """All uploads for which the store may still keep parts."""
        current = () if self.under_way is None else (self.under_way.upload_id,)
        return self.given_up + current


def fingerprint_of(head: ObjectHead, tags: Mapping[str, str], access: Mapping[str, object]) -> str:
    """Return a digest that differs for another object, other metadata, or other tags to write.

    `access` is what a copy must set in addition to the head's attributes: lock and ACL. A copy has
    the attributes with which it was started. This service's own tag is left out, because it holds
    the time at which the copy was started.
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
                "begun": record.started_count,
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
    """Parse what `to_json` wrote.

    Raises:
        InvalidManifest: The file does not have this format.
    """
    try:
        return {
            key: CopyRecord(
                started_count=record["begun"],
                given_up=tuple(record["givenUp"]),
                under_way=record["underWay"] and _to_copy(record["underWay"]),
            )
            for key, record in json.loads(content).items()
        }
    except NOT_OF_OUR_JSON as error:
        raise InvalidManifest(f"not a record of copies: {error}") from error
