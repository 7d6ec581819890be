"""What the causes of failures look like in responses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from domain.failure_causes import SAMPLE_KEY_COUNT
from entrypoints.http.shown_model import Count, Shown


class FailureCause(Shown):
    """One cause of failures in a job."""

    cause_id: str
    """A function of class, code and text: by it, the causes of several pages are merged."""
    error_class: str
    vendor_code: str | None
    text: str | None
    """What the messages have in common; null where a page counts several causes as one."""
    example: str
    """The message of the first failure."""
    next_step: str
    failure_count: Count
    object_count: Count
    """Of these, the failures of single objects; the others are of whole chunks, or of the job."""
    sample_keys: Annotated[list[str], Field(max_length=SAMPLE_KEY_COUNT)]
    first_at: datetime
    last_at: datetime


class FailureCausePage(Shown):
    """The causes of the failures that a request read, the most frequent first."""

    items: list[FailureCause]
    failures_read: Count
    """Records read. Each chunk records a limited number of its failures."""
    objects_failed: Count
    """The job's own count of failed objects, recorded or not."""
    next_cursor: str | None
    """Where reading continues; null where all records were read."""
