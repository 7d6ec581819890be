"""What holds while jobs are held: nothing is started, and nothing is used up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from domain.chunk import Chunk
from domain.job import Job

if TYPE_CHECKING:
    from simulator.process import Process
    from simulator.simulation import Simulation

STARTS = frozenset(
    {
        ("objects", "copy_in_place"),
        ("objects", "write_tags"),
        ("objects", "create_multipart_copy"),
        ("objects", "copy_part"),
        ("batch_jobs", "create"),
    }
)
"""What is not started while a job is held. Events of objects that were written are sent."""


@dataclass(slots=True)
class Holds:
    """Since when each job is paused, or waits for ingest, by the records."""

    sim: Simulation
    jobs: dict[str, datetime] = field(default_factory=dict)
    backlogs: dict[str, datetime] = field(default_factory=dict)
    backlog_count: int = 0
    stage: datetime | None = None
    parked_count: int = 0

    def look(self) -> None:
        """Note what is paused now."""
        now, database = self.sim.clock.now(), self.sim.world.database
        if database.stage_pause is None:
            self.stage = None
        elif self.stage is None:
            self.stage = now
        for job in database.jobs:
            if job.pause is None or job.terminal or job.ending is not None:
                self.jobs.pop(job.job_id, None)
            else:
                self.jobs.setdefault(job.job_id, now)
            if job.backlog is None or job.terminal or job.ending is not None:
                self.backlogs.pop(job.job_id, None)
            elif job.job_id not in self.backlogs:
                self.backlogs[job.job_id] = now
                self.backlog_count += 1

    def since(self, job_id: str | None, *, of_workers: bool = True) -> datetime | None:
        """Return since when nothing of the job is to be started, by workers or by the engine."""
        job = self.sim.world.database.jobs.find(job_id or "")
        if job is None or job.terminal or job.ending is not None:
            return None
        backlog = self.backlogs.get(job.job_id) if of_workers else None
        causes = (self.jobs.get(job.job_id), self.stage, backlog)
        times = [time for time in causes if time is not None]
        return min(times, default=None)


def nothing_starts_while_held(
    holds: Holds, process: Process, port: str, method: str, args: tuple[Any, ...]
) -> Iterator[str]:
    """No object is written, and no batch job created, by a process that began after its job was
    held; nor by another one, some seconds later: it looks at the job that often. One whose calls
    were delayed or failed may be later.
    """
    if (port, method) not in STARTS:
        return
    job_id = args[0].job_id if port == "batch_jobs" else process.job_id
    since = holds.since(job_id, of_workers=port != "batch_jobs")
    if since is None:
        return
    sim = holds.sim
    name = f"{process.label} calls {port}.{method} for {job_id}, held since {since}"
    if process.began_at > since:
        yield f"{name}, before it began"
    of_engine = port == "batch_jobs"
    poll_s = sim.tuning.hold_poll_s if of_engine else sim.tuning.ending_poll_s
    grace = timedelta(seconds=poll_s + 2 * sim.slowest_s("get") + 1)
    if not process.disturbed and sim.clock.now() > since + grace:
        yield f"{name}, too late"


def a_hold_uses_nothing_up(
    holds: Holds, process: Process | None, before: Chunk | None, chunk: Chunk, job: Job
) -> Iterator[str]:
    """A chunk that is parked has made no attempt more than before, and got no dead letter; and none
    is leased, or counts a dead letter, by a process that began after its job was held.
    """
    if before is None or process is None:
        return
    name = f"{process.label} makes chunk {chunk.index} of {chunk.job_id}"
    if chunk.parked and not before.parked:
        holds.parked_count += 1
        allowed = before.attempt_count - (before.lease is not None and chunk.lease is None)
        expired = before.lease is not None and before.lease_token not in process.tokens
        if chunk.attempt_count > allowed + expired:
            yield f"{name} parked, and counts an attempt"
        if chunk.dead_letter_count > before.dead_letter_count:
            yield f"{name} parked, and counts a dead letter"
    since = holds.since(chunk.job_id)
    if since is None or process.began_at <= since:
        return
    if chunk.lease is not None and chunk.lease != before.lease:
        yield f"{name} leased, which is held since {since}"
    if chunk.dead_letter_count > before.dead_letter_count:
        yield f"{name} count a dead letter, which is held since {since}"


def a_parked_chunk_has_no_lease(chunk: Chunk) -> Iterator[str]:
    """A parked chunk waits: it is QUEUED, and no worker holds it."""
    if chunk.parked and (chunk.lease is not None or chunk.status != "QUEUED"):
        yield f"chunk {chunk.index} of {chunk.job_id} is parked, and {chunk.status}: {chunk.lease}"
