"""The life cycle of a job as a table: which status may follow which.

"Tracking job status and completion reports" (S3 User Guide) describes the states and the
forward transitions::

    New -> Preparing -> Ready -> Active -> Completing -> Complete
    Preparing -> Suspended -> Ready       confirmation required; only once
    Active -> Pausing -> Paused -> Active a job of higher priority goes first

It does not say from which states a job can be cancelled or can fail. Assumed here, unconfirmed
per state: from every state that is not terminal; except that a Failing job can only fail, and a
Cancelling job can still fail.

`runner` and `service` decide which transition happens. A terminal state has an empty row.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class BatchJobStatus(StrEnum):
    """The statuses of the API (shape JobStatus of the S3 Control model)."""

    NEW = "New"
    PREPARING = "Preparing"
    SUSPENDED = "Suspended"
    READY = "Ready"
    ACTIVE = "Active"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    COMPLETING = "Completing"
    COMPLETE = "Complete"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    FAILING = "Failing"
    FAILED = "Failed"


_STOP: Final = frozenset({BatchJobStatus.CANCELLING, BatchJobStatus.FAILING})

JOB_TRANSITIONS: Final[Mapping[BatchJobStatus, frozenset[BatchJobStatus]]] = MappingProxyType(
    {
        BatchJobStatus.NEW: _STOP | {BatchJobStatus.PREPARING},
        BatchJobStatus.PREPARING: _STOP | {BatchJobStatus.READY, BatchJobStatus.SUSPENDED},
        BatchJobStatus.SUSPENDED: _STOP | {BatchJobStatus.READY},
        BatchJobStatus.READY: _STOP | {BatchJobStatus.ACTIVE},
        BatchJobStatus.ACTIVE: _STOP | {BatchJobStatus.COMPLETING, BatchJobStatus.PAUSING},
        BatchJobStatus.PAUSING: _STOP | {BatchJobStatus.PAUSED},
        BatchJobStatus.PAUSED: _STOP | {BatchJobStatus.ACTIVE},
        BatchJobStatus.COMPLETING: _STOP | {BatchJobStatus.COMPLETE},
        BatchJobStatus.COMPLETE: frozenset(),
        BatchJobStatus.CANCELLING: frozenset({BatchJobStatus.CANCELLED, BatchJobStatus.FAILING}),
        BatchJobStatus.CANCELLED: frozenset(),
        BatchJobStatus.FAILING: frozenset({BatchJobStatus.FAILED}),
        BatchJobStatus.FAILED: frozenset(),
    }
)


class IllegalTransition(Exception):
    """The requested status may not follow the current one."""

    def __init__(self, current: BatchJobStatus, requested: BatchJobStatus) -> None:
        super().__init__(f"A job in status {current} cannot become {requested}")
        self.current = current
        self.requested = requested


def next_status(current: BatchJobStatus, requested: BatchJobStatus) -> BatchJobStatus:
    """Return `requested` if it may follow `current`.

    Raises:
        IllegalTransition: The table does not list it.
    """
    if requested not in JOB_TRANSITIONS[current]:
        raise IllegalTransition(current, requested)
    return requested


def is_terminal(status: BatchJobStatus) -> bool:
    """Return whether nothing can follow `status`."""
    return not JOB_TRANSITIONS[status]
