"""Records of the error table, and outcomes, made from errors."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from domain.chunk import Chunk
from domain.errors import DomainError
from domain.failure import Failure, error_id_for
from domain.outcome import Outcome, OutcomeKind
from ports.errors import Fatal, NotFound, PortError, Retryable, Unknown
from ports.telemetry import Telemetry

_UNEXPECTED: Final = (
    "; this service did not expect it. Redrive the job, and if it happens again, report the stack"
    " trace of the error record"
)

# Items of jobs and chunks have it in addition to everything else (DynamoDB: 400 KB an item).
_TEXT_CHARS_MAX: Final = 4_000


def failed_outcome(key: str, error: Exception) -> Outcome:
    """Return the outcome of an object whose processing ended in `error`, of whatever class."""
    return Outcome(
        key=key,
        kind=OutcomeKind.FAILED,
        reason=error_class(error),
        message=cause_of(error),
        vendor_code=error.vendor_code if isinstance(error, PortError) else None,
        request_id=error.request_id if isinstance(error, PortError) else None,
        stack_trace="".join(traceback.format_exception(error)),
        retryable=isinstance(error, Retryable),
        again=is_unknown(error),
    )


def is_unknown(error: Exception) -> bool:
    """Return whether an error has no known meaning: an unknown AWS error code, or a bug."""
    return isinstance(error, Unknown) or not isinstance(error, PortError | DomainError)


def is_final(error: Exception) -> bool:
    """Return whether no retry can help: a rule of the domain, or an operator must act."""
    return isinstance(error, DomainError | Fatal | NotFound)


def cause_of(error: Exception) -> str:
    """Return an error in words; an unexpected one also has its class."""
    text = str(error)
    if not isinstance(error, PortError | DomainError):
        text = f"{type(error).__name__}: {text[:_TEXT_CHARS_MAX]}{_UNEXPECTED}"
    # Half of a surrogate pair, as from bytes that are not UTF-8, cannot be stored unchanged.
    return text[:_TEXT_CHARS_MAX].encode(errors="backslashreplace").decode()


def error_class(error: Exception) -> str:
    """Return the stable name of an error: its class."""
    return type(error).__name__


def object_failures(
    outcomes: Iterable[Outcome],
    *,
    job_id: str,
    chunk_index: int,
    attempt_number: int,
    now: datetime,
) -> list[Failure]:
    """Return the records of the failed outcomes, one for each key.

    An incorrect completion report may contain a key twice.
    """
    failed = {each.key: each for each in outcomes if each.kind is OutcomeKind.FAILED}
    return [
        Failure(
            error_id=error_id_for(chunk_index=chunk_index, subject=key),
            job_id=job_id,
            error_class=outcome.reason,
            message=outcome.message or outcome.reason,
            occurred_at=now,
            chunk_index=chunk_index,
            key=key,
            attempt_number=attempt_number,
            vendor_code=outcome.vendor_code,
            request_id=outcome.request_id,
            stack_trace=outcome.stack_trace,
        )
        for key, outcome in failed.items()
    ]


def chunk_or_job_failure(
    error: Exception | str,
    *,
    job_id: str,
    chunk_index: int | None,
    now: datetime,
    attempt_number: int | None = None,
    reason: str | None = None,
) -> Failure:
    """Return the record of the failure of a whole chunk or, without an index, of the job."""
    raised = error if isinstance(error, Exception) else None
    return Failure(
        error_id=error_id_for(chunk_index=chunk_index, subject=""),
        job_id=job_id,
        error_class=reason or (error_class(raised) if raised else "Failed"),
        message=cause_of(error) if isinstance(error, Exception) else error,
        occurred_at=now,
        chunk_index=chunk_index,
        attempt_number=attempt_number,
        vendor_code=error.vendor_code if isinstance(error, PortError) else None,
        request_id=error.request_id if isinstance(error, PortError) else None,
        stack_trace="".join(traceback.format_exception(raised)) if raised else None,
    )


def warn_of_chunk(telemetry: Telemetry, name: str, chunk: Chunk, error: Exception) -> None:
    """Report an error that does not block the chunk."""
    telemetry.warning(name, job_id=chunk.job_id, chunk_index=chunk.index, cause=cause_of(error))
