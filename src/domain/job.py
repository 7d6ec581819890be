"""The job: one sync of one connector, from the request to its last settled chunk.

There are two machines, the job's and the chunk's (`domain.chunk`), coupled at one point: a job is
terminal if and only if all of its chunks are. So a job that must end early (cancelled, or failed
half way) does not jump to its last state: it records its `ending`, its chunks are settled, and the
process that settles the last of them moves the job.

What changes a job, and how concurrent writers are kept apart:
- its life (status, listing, splitting, leases) is written as a whole, guarded by `version`;
- its `tally` is never part of that write: it changes only in the transactions that add or settle
  chunks.

Every change of status leaves a `StatusNotice` in the job itself, in the same write. It is removed
after it was published. A crash between the two publishes it twice, and never loses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.discovery import Discovery
from domain.engine_work import EngineWork
from domain.listing import Listing
from domain.machine import Table, next_state, table, terminal_states
from domain.orphan_work import OrphanWork
from domain.outcome_index import JobIndex
from domain.pause import Backlog, Pause, Resumes
from domain.queue_limit import WatchedQueue
from domain.removal_work import WANTED, RemovalWork
from domain.snapshot import Lookup
from domain.sync_request import SyncRequest
from domain.tally import Tally
from domain.trigger_mark import UNKNOWN_QUEUE, QueueView
from domain.work_limits import WorkLimits


class JobStatus(StrEnum):
    """States of a job."""

    INITIALIZING = "INITIALIZING"
    DISCOVERING = "DISCOVERING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTimes:
    """When the job was created, last changed by the engine, began to process objects, and ended."""

    created_at: datetime
    updated_at: datetime
    processing_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What the job found: warnings for the user, and the state of the ingest queue at its start."""

    warnings: tuple[str, ...] = ()
    queue: QueueView = UNKNOWN_QUEUE


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """The finished manifest in the results bucket; the ETag is unquoted.

    `row_e_tags` says whether its rows have ETags, those of objects.
    """

    key: str
    e_tag: str
    row_e_tags: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryWork:
    """What discovery reads, and the batch job that does it, if one was created."""

    manifest: ManifestFile | None = None
    batch_job_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitting:
    """The progress of splitting a manifest or a report: the file and the byte at which to resume.

    `object_count` counts the objects in the chunks so far, and `key_sum` sums their keys. At the
    end both equal those of the listing. `key_sum` is None if a key could not be read.
    """

    file_index: int = 0
    position: int = 0
    object_count: int = 0
    key_sum: int | None = 0
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """How often the job was redriven, and whether the engine still requeues its failures."""

    number: int = 0
    active: bool = False


class EndingKind(StrEnum):
    """Why a job must end early."""

    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A job's requested end: no new chunk is created and none is started."""

    kind: EndingKind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusNotice:
    """A change of status that has not been published yet."""

    number: int
    status: JobStatus
    previous_status: JobStatus | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusNotices:
    """The notices that are not published yet, and the number of all notices of the job."""

    pending: tuple[StatusNotice, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job's record; `status_reason` is why it ended, or why the last attempt failed.

    `stage_pause` is the pause of the whole stage, as it was read with the job. No write of a job
    changes it. `limits` and `watched_queue` are those that its connector has now.
    """

    job_id: str
    request: SyncRequest
    status: JobStatus
    times: JobTimes
    version: int = 0
    status_reason: str | None = None
    findings: Findings = Findings()
    lookup: Lookup | None = None
    listing: Listing = field(default_factory=Listing)
    discovery: DiscoveryWork = DiscoveryWork()
    splitting: Splitting = Splitting()
    ending: Ending | None = None
    pause: Pause | None = None
    stage_pause: Pause | None = None
    backlog: Backlog | None = None
    limits: WorkLimits | None = None
    watched_queue: WatchedQueue | None = None
    resumes: Resumes = field(default_factory=Resumes)
    redrive: Redrive = Redrive()
    index: JobIndex | None = None
    work: EngineWork = field(default_factory=EngineWork)
    notices: StatusNotices = StatusNotices()
    removals: RemovalWork | None = None
    orphans: OrphanWork | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def terminal(self) -> bool:
        """Whether the job has ended."""
        return self.status in TERMINAL

    def may_create_batch_job(self, now: datetime) -> bool:
        """Return whether an engine may still create the job's batch job, or has just done so.

        A search for the batch job before that time may miss it.
        """
        batch = (
            self.request.options.discovery is Discovery.BATCH
            and self.discovery.batch_job_id is None
        )
        return self.work.is_held(now) and batch and self.status is JobStatus.DISCOVERING

    @property
    def listed(self) -> bool:
        """Whether the listing is complete, and its counts are totals.

        A listing into chunks ends with the splitting. It has no manifest, which a direct discovery
        had in earlier versions.
        """
        into_chunks = self.request.options.discovery is Discovery.DIRECT
        if into_chunks and self.discovery.manifest is None:
            return self.splitting.done
        return self.status is not JobStatus.INITIALIZING

    @property
    def settled(self) -> bool:
        """Whether all chunks are settled and none will be added."""
        all_chunks = self.tally.chunks_settled == self.tally.chunks_total
        no_more = self.splitting.done or self.ending is not None
        return all_chunks and no_more and not self.redrive.active


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestWritten:
    """The listing is complete; there is no manifest if all objects are known."""

    manifest: ManifestFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryStarted:
    """The first chunks exist while the listing continues: workers decide about their objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingStarted:
    """The first chunks exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCompleted:
    """All chunks are settled (or there was nothing to do), and no object failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCompletedWithErrors:
    """All chunks are settled, and some objects failed."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed:
    """The job could not continue."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled:
    """A user cancelled the job."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRedriven:
    """A user requested that the failures are tried again."""


JobEvent = (
    ManifestWritten
    | DiscoveryStarted
    | ProcessingStarted
    | JobCompleted
    | JobCompletedWithErrors
    | JobFailed
    | JobCancelled
    | JobRedriven
)

JOB_TRANSITIONS: Final[Table[JobStatus]] = table(
    {
        JobStatus.INITIALIZING: {
            ManifestWritten: JobStatus.DISCOVERING,
            DiscoveryStarted: JobStatus.DISCOVERING,
            JobCompleted: JobStatus.COMPLETED,
            JobFailed: JobStatus.FAILED,
            JobCancelled: JobStatus.CANCELLED,
        },
        JobStatus.DISCOVERING: {
            ProcessingStarted: JobStatus.PROCESSING,
            JobCompleted: JobStatus.COMPLETED,
            JobCompletedWithErrors: JobStatus.COMPLETED_WITH_ERRORS,
            JobFailed: JobStatus.FAILED,
            JobCancelled: JobStatus.CANCELLED,
        },
        JobStatus.PROCESSING: {
            JobCompleted: JobStatus.COMPLETED,
            JobCompletedWithErrors: JobStatus.COMPLETED_WITH_ERRORS,
            JobFailed: JobStatus.FAILED,
            JobCancelled: JobStatus.CANCELLED,
        },
        JobStatus.COMPLETED: {},
        JobStatus.COMPLETED_WITH_ERRORS: {JobRedriven: JobStatus.PROCESSING},
        JobStatus.FAILED: {},
        JobStatus.CANCELLED: {},
    }
)

COMPLETED: Final = frozenset({JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS})
TERMINAL: Final = terminal_states(JOB_TRANSITIONS, reopening=frozenset({JobRedriven}))


def new_job(
    *,
    job_id: str,
    request: SyncRequest,
    now: datetime,
    limits: WorkLimits | None = None,
    watched_queue: WatchedQueue | None = None,
) -> Job:
    """Return a new job: INITIALIZING, with its first notice unpublished."""
    job = Job(
        job_id=job_id,
        request=request,
        status=JobStatus.INITIALIZING,
        times=JobTimes(created_at=now, updated_at=now),
        limits=limits,
        watched_queue=watched_queue,
    )
    return _with_notice(job, None, now)


def evolve(job: Job, event: JobEvent, at: datetime) -> Job:
    """Return the job after `event`, with a notice of its new status.

    Raises:
        IllegalTransition: The job's state does not allow this event.
    """
    status = next_state("job", JOB_TRANSITIONS, job.status, event)
    times = replace(job.times, updated_at=at)
    moved = _with_notice(replace(job, status=status, times=times), job.status, at)
    match event:
        case ManifestWritten(manifest=manifest):
            return replace(moved, discovery=replace(job.discovery, manifest=manifest))
        case DiscoveryStarted():
            return moved
        case ProcessingStarted():
            # The rate counts from now.
            resumes = replace(job.resumes, held_s=0)
            return replace(moved, times=replace(times, processing_at=at), resumes=resumes)
        case JobCompleted():
            return _with_removals(_ended(moved, None, at))
        case JobCompletedWithErrors(reason=reason):
            return _with_removals(_ended(moved, reason, at))
        case JobFailed(reason=reason) | JobCancelled(reason=reason):
            return _ended(moved, reason, at)
        case JobRedriven():
            return replace(
                moved,
                times=replace(times, ended_at=None),
                ending=None,
                status_reason=None,
                index=None,
                redrive=Redrive(number=job.redrive.number + 1, active=True),
            )


def without_notices(job: Job, published: frozenset[int]) -> Job:
    """Return the job without the notices that have been published."""
    pending = tuple(n for n in job.notices.pending if n.number not in published)
    return replace(job, notices=replace(job.notices, pending=pending))


def _ended(job: Job, reason: str | None, at: datetime) -> Job:
    times, work = replace(job.times, ended_at=at), replace(job.work, lease=None)
    return replace(job, status_reason=reason, times=times, work=work, pause=None, backlog=None)


def wants_comparison(job: Job) -> bool:
    """Return whether the job has ended and must still be compared with the sync before."""
    return job.terminal and job.removals is not None and job.removals.open


def wants_orphans(job: Job) -> bool:
    """Return whether orphans are asked for, and their search has not ended."""
    return job.orphans is not None and job.orphans.open


def _with_removals(job: Job) -> Job:
    """Return a job that has listed all that its connector is about, to be compared if wanted."""
    if job.request.removals is None or job.removals is not None:
        return job
    return replace(job, removals=WANTED)


def _with_notice(job: Job, previous: JobStatus | None, at: datetime) -> Job:
    number = job.notices.count + 1
    notice = StatusNotice(
        number=number, status=job.status, previous_status=previous, occurred_at=at
    )
    notices = StatusNotices(pending=(*job.notices.pending, notice), count=number)
    return replace(job, notices=notices)
