"""The comparison of a whole sync with the one before, as the job's record has it.

It begins when the job has ended and its index is ready, and has four steps: the keys of both are
compared; the guard decides; what is missing is looked for once more, and announced if that is
wanted; the job becomes what the next one is compared with. A comparison that the guard has stopped
waits for a user, and no one waits for it: the next sync is compared with the same one before.

One comparison of a connector is under way at a time: it has claimed the connector's baseline
(`domain.removal_settings.Baseline`). So a disappearance is between one pair of syncs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.engine_work import NO_ATTEMPTS
from domain.errors import NotConfirmable
from domain.leased_work import LeasedWork
from domain.listing import RowUpload
from domain.machine import Table, next_state, table, terminal_states
from domain.removal_rows import RemovalState

NO_UPLOAD: Final = RowUpload()


class RemovalStatus(StrEnum):
    """States of a comparison."""

    WANTED = "WANTED"
    COMPARING = "COMPARING"
    STOPPED = "STOPPED"
    CHECKING = "CHECKING"
    DONE = "DONE"
    OVERTAKEN = "OVERTAKEN"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSet:
    """There was nothing to compare with: the job is the first of its scope."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonBegan:
    """The baseline is claimed, and its keys are compared with those of the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPassed:
    """The keys are compared, and what is missing is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStopped:
    """The keys are compared, and too many are missing."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalsConfirmed:
    """A user has confirmed what the guard stopped."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalsChecked:
    """All that was missing is looked for, and announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalsOvertaken:
    """A later sync was compared before, or the connector is not the one that it was."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalsGivenUp:
    """The comparison is impossible, or all attempts failed."""

    reason: str


RemovalEvent = (
    BaselineSet
    | ComparisonBegan
    | GuardPassed
    | GuardStopped
    | RemovalsConfirmed
    | RemovalsChecked
    | RemovalsOvertaken
    | RemovalsGivenUp
)

REMOVAL_TRANSITIONS: Final[Table[RemovalStatus]] = table(
    {
        RemovalStatus.WANTED: {
            BaselineSet: RemovalStatus.DONE,
            ComparisonBegan: RemovalStatus.COMPARING,
            RemovalsOvertaken: RemovalStatus.OVERTAKEN,
            RemovalsGivenUp: RemovalStatus.GIVEN_UP,
        },
        RemovalStatus.COMPARING: {
            GuardPassed: RemovalStatus.CHECKING,
            GuardStopped: RemovalStatus.STOPPED,
            RemovalsOvertaken: RemovalStatus.OVERTAKEN,
            RemovalsGivenUp: RemovalStatus.GIVEN_UP,
        },
        RemovalStatus.STOPPED: {RemovalsConfirmed: RemovalStatus.CHECKING},
        RemovalStatus.CHECKING: {
            RemovalsChecked: RemovalStatus.DONE,
            RemovalsOvertaken: RemovalStatus.OVERTAKEN,
            RemovalsGivenUp: RemovalStatus.GIVEN_UP,
        },
        RemovalStatus.DONE: {},
        RemovalStatus.OVERTAKEN: {},
        RemovalStatus.GIVEN_UP: {},
    }
)

_WAITS: Final = terminal_states(REMOVAL_TRANSITIONS, reopening=frozenset({RemovalsConfirmed}))
"""States that only a user's request can leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalCounts:
    """What was compared, and the outcome of the objects that are missing.

    `missing` are those of `seen_before` that are not among `seen_now`, and `added` the other way
    round. `announced` are events that were accepted.
    """

    seen_before: int = 0
    seen_now: int = 0
    missing: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    returned: int = 0
    out_of_scope: int = 0
    announced: int = 0

    @property
    def checked(self) -> int:
        """How many of the missing objects were looked for."""
        return self.removed + self.moved + self.returned + self.out_of_scope

    def with_states(self, states: list[RemovalState], *, announced: int) -> RemovalCounts:
        """Return the counts after these objects were looked for."""
        return replace(
            self,
            removed=self.removed + states.count(RemovalState.REMOVED),
            moved=self.moved + states.count(RemovalState.MOVED),
            returned=self.returned + states.count(RemovalState.RETURNED),
            out_of_scope=self.out_of_scope + states.count(RemovalState.OUT_OF_SCOPE),
            announced=self.announced + announced,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedFiles:
    """The files of a comparison while they are written; each is a `RowUpload`."""

    missing: RowUpload = NO_UPLOAD
    added: RowUpload = NO_UPLOAD
    report: RowUpload = NO_UPLOAD
    carried: RowUpload = NO_UPLOAD


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalWork(LeasedWork):
    """The comparison's record.

    Attributes:
        status: Its state.
        reason: Why it is in this state, for people; None if there is nothing to say.
        baseline_job_id: The job that it is compared with.
        index_number: Which index of its own job it reads, None if that listed nothing.
        after: The last key that was compared; what follows is left to compare.
        position: The byte of the file of missing objects at which the next ones to look for begin.
        counts: What was found so far.
        files: What was written so far.
        added_kept: Whether the file of added objects has all of them, so that moves can be found.
        confirmed_at: When a user confirmed what the guard had stopped.
    """

    status: RemovalStatus = RemovalStatus.WANTED
    reason: str | None = None
    baseline_job_id: str | None = None
    index_number: int | None = None
    after: str | None = None
    position: int = 0
    counts: RemovalCounts = RemovalCounts()
    files: ComparedFiles = ComparedFiles()
    added_kept: bool = True
    confirmed_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether the engine must still work on it."""
        return self.status not in _WAITS

    @property
    def place(self) -> tuple[object, ...]:
        """What changes whenever the comparison makes progress."""
        return (self.status, self.after, self.position, self.baseline_job_id)


WANTED: Final = RemovalWork()


def evolve_removals(work: RemovalWork, event: RemovalEvent) -> RemovalWork:
    """Return the comparison after `event`.

    Raises:
        IllegalTransition: Its state does not allow this event.
    """
    status = next_state("removals", REMOVAL_TRANSITIONS, work.status, event)
    moved = replace(work, status=status, attempts=NO_ATTEMPTS, reason=None)
    match event:
        case (
            BaselineSet(reason=reason)
            | GuardStopped(reason=reason)
            | RemovalsOvertaken(reason=reason)
            | RemovalsGivenUp(reason=reason)
        ):
            return replace(moved, reason=reason)
        case RemovalsConfirmed(at=at):
            return replace(moved, confirmed_at=at)
        case _:
            return moved


def confirm_removals(work: RemovalWork | None, *, expected: int, now: datetime) -> RemovalWork:
    """Return the comparison after a user has confirmed `expected` missing objects.

    One that was confirmed before is returned unchanged.

    Raises:
        NotConfirmable: The guard has not stopped it, or at another number.
    """
    if work is not None and work.confirmed_at is not None:
        return work
    if work is None or work.status is not RemovalStatus.STOPPED:
        state = "none was wanted" if work is None else f"it is {work.status}"
        raise NotConfirmable(
            "only a comparison that the guard has STOPPED is confirmed; of this job's comparison"
            f" with the sync before, {state}"
        )
    if work.counts.missing != expected:
        raise NotConfirmable(
            f"{work.counts.missing:,} objects are missing, and {expected:,} were confirmed. Look at"
            " the report again, and confirm the number that it has"
        )
    return evolve_removals(work, RemovalsConfirmed(at=now))
