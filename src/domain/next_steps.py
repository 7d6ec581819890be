"""What to do about a failure of each class, for the user who reads it.

The keys are the names of the classes of `domain.errors` and `ports.errors`, and `OTHER_CLASSES`. A
failure's message may say more, such as the permission to grant.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.job import JobStatus

OTHER_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Failed": "A job that ended early for a reason that is not an error of its own",
        "GivenUp": "A chunk has no attempts left; the message has the cause of the last one",
        "Undecided": "S3 Batch Operations did not decide the object, or its report has no decision",
    }
)
"""Classes of failures that are not errors of the code, with their meaning."""

_AGAIN: Final = "{again}"
_RARE: Final = "{again}; if it happens again, report it with the stack trace of the error record"
_HEALTH: Final = "{again}; if it happens again, look at the AWS Health Dashboard of the Region"

NEXT_STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Throttled": "give the service that the message names less to do, or raise its limit; then"
        " {again}",
        "Unavailable": _HEALTH,
        "TimedOut": _HEALTH,
        "Garbled": "{again}; if it happens again, look for a proxy between the service and AWS",
        "Unknown": _RARE,
        "NotFound": "create what the message names, then {again}",
        "AlreadyExists": _RARE,
        "Conflict": "make sure that no one else writes to these objects, then {again}",
        "AccessDenied": "grant the permission that the message names, then {again}",
        "Misconfigured": "correct the setting that the message names, then {again}",
        "LimitExceeded": "raise the limit that the message names, then {again}",
        "CorruptData": "look at the stored data that the message names (docs/runbook.md)",
        "Refused": "change the object, its bucket or the connector's trigger as the message says,"
        " then {again}",
        "Archived": "move the objects out of the archive, then {again}",
        "IllegalTransition": _RARE,
        "InvalidRequest": "correct the connector, then {again}",
        "ConnectorDisabled": "enable the connector, then {again}",
        "ConnectorRemoved": "register the connector again, and start a new sync",
        "NotRedrivable": "start a new sync, which skips what is done",
        "NotConfirmable": "look at the removals of the connector's latest sync, and confirm those",
        "NotSearchable": "wait until the job has completed, or start a new sync",
        "NotPausable": "nothing: the job has ended or is ending",
        "JobHeld": "resume the job, or wait until its ingest has caught up",
        "IngestQueueUnreadable": "allow both functions to read the queue, or remove the limit, then"
        " start a new sync",
        "InvalidManifest": "make sure that only this service writes to the results bucket, then"
        " start a new sync",
        "ManifestTooLarge": "sync fewer prefixes at once, or with discovery direct",
        "InvalidSource": "correct the source of keys, then start a new sync",
        "InvalidReport": "start a new sync; if it happens again, with discovery direct",
        "InvalidMessage": "make sure that only this service sends to its queues",
        "TagLimitExceeded": "remove tags from these objects, then {again}",
        "UnsupportedBucket": "change the bucket or the connector as the message says, then start a"
        " new sync",
        "JobLeaseHeld": _AGAIN,
        "LeaseLost": _AGAIN,
        "ShareNotOpen": _AGAIN,
        "NoProgress": "remove the cause that the message names, then {again}",
        "ChunkLeaseHeld": _AGAIN,
        "ChunkAlreadySettled": _AGAIN,
        "MessageOutdated": _AGAIN,
        "Failed": "remove the cause that the message names, then {again}",
        "GivenUp": "remove the cause that the message names, then {again}",
        "Undecided": _AGAIN,
    }
)

_REDRIVE: Final = "redrive the job"
_NEW_SYNC: Final = "start a new sync, which skips what is done"
_LATER: Final = "redrive the job when it has ended"


def next_step_for(error_class: str, status: JobStatus) -> str:
    """Return what to do about a failure of this class, in a job that has this status.

    A class that is not known is that of an error which this service did not expect.
    """
    if status is JobStatus.COMPLETED_WITH_ERRORS:
        again = _REDRIVE
    elif status in (JobStatus.FAILED, JobStatus.CANCELLED):
        again = _NEW_SYNC
    else:
        again = _LATER
    return NEXT_STEPS.get(error_class, _RARE).format(again=again)


def next_step_of(error_class: str) -> str:
    """Return the same for documents: in a job that completed with errors."""
    return next_step_for(error_class, JobStatus.COMPLETED_WITH_ERRORS)
