"""The source of chunks: the manifest (`direct`) or the completion report (`batch`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from domain.batch_job import parse_report_row
from domain.decision import Reason
from domain.errors import InvalidReport
from domain.manifest import ManifestEntry, decode_row
from domain.outcome import Outcome, OutcomeKind
from domain.verification import decode_known

UNREADABLE_ROW: Final = "InvalidReport"
"""The reason of the outcome that stands for a row of a report that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Files of the results bucket, in order, each with the parser of its records.

    A parser takes a record and the position after it, and returns an entry that a worker must
    process, or an outcome that is already known.
    """

    name: str
    files: tuple[tuple[str, Callable[[bytes, int], ManifestEntry | Outcome]], ...]


def key_of(item: ManifestEntry | Outcome) -> str | None:
    """Return the key of a parsed record; None if the record could not be read."""
    unreadable = isinstance(item, Outcome) and item.reason == UNREADABLE_ROW
    return None if unreadable else item.key


def manifest_source(key: str) -> Source:
    """Return the source of a direct discovery: every object is an entry, and workers decide."""
    return Source(name=key, files=((key, lambda record, _after: decode_row(record)),))


def known_source(key: str) -> Source:
    """Return the source of the objects that are known without their tags."""
    return Source(name=key, files=((key, lambda record, _after: decode_known(record)),))


# A worker must write the object, or try it again.
_FOR_WORKERS = frozenset({OutcomeKind.COPIED, OutcomeKind.PUT, OutcomeKind.FAILED})


def report_source(keys: tuple[str, ...], *, dry_run: bool, known: Source | None = None) -> Source:
    """Return the source of a batch discovery.

    Objects to write, failed and undecided objects are entries; the outcomes of the others are
    known. The objects of `known` are not in the report. In a dry run every decision is an outcome,
    and an undecided object is a failure. A row that cannot be read is one failure; it does not fail
    the job.
    """

    def parse(record: bytes, after: int) -> ManifestEntry | Outcome:
        try:
            row = parse_report_row(record)
        except InvalidReport as error:
            return Outcome(
                key=f"(unreadable report row before byte {after})",
                kind=OutcomeKind.FAILED,
                reason=UNREADABLE_ROW,
                message=str(error),
            )
        if row.outcome is None:
            if not dry_run:
                return ManifestEntry(key=row.key, size_bytes=None, last_modified=None)
            return Outcome(
                key=row.key, kind=OutcomeKind.FAILED, reason="Undecided", message=row.message
            )
        restores_tags = row.outcome.reason == Reason.TAGS_RESTORED
        if dry_run or not (row.outcome.kind in _FOR_WORKERS or restores_tags):
            return row.outcome
        return ManifestEntry(key=row.key, size_bytes=row.outcome.size_bytes, last_modified=None)

    files = tuple((key, parse) for key in keys)
    return Source(name="the completion report", files=files + (known.files if known else ()))
