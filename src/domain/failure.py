"""What the error table holds: one failed object, chunk, message or job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure. `error_id` depends only on where it happened, so a repetition replaces it.

    `error_class` is the stable name for tables and alarms. `key` is None for a failure of a whole
    chunk or job; `chunk_index` is None for one of the job. `vendor_code` and `request_id` are AWS's
    error code and request id, if there are any.
    """

    error_id: str
    job_id: str
    error_class: str
    message: str
    occurred_at: datetime
    chunk_index: int | None = None
    key: str | None = None
    attempt_number: int | None = None
    vendor_code: str | None = None
    request_id: str | None = None
    stack_trace: str | None = None


def error_id_for(*, chunk_index: int | None, subject: str) -> str:
    """Return the id of the failure of `subject` (a key, or a fixed word); sorts by chunk.

    The key is hashed: with a prefix it would exceed DynamoDB's limit of 1,024 bytes for a sort key.
    """
    place = "job" if chunk_index is None else f"{chunk_index:08d}"
    return f"{place}#{hashlib.sha256(subject.encode()).hexdigest()[:32]}"


def chunk_error_prefix(chunk_index: int) -> str:
    """Return the prefix of the ids of all failures of a chunk."""
    return f"{chunk_index:08d}#"
