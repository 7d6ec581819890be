"""The failures of a job grouped by cause, each with sample keys and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from domain.views import Json

_SAMPLE_COUNT: Final = 3

_REDRIVE: Final = "then redrive the job"
_RETRIED: Final = (
    "It was retried and did not help in time. Redrive the job later; if it stays, look at the"
    " request id with AWS Support"
)
NEXT_STEPS: Final[Mapping[str, str]] = {
    "AccessDenied": "Grant the permission that the message names (the connector's check has the"
    f" policy statement), {_REDRIVE}",
    "TagLimitExceeded": f"Remove as many tags of the object as the message says, {_REDRIVE}",
    "Throttled": _RETRIED,
    "Unavailable": _RETRIED,
    "TimedOut": _RETRIED,
    "Garbled": _RETRIED,
    "Conflict": "The object changed while it was written. Redrive the job",
    "NotFound": f"Check that the resource in the message exists, {_REDRIVE}",
    "Misconfigured": f"Correct the setting that the message names, {_REDRIVE}",
    "LimitExceeded": f"Raise the limit that the message names, or wait, {_REDRIVE}",
    "CorruptData": "Stored data cannot be read. Start a new sync; it skips what is done",
    "Archived": "Move the object out of the archive class, and start a new sync",
    "Refused": "S3 rejects this object permanently. Look at the message, change the object, then"
    " start a new sync",
    "UnsupportedBucket": "Change the bucket's configuration, or the connector's trigger, then"
    " start a new sync",
    "InvalidSource": "Correct the file that names the keys, and start a new sync with it",
    "NoProgress": "All attempts were used. Repair the cause in the message, then start a new sync",
}
_OTHERS: Final = "Read the message, repair its cause, then redrive the job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Failures of one class, with one error code of AWS; `samples` are the first of them."""

    error_class: str
    vendor_code: str | None
    count: int
    samples: tuple[Json, ...]
    next_step: str
    last_at: str
    of_objects: int


def group(failures: Iterable[Json]) -> list[Cause]:
    """Return the causes, the most frequent first."""
    groups: dict[tuple[str, str | None], list[Json]] = {}
    for each in failures:
        groups.setdefault((each["errorClass"], each["vendorCode"]), []).append(each)
    causes = [
        Cause(
            error_class=error_class,
            vendor_code=code,
            count=len(members),
            samples=tuple(members[:_SAMPLE_COUNT]),
            next_step=NEXT_STEPS.get(error_class, _OTHERS),
            last_at=max(each["occurredAt"] for each in members),
            of_objects=sum(each["objectKey"] is not None for each in members),
        )
        for (error_class, code), members in groups.items()
    ]
    return sorted(causes, key=lambda cause: (-cause.count, cause.error_class))
