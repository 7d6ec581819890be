"""What a job waits for, in one statement: for what, since when, and until when if that is known.

It is derived from the job, and from who has the slots of its connector; nothing is recorded for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.hold import Hold, HoldCause, hold_of
from domain.job import Job
from domain.job_limits import slot_count

_NAMED_JOBS: Final = 3


class WaitReason(StrEnum):
    """What a job waits for; the first four are those of `HoldCause`."""

    PAUSED = "PAUSED"
    STAGE_PAUSED = "STAGE_PAUSED"
    INGEST_BEHIND = "INGEST_BEHIND"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    NO_FREE_SLOT = "NO_FREE_SLOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a job waits for; `text` continues "it waits for", and has the next step or figures.

    `since` and `until` are None if they are not known.
    """

    reason: WaitReason
    since: datetime | None
    until: datetime | None
    text: str


def may_lack_slot(job: Job, now: datetime) -> bool:
    """Return whether the job has chunks to work on, and may do so only with a slot."""
    open_chunks = job.tally.chunks_total > job.tally.chunks_settled
    return open_chunks and slot_count(job) is not None and hold_of(job, now) is None


def waiting_for(job: Job, now: datetime, slot_holders: Sequence[str] = ()) -> Waiting | None:
    """Return what the job waits for; None if it works, or has ended or is ending.

    `slot_holders` are the ids of the jobs whose workers have slots of its connector now. A job that
    has one of these works, and one that finds a free slot will.
    """
    hold = hold_of(job, now)
    if hold is not None:
        reason = WaitReason(hold.cause)
        return Waiting(reason=reason, since=hold.since, until=hold.until, text=_hold_text(hold))
    count = slot_count(job)
    if count is None or not may_lack_slot(job, now):
        return None
    if len(slot_holders) < count or job.job_id in slot_holders:
        return None
    slots = "the only one" if count == 1 else f"all {count:,}"
    text = f"a free slot: other jobs have {slots} of its connector"
    named = sorted({holder for holder in slot_holders if holder})
    if named:
        more = "" if len(named) <= _NAMED_JOBS else f" and {len(named) - _NAMED_JOBS:,} more"
        text += f" ({', '.join(named[:_NAMED_JOBS])}{more})"
    return Waiting(reason=WaitReason.NO_FREE_SLOT, since=None, until=None, text=text)


def _hold_text(hold: Hold) -> str:
    match hold.cause:
        case HoldCause.PAUSED:
            return f"asset-sync resume: it was paused{_by(hold)}"
        case HoldCause.STAGE_PAUSED:
            return f"asset-sync resume --all: all jobs were paused{_by(hold)}"
        case HoldCause.INGEST_BEHIND:
            return f"ingest: {hold.reason}"
        case HoldCause.OUTSIDE_WINDOW:
            return "the next time window of its connector"


def _by(hold: Hold) -> str:
    by = f" by {hold.by}" if hold.by else ""
    return by + (f" ({hold.reason})" if hold.reason else "")
