"""The search for orphans, records of the catalog without an object, as the job's record has it.

It is asked for, after a sync has ended, and has three steps: the catalog is scanned, and its
records are sorted by key; they are compared with the index of what the sync listed; and what the
sync did not list is looked for once more. Only what does not exist then is reported. Nothing is
ever deleted.

The index only saves looking: what it does not have is looked for. So a search is right whatever
the sync left out, and without any index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.engine_work import NO_ATTEMPTS
from domain.errors import NotSearchable
from domain.leased_work import LeasedWork
from domain.listing import RowUpload
from domain.machine import Table, next_state, table, terminal_states
from domain.snapshot import Segment
from domain.sorted_run import Run

NO_UPLOAD: Final = RowUpload()
NO_RECORDS: Final = (
    "this installation knows no catalog (profile none), so there are no records to search"
)


class OrphanStatus(StrEnum):
    """States of a search."""

    WANTED = "WANTED"
    SCANNING = "SCANNING"
    COMPARING = "COMPARING"
    CHECKING = "CHECKING"
    DONE = "DONE"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanBegan:
    """The index is ready, or will never be; the scan of the catalog begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsScanned:
    """All records are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsCompared:
    """The records are compared with what the sync listed; what it did not list is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphansChecked:
    """All that the sync did not list is looked for, and the report is complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchGivenUp:
    """The search is impossible, or all attempts failed."""

    reason: str


OrphanEvent = ScanBegan | RecordsScanned | RecordsCompared | OrphansChecked | SearchGivenUp

ORPHAN_TRANSITIONS: Final[Table[OrphanStatus]] = table(
    {
        OrphanStatus.WANTED: {
            ScanBegan: OrphanStatus.SCANNING,
            SearchGivenUp: OrphanStatus.GIVEN_UP,
        },
        OrphanStatus.SCANNING: {
            RecordsScanned: OrphanStatus.COMPARING,
            SearchGivenUp: OrphanStatus.GIVEN_UP,
        },
        OrphanStatus.COMPARING: {
            RecordsCompared: OrphanStatus.CHECKING,
            SearchGivenUp: OrphanStatus.GIVEN_UP,
        },
        OrphanStatus.CHECKING: {
            OrphansChecked: OrphanStatus.DONE,
            SearchGivenUp: OrphanStatus.GIVEN_UP,
        },
        OrphanStatus.DONE: {},
        OrphanStatus.GIVEN_UP: {},
    }
)

_ENDED: Final = terminal_states(ORPHAN_TRANSITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanCounts:
    """What was read, and with which outcome.

    Of `scanned` records of the catalog, `without_path` name no object, so nothing can be said of
    them, and `in_scope` are about objects under the prefixes of the job. `unlisted` of these are
    about objects that the sync did not list: `existing` when they were looked for, or `orphans`.
    """

    scanned: int = 0
    without_path: int = 0
    in_scope: int = 0
    unlisted: int = 0
    existing: int = 0
    orphans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanWork(LeasedWork):
    """The search's record.

    Attributes:
        requested_at: When it was asked for.
        number: Which search of the job it is; its files have it in their names.
        status: Its state.
        reason: Why it is in this state, for people; None if there is nothing to say.
        index_number: Which index of its job it reads, None for none.
        segments: What is left of the scan.
        runs: The sorted records, and how many bytes of them are compared.
        after: The last key that was compared.
        position: The byte of the file of unlisted objects at which the next ones to look for begin.
        counts: What was found so far.
        unlisted: The file of records whose objects were not listed, while it is written.
        report: The report, while it is written.
    """

    requested_at: datetime
    number: int = 1
    status: OrphanStatus = OrphanStatus.WANTED
    reason: str | None = None
    index_number: int | None = None
    segments: tuple[Segment, ...] = ()
    runs: tuple[Run, ...] = ()
    after: str | None = None
    position: int = 0
    counts: OrphanCounts = OrphanCounts()
    unlisted: RowUpload = NO_UPLOAD
    report: RowUpload = NO_UPLOAD

    @property
    def open(self) -> bool:
        """Whether the engine must still work on it."""
        return self.status not in _ENDED

    @property
    def place(self) -> tuple[object, ...]:
        """What changes whenever the search makes progress."""
        return (self.status, self.segments, self.after, self.position)


def want_orphans(work: OrphanWork | None, *, completed: bool, now: datetime) -> OrphanWork:
    """Return the search that is asked for now; one that is under way is returned unchanged.

    Raises:
        NotSearchable: The job has not listed the bucket to its end.
    """
    if work is not None and work.open:
        return work
    if not completed:
        raise NotSearchable(
            "orphans are searched after a sync that is COMPLETED or COMPLETED_WITH_ERRORS, which"
            " this one is not; a dry run is enough"
        )
    return OrphanWork(requested_at=now, number=1 if work is None else work.number + 1)


def evolve_orphans(work: OrphanWork, event: OrphanEvent) -> OrphanWork:
    """Return the search after `event`.

    Raises:
        IllegalTransition: Its state does not allow this event.
    """
    status = next_state("orphans", ORPHAN_TRANSITIONS, work.status, event)
    reason = event.reason if isinstance(event, SearchGivenUp) else None
    moved = replace(work, status=status, attempts=NO_ATTEMPTS, reason=reason)
    if moved.open:
        return moved
    # What is left of the work would only make the record larger.
    return replace(moved, segments=(), runs=(), unlisted=NO_UPLOAD, report=NO_UPLOAD)


def compare_again(work: OrphanWork) -> OrphanWork:
    """Return the search at the first of its records that are to be compared."""
    return replace(
        work,
        runs=tuple(replace(run, merged_bytes=0) for run in work.runs),
        after=None,
        counts=replace(work.counts, unlisted=0),
        unlisted=NO_UPLOAD,
    )


def check_again(work: OrphanWork) -> OrphanWork:
    """Return the search at the first unlisted object that is to be looked for."""
    return replace(
        work,
        position=0,
        counts=replace(work.counts, existing=0, orphans=0),
        report=NO_UPLOAD,
    )
