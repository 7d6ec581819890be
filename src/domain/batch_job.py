"""What is exchanged with S3 Batch Operations: results of tasks, job states, report rows."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.decision import Decision
from domain.errors import NOT_OF_OUR_JSON, InvalidManifest, InvalidReport
from domain.limits import DISCOVERY_RESULT_CHARS_MAX
from domain.manifest import decode_key
from domain.outcome import Outcome, OutcomeKind


class BatchJobStatus(StrEnum):
    """States of a batch job (S3 API Reference, JobDescriptor)."""

    ACTIVE = "Active"
    CANCELLED = "Cancelled"
    CANCELLING = "Cancelling"
    COMPLETE = "Complete"
    COMPLETING = "Completing"
    FAILED = "Failed"
    FAILING = "Failing"
    NEW = "New"
    PAUSED = "Paused"
    PAUSING = "Pausing"
    PREPARING = "Preparing"
    READY = "Ready"
    SUSPENDED = "Suspended"


ENDED = frozenset({BatchJobStatus.COMPLETE, BatchJobStatus.FAILED, BatchJobStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """A batch job as DescribeJob describes it.

    `job_id` is the sync job's id from the user arguments, None for an unrelated batch job.
    """

    batch_job_id: str
    job_id: str | None
    status: BatchJobStatus
    total_count: int = 0
    succeeded_count: int = 0
    failed_count: int = 0
    failure_reasons: tuple[str, ...] = ()
    ended_at: datetime | None = None


def failure_of(batch_job: BatchJob) -> str | None:
    """Return why an ended batch job cannot be used, or None if its report can be used.

    `Complete` does not mean success: all tasks may have failed (S3 User Guide, "Job status and
    completion reports"). An object whose task failed stays undecided; its chunk decides it.
    """
    causes = "; ".join(batch_job.failure_reasons) or "S3 gave no reason"
    if batch_job.status is BatchJobStatus.FAILED:
        return f"S3 batch job {batch_job.batch_job_id} failed: {causes}"
    if batch_job.status is BatchJobStatus.CANCELLED:
        return f"S3 batch job {batch_job.batch_job_id} was cancelled outside of this service"
    if batch_job.total_count and not batch_job.succeeded_count:
        return (
            f"S3 batch job {batch_job.batch_job_id} completed, but all of its"
            f" {batch_job.total_count} tasks failed; check the processor's log and permissions"
        )
    return None


_OUTCOME_FIELDS = {
    "r": "reason",
    "a": "asset_id",
    "i": "inventory_id",
    "s": "size_bytes",
    "t": "triggered_at",
    "n": "trigger_count",
    "m": "message",
}


def encode_result(outcome: Outcome) -> str:
    """Return the outcome as the resultString of a task, short enough for the report."""
    record = {name: getattr(outcome, attribute) for name, attribute in _OUTCOME_FIELDS.items()}
    kept = {name: value for name, value in record.items() if value is not None}
    text = json.dumps({"o": outcome.kind.value, **kept}, separators=(",", ":"))
    if len(text) > DISCOVERY_RESULT_CHARS_MAX:
        # Ids and messages may be long. They can be found again by reading the object.
        text = json.dumps({"o": outcome.kind.value, "r": outcome.reason}, separators=(",", ":"))
    return text


_DECISION_OF_KIND = {
    OutcomeKind.SKIPPED: Decision.SKIP,
    OutcomeKind.COPIED: Decision.COPY,
    OutcomeKind.PUT: Decision.PUT,
    OutcomeKind.INGESTING: Decision.SKIP,
    OutcomeKind.NOT_TAKEN: Decision.SKIP,
    OutcomeKind.NOT_MEDIA: Decision.SKIP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One object of a completion report.

    `outcome` is None if discovery could not decide. `message` is then the error that S3 or the
    processor reported.
    """

    key: str
    outcome: Outcome | None
    message: str


_HTTP_STATUS = re.compile(r"[0-9]{3}")


def parse_report_row(record: bytes) -> ReportRow:
    """Parse one row of a completion report.

    The report's schema names ErrorCode before HTTPStatusCode, but the rows have them in the reverse
    order (S3 User Guide, "Examples: S3 Batch Operations completion reports"). Neither is needed
    here: only the first four columns and the last one are used, and their order is certain.

    Raises:
        InvalidReport: The row is not valid.
    """
    try:
        rows = list(csv.reader([record.decode()], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidReport(f"row {record[:200]!r}: {error}") from error
    if len(rows) != 1 or len(rows[0]) != 7:
        raise InvalidReport(f"row {record[:200]!r} does not have the seven columns of a report")
    _bucket, encoded, _version, status, fifth, sixth, message = rows[0]
    if not (_HTTP_STATUS.fullmatch(fifth) or _HTTP_STATUS.fullmatch(sixth)):
        raise InvalidReport(f"row {record[:200]!r} has no HTTP status")
    try:
        key = decode_key(encoded)
    except InvalidManifest as error:
        raise InvalidReport(str(error)) from error
    if status.lower() != "succeeded":
        return ReportRow(key=key, outcome=None, message=message)
    return ReportRow(key=key, outcome=_decode_result(key, message), message=message)


def _decode_result(key: str, text: str) -> Outcome | None:
    """Parse what `encode_result` wrote; any other text leaves the object undecided."""
    try:
        record = json.loads(text)
        kind = OutcomeKind(record["o"])
        values = {attribute: record.get(name) for name, attribute in _OUTCOME_FIELDS.items()}
        return Outcome(key=key, kind=kind, decision=_DECISION_OF_KIND.get(kind), **values)
    except NOT_OF_OUR_JSON:
        return None


def parse_report_index(text: bytes) -> tuple[str, ...]:
    """Return the keys of the result files that a report's manifest.json lists, sorted.

    Raises:
        InvalidReport: The file is not valid.
    """
    try:
        index = json.loads(text)
        return tuple(sorted({str(result["Key"]) for result in index["Results"]}))
    except NOT_OF_OUR_JSON as error:
        raise InvalidReport(f"the report's manifest.json is not valid: {error}") from error
