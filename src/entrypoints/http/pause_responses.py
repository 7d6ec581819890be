"""What pauses, and what else holds a job, look like in responses."""

from __future__ import annotations

from datetime import datetime

from domain.hold import HoldCause
from domain.waiting import WaitReason
from entrypoints.http.shown_model import Shown


class Pause(Shown):
    """A pause that an operator requested."""

    since: datetime
    reason: str | None
    by: str | None
    """The ARN of the caller, if the API knows it."""


class Stage(Shown):
    """What holds for all jobs of the stage."""

    pause: Pause | None
    """Null if the stage is not paused."""


class Hold(Pause):
    """What holds a job: nothing of it is started until this has ended."""

    cause: HoldCause


class Waiting(Shown):
    """What a job waits for, in one statement."""

    reason: WaitReason
    since: datetime | None
    """Null if it is not known."""
    until: datetime | None
    """When the next time window opens; null for other reasons."""
    text: str
    """Continues "it waits for", for people; the wording may change."""
