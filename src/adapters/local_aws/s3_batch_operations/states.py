"""The life of a job as data: which status may follow which.

"Tracking job status and completion reports" (S3 User Guide) describes the states and the
forward moves::

    New -> Preparing -> Ready -> Active -> Completing -> Complete
    Preparing -> Suspended -> Ready       confirmation required; never Suspended again
    Active -> Pausing -> Paused -> Active a job of higher priority goes first

It does not tabulate from where a job can be cancelled or can fail. Our reading,
unconfirmed per state: from every state that is not terminal; except that a job already
Failing fails, and a job already Cancelling can only still fail.

The table says what may follow what; whether it does is decided elsewhere (`runner`,
`service`). A terminal state has an empty row.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class JobStatus(StrEnum):
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


_STOP: Final = frozenset({JobStatus.CANCELLING, JobStatus.FAILING})

JOB_TRANSITIONS: Final[Mapping[JobStatus, frozenset[JobStatus]]] = MappingProxyType(
    {
        JobStatus.NEW: _STOP | {JobStatus.PREPARING},
        JobStatus.PREPARING: _STOP | {JobStatus.READY, JobStatus.SUSPENDED},
        JobStatus.SUSPENDED: _STOP | {JobStatus.READY},
        JobStatus.READY: _STOP | {JobStatus.ACTIVE},
        JobStatus.ACTIVE: _STOP | {JobStatus.COMPLETING, JobStatus.PAUSING},
        JobStatus.PAUSING: _STOP | {JobStatus.PAUSED},
        JobStatus.PAUSED: _STOP | {JobStatus.ACTIVE},
        JobStatus.COMPLETING: _STOP | {JobStatus.COMPLETE},
        JobStatus.COMPLETE: frozenset(),
        JobStatus.CANCELLING: frozenset({JobStatus.CANCELLED, JobStatus.FAILING}),
        JobStatus.CANCELLED: frozenset(),
        JobStatus.FAILING: frozenset({JobStatus.FAILED}),
        JobStatus.FAILED: frozenset(),
    }
)


class IllegalMove(Exception):
    """A job was told to enter a status that may not follow its present one."""

    def __init__(self, present: JobStatus, requested: JobStatus) -> None:
        super().__init__(f"A job in status {present} cannot become {requested}")
        self.present = present
        self.requested = requested


def next_status(present: JobStatus, requested: JobStatus) -> JobStatus:
    """Return `requested` if it may follow `present`.

    Raises:
        IllegalMove: The table does not list it.
    """
    if requested not in JOB_TRANSITIONS[present]:
        raise IllegalMove(present, requested)
    return requested


def is_terminal(status: JobStatus) -> bool:
    """Say whether nothing can follow `status`."""
    return not JOB_TRANSITIONS[status]
