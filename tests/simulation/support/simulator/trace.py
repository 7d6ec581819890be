"""Everything that happened in a run, formatted only when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domain.chunk import Chunk
from domain.connector import Bucket
from domain.customer_object import ObjectHead
from domain.job import Job


class Trace:
    """Lines, each with time, actor, action and arguments."""

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at
        self._noted: list[tuple[datetime, str, str, object]] = []

    def add(self, at: datetime, who: str, what: str, detail: object) -> None:
        """Add a line."""
        self._noted.append((at, who, what, detail))

    def lines(self) -> Iterator[str]:
        """Yield all lines, in order."""
        for at, who, what, detail in self._noted:
            seconds = (at - self._started_at).total_seconds()
            yield f"{seconds:12.3f}  {who:16} {what:22} {_words(detail)}"


def _words(detail: object) -> str:
    """Return a short description of a call."""
    if isinstance(detail, tuple | list):
        return ", ".join(map(_words, detail))[:160]
    if isinstance(detail, Job):
        return f"{detail.job_id} {detail.status} version {detail.version}"
    if isinstance(detail, Chunk):
        return f"chunk {detail.index} {detail.status} version {detail.version}"
    if isinstance(detail, Bucket):
        return detail.name
    if isinstance(detail, ObjectHead):
        return repr(detail.key)
    if isinstance(detail, bytes):
        return f"{len(detail)} bytes"
    if isinstance(detail, BaseException):
        return repr(detail)
    return (detail if isinstance(detail, str) else repr(detail))[:80].replace("\n", "\\n")
