"""Where a job's keys come from, if not from a listing of its bucket: a file that names them.

A manifest is a CSV file in the format of S3 Batch Operations. An inventory is a report of S3
Inventory, named by its `manifest.json`. Neither is sorted or free of repetitions by any promise,
and both are older than the job: what is in them is only a hint of which objects to look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.errors import FieldIssue, InvalidSource


class SourceKind(StrEnum):
    """What the source's file is."""

    MANIFEST = "manifest"
    INVENTORY = "inventory"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """The file: for an inventory, its `manifest.json`.

    `e_tag` (unquoted) is that of the content that was meant; without it, it is that of the first
    read. All reads of a job are of one content.
    """

    kind: SourceKind
    bucket_name: str
    key: str
    e_tag: str | None = None

    @property
    def where(self) -> str:
        """The file as operators write it."""
        return f"s3://{self.bucket_name}/{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCounts:
    """Rows that were read and are no objects of the job.

    Attributes:
        outside: Rows of keys that are under none of the job's prefixes.
        not_current: Rows of delete markers, and of versions that are not the current one.
        repeated: Rows whose key was in one of the rows shortly before.
    """

    outside: int = 0
    not_current: int = 0
    repeated: int = 0


NOTHING_LEFT_OUT: Final = SourceCounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePosition:
    """How far a source was read: the files before `file_index`, and of this one a part.

    `offset` counts bytes of a manifest, and rows of a file of an inventory. `e_tag` pins the
    source's content.
    """

    file_index: int = 0
    offset: int = 0
    e_tag: str | None = None

    def token(self) -> str:
        """Return the position as the token of a listing's range."""
        return f"{self.file_index} {self.offset} {self.e_tag or ''}"


def position_of(token: str | None) -> SourcePosition:
    """Return the position of a token; the beginning without one.

    Raises:
        InvalidSource: The token is not that of a source.
    """
    if token is None:
        return SourcePosition()
    try:
        file_index, offset, e_tag = token.split(" ", 2)
        return SourcePosition(file_index=int(file_index), offset=int(offset), e_tag=e_tag or None)
    except ValueError as error:
        raise InvalidSource(f"{token!r} is not a position in a source of keys") from error


def source_issues(
    source: KeySource | None, *, modified_since: datetime | None, has_max_cost: bool
) -> list[FieldIssue]:
    """Return what a request asks for that its source cannot give."""
    issues = []
    if source is not None and source.kind is SourceKind.MANIFEST and modified_since is not None:
        issues.append(
            FieldIssue(
                path="modifiedSince",
                message="a manifest has no times of objects; use an inventory that has"
                " LastModifiedDate, or no source",
            )
        )
    if source is not None and has_max_cost:
        issues.append(
            FieldIssue(
                path="maxCost",
                message="is estimated from a listing of the bucket, which a source replaces; use"
                " one of the two",
            )
        )
    return issues
