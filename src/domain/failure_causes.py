"""Failures grouped by cause: one cause, however many objects it hit.

Failures have one cause if they have the same class, AWS code and text, apart from what differs from
object to object: the key, ids and numbers. The first such text stays as the example.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from domain.failure import Failure
from domain.job import JobStatus
from domain.next_steps import next_step_for
from domain.shown import shown

SAMPLE_KEY_COUNT: Final = 5
CAUSE_COUNT_MAX: Final = 200
"""Further causes are counted together, per class: memory and answers stay small for any text."""

# Longer texts are compared by their start, and not shown in full with every cause.
_TEXT_CHARS_MAX: Final = 500
_KEY, _ID, _NUMBER = "<key>", "<id>", "<number>"
# A UUID; 12 hexadecimal digits or capitals and more, as in a request id or a job id; 32 characters
# and more of a token. All with a digit: words have none.
_IDS: Final = re.compile(
    r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"
    r"|\b(?=[A-Fa-f]*[0-9])[0-9A-Fa-f]{12,}\b"
    r"|\b(?=[A-Z]*[0-9])[0-9A-Z]{12,}\b"
    r"|\b(?=[A-Za-z+=_-]*[0-9])[A-Za-z0-9+=_-]{32,}"
)
_NUMBERS: Final = re.compile(r"\b\d[\d,.]*(?<![,.])")


@dataclass(slots=True, kw_only=True)
class FailureCause:
    """One cause. `object_count` counts the failures of single objects among all of them.

    `text` is what the failures have in common; None if it counts those of several causes.
    `example` is the message of the first of them.
    """

    cause_id: str
    error_class: str
    vendor_code: str | None
    text: str | None
    example: str
    next_step: str
    first_at: datetime
    last_at: datetime
    failure_count: int = 0
    object_count: int = 0
    sample_keys: list[str] = field(default_factory=list)


class FailureCauses:
    """Groups a job's failures as they are read.

    There are at most `cause_count_max` causes, and one more for each class.
    """

    def __init__(self, status: JobStatus, *, cause_count_max: int = CAUSE_COUNT_MAX) -> None:
        self._status = status
        self._cause_count_max = cause_count_max
        self._causes: dict[str, FailureCause] = {}
        self.failure_count = 0

    def add(self, failures: Iterable[Failure]) -> None:
        """Count failures."""
        for failure in failures:
            self.failure_count += 1
            cause = self._cause_of(failure)
            cause.failure_count += 1
            cause.first_at = min(cause.first_at, failure.occurred_at)
            cause.last_at = max(cause.last_at, failure.occurred_at)
            if failure.key is not None:
                cause.object_count += 1
                if len(cause.sample_keys) < SAMPLE_KEY_COUNT:
                    cause.sample_keys.append(failure.key)

    def by_count(self) -> list[FailureCause]:
        """Return the causes, the most frequent first."""
        return sorted(self._causes.values(), key=lambda each: (-each.failure_count, each.cause_id))

    def _cause_of(self, failure: Failure) -> FailureCause:
        text: str | None = cause_text(failure)
        cause_id = _id_of(failure.error_class, failure.vendor_code or "", text or "")
        code = failure.vendor_code
        if cause_id not in self._causes and len(self._causes) >= self._cause_count_max:
            text = code = None
            cause_id = _id_of(failure.error_class)
        if cause_id not in self._causes:
            self._causes[cause_id] = FailureCause(
                cause_id=cause_id,
                error_class=failure.error_class,
                vendor_code=code,
                text=text,
                example=failure.message[:_TEXT_CHARS_MAX],
                next_step=next_step_for(failure.error_class, self._status),
                first_at=failure.occurred_at,
                last_at=failure.occurred_at,
            )
        return self._causes[cause_id]


def cause_text(failure: Failure) -> str:
    """Return a failure's message without what differs from object to object."""
    text = failure.message
    if failure.key:
        for key in sorted({failure.key, shown(failure.key)}, key=len, reverse=True):
            # Messages have a key behind its bucket, in quotes, or at their start. Elsewhere a short
            # key such as "a" would be a word of the sentence.
            text = re.sub(rf"(?:(?<=[/'\"])|^){re.escape(key)}(?!\w)", _KEY, text)
    if failure.request_id:
        text = text.replace(failure.request_id, _ID)
    text = _NUMBERS.sub(_NUMBER, _IDS.sub(_ID, text[: 2 * _TEXT_CHARS_MAX]))
    return text[:_TEXT_CHARS_MAX]


def _id_of(*parts: str) -> str:
    text = "\x00".join(parts).encode(errors="backslashreplace")
    return hashlib.sha256(text).hexdigest()[:16]
