"""Turning what went wrong into records of the error table."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from datetime import datetime

from domain.errors import DomainError
from domain.failure import Failure, error_id_for
from domain.outcome import Outcome, OutcomeKind
from ports.errors import PortError, Retryable


def failed_outcome(key: str, error: PortError | DomainError) -> Outcome:
    """Return the outcome of an object whose processing ended in `error`."""
    return Outcome(
        key=key,
        kind=OutcomeKind.FAILED,
        reason=error_class(error),
        message=str(error),
        stack_trace="".join(traceback.format_exception(error)),
        retryable=isinstance(error, Retryable),
    )


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
    """Return the records of the failed ones among `outcomes`."""
    return [
        Failure(
            error_id=error_id_for(chunk_index=chunk_index, subject=outcome.key),
            job_id=job_id,
            error_class=outcome.reason,
            message=outcome.message or outcome.reason,
            occurred_at=now,
            chunk_index=chunk_index,
            key=outcome.key,
            attempt_number=attempt_number,
            stack_trace=outcome.stack_trace,
        )
        for outcome in outcomes
        if outcome.kind is OutcomeKind.FAILED
    ]


def whole_failure(
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
        message=str(error),
        occurred_at=now,
        chunk_index=chunk_index,
        attempt_number=attempt_number,
        stack_trace="".join(traceback.format_exception(raised)) if raised else None,
    )
