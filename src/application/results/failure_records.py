"""Turning what went wrong into records of the error table."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from domain.errors import DomainError
from domain.failure import Failure, error_id_for
from domain.outcome import Outcome, OutcomeKind
from ports.errors import PortError, Retryable, Unknown

_FAULT_OF_OURS: Final = (
    "; this service did not expect it. Redrive the job, and if it comes again, report the stack"
    " trace of the error record"
)

# Records of jobs and chunks hold it beside everything else (DynamoDB: 400 KB an item).
_TEXT_CHARS_MAX: Final = 4_000


def failed_outcome(key: str, error: Exception) -> Outcome:
    """Return the outcome of an object whose processing ended in `error`, whatever that is."""
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
    """Tell whether nobody knows what an error means: an answer without a name, or a bug of ours."""
    return isinstance(error, Unknown) or not isinstance(error, PortError | DomainError)


def cause_of(error: Exception) -> str:
    """Return an error in words; one that is none of ours is named by its class."""
    text = str(error)
    if not isinstance(error, PortError | DomainError):
        text = f"{type(error).__name__}: {text[:_TEXT_CHARS_MAX]}{_FAULT_OF_OURS}"
    # Half of a surrogate pair, as in octets that are no UTF-8, cannot be stored as it is.
    return text[:_TEXT_CHARS_MAX].encode(errors="backslashreplace").decode()


def error_class(error: Exception) -> str:
    """Return the stable word for an error: the name of its class."""
    return type(error).__name__


def object_failures(
    outcomes: Iterable[Outcome],
    *,
    job_id: str,
    chunk_index: int,
    attempt_number: int,
    now: datetime,
) -> list[Failure]:
    """Return the records of the failed ones among `outcomes`, one for each key.

    A completion report that is wrong may name a key twice.
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
    """Return the record of a failure of a whole chunk, or (without an index) of the job."""
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
