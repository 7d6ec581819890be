"""The value of this service's own tag: the object's last trigger, and how often it was triggered.

It is stored on the object, so it costs no read and no other state. The tag is written with the
trigger, before the ETag after a copy is known. So an object is unchanged since its trigger if its
ETag is still the one before, or if it was not modified much later.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.customer_object import ObjectHead
from domain.identity import SYNC_JOB_ID_TAG

# S3's clock, the local clock, and the duration of a copy may account for this difference.
_TOLERANCE: Final = timedelta(minutes=15)

_TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"

# S3 User Guide, "Categorizing your storage using tags" (read in 2026-11): the characters that a tag
# may hold. S3's own ETags hold no others; those of other stores may.
_NOT_IN_TAG: Final = re.compile(r"[^0-9A-Za-z+\-=._:@]")

_MARK: Final = re.compile(
    r"(?P<job>[^/]+)/(?P<action>[A-Z]+)/(?P<attempts>[0-9]{1,4})/(?P<at>[0-9]{8}T[0-9]{6}Z)"
    r"/(?P<place>[0-9a-f]{8})/(?P<e_tag>[^/]*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerMark:
    """An object's last trigger by this service.

    Attributes:
        job_id: The job that triggered it.
        action: COPY or PUT; None in a mark with a job id only, as version 0.1 wrote it.
        attempts: Triggers of the unchanged object so far, this one included.
        triggered_at: When, to the second. None in a mark of version 0.1; its object is not waited
            for.
        e_tag: The object's ETag before the trigger, with characters not allowed in a tag replaced.
    """

    job_id: str
    action: str | None = None
    attempts: int = 1
    triggered_at: datetime | None = None
    e_tag: str | None = None


def mark_value(
    *,
    job_id: str,
    action: str,
    attempts: int,
    triggered_at: datetime,
    e_tag: str,
    bucket_name: str,
    key: str,
) -> str:
    """Return the tag's value for a trigger; arguments are the fields of `TriggerMark`.

    It is bound to the key, because copies of an object get its tags.
    """
    at = triggered_at.astimezone(UTC).strftime(_TIME_FORMAT)
    return f"{job_id}/{action}/{attempts}/{at}/{_place(bucket_name, key)}/{_plain(e_tag)}"


def mark_of(tags: Mapping[str, str], *, bucket_name: str, key: str) -> TriggerMark | None:
    """Return the mark in an object's tags, None if there is none or it is another object's."""
    value = tags.get(SYNC_JOB_ID_TAG)
    if not value:
        return None
    match = _MARK.fullmatch(value)
    if match is None:
        # Version 0.1 wrote only the job's id. Any other value cannot be read.
        return TriggerMark(job_id=value) if "/" not in value else None
    if match["place"] != _place(bucket_name, key):
        return None
    try:
        at = datetime.strptime(match["at"], _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return TriggerMark(
        job_id=match["job"],
        action=match["action"],
        attempts=int(match["attempts"]),
        triggered_at=at,
        e_tag=match["e_tag"],
    )


def is_marked_elsewhere(tags: Mapping[str, str], *, bucket_name: str, key: str) -> bool:
    """Return whether the tags were copied from another object that was triggered."""
    match = _MARK.fullmatch(tags.get(SYNC_JOB_ID_TAG, ""))
    return match is not None and match["place"] != _place(bucket_name, key)


class History(StrEnum):
    """The state of an object that the catalog does not have, with respect to its triggers."""

    NEW = "not triggered as it is now"
    WAITING = "triggered, within the grace period"
    DUE = "triggered, and the grace period is over"
    EXHAUSTED = "triggered as often as allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """What is known of the system's ingest queue.

    Attributes:
        known: Whether its depth can be read.
        empty_at: When it was last seen empty, None if never. If it has not been empty since an
            object's trigger, the object counts as being ingested, however old the trigger is.
    """

    known: bool = False
    empty_at: datetime | None = None

    def may_hold(self, triggered_at: datetime) -> bool:
        """Return whether a message of that time may still be in the queue."""
        return self.known and not (self.empty_at is not None and self.empty_at > triggered_at)


UNKNOWN_QUEUE: Final = QueueView()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for the system, and how often to trigger an object.

    Attributes:
        grace: The time after its trigger during which an object counts as being ingested.
        trigger_count_max: Maximum number of triggers of an unchanged object.
        queue: The system's ingest queue.
        retrigger: Whether the user requested triggers regardless of earlier ones.
    """

    grace: timedelta
    trigger_count_max: int
    queue: QueueView = UNKNOWN_QUEUE
    retrigger: bool = False


def history_of(
    mark: TriggerMark | None, head: ObjectHead, patience: Patience, now: datetime
) -> History:
    """Return the state of the object; one that changed since its trigger counts as new."""
    if mark is None or patience.retrigger or changed_since(mark, head):
        return History.NEW
    if mark.triggered_at is not None and _waited_for(mark.triggered_at, patience, now):
        return History.WAITING
    return History.EXHAUSTED if mark.attempts >= patience.trigger_count_max else History.DUE


def _waited_for(triggered_at: datetime, patience: Patience, now: datetime) -> bool:
    return now - triggered_at < patience.grace or patience.queue.may_hold(triggered_at)


def changed_since(mark: TriggerMark, head: ObjectHead) -> bool:
    """Return whether another writer changed the object after its trigger."""
    if mark.triggered_at is None or _plain(head.e_tag) == mark.e_tag:
        return False
    return head.last_modified > mark.triggered_at + _TOLERANCE


def _plain(e_tag: str) -> str:
    return _NOT_IN_TAG.sub("_", e_tag)[:64]


def _place(bucket_name: str, key: str) -> str:
    return hashlib.sha256(f"{bucket_name}\0{key}".encode()).hexdigest()[:8]
