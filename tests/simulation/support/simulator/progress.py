"""Whether every loop over invocations makes progress in each of them.

Each such loop in `application` names in its docstring what decreases from one invocation to the
next. Here it is measured from outside: from the job's record when an invocation begins and when it
hands over, from the files of a chunk's attempts, from the marks of what was sent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.indexing import index_bound
from simulator.removing import requests_of
from simulator.searching import search_bound

from domain.chunk import Chunk, ChunkStatus, redrivable
from domain.job import Job
from domain.limits import QUEUE_MESSAGE_COUNT_MAX

if TYPE_CHECKING:
    from simulator.process import Process
    from simulator.simulation import Simulation

    from ports.object_store import ListedPage

# Requests for each object, part, chunk and prefix, in each attempt, and for each invocation; see
# `requests_stay_within_bounds`.
REQUESTS_PER_THING = 20
REQUESTS_PER_LIFE = 20


@dataclass(frozen=True, slots=True)
class Place:
    """The state of a job; `free` are the open chunks without a lease."""

    job: Job
    to_redrive: int
    free: frozenset[tuple[int, int]]


@dataclass(slots=True)
class Progress:
    """What was seen of lives, by process or by job."""

    sim: Simulation
    places: dict[int, Place] = field(default_factory=dict)
    stood: dict[tuple[str, int], int] = field(default_factory=dict)
    sent: dict[int, dict[tuple[str, int], int]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    listed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    lives: Counter[str] = field(default_factory=Counter)
    hand_overs: Counter[str] = field(default_factory=Counter)
    multiplied: int = 0

    def began(self, process: Process) -> None:
        """Note where a process finds its job."""
        if process.subject is None:
            return
        self.lives[process.subject] += 1
        if process.function == "engine":
            place = self._place(process.subject)
            if place is not None:
                self.places[process.number] = place

    def ended(self, process: Process) -> None:
        """Judge a sweep that came to its end."""
        if process.function == "sweep" and not process.disturbed:
            self.sim.observer.check(a_sweep_reaches_every_job, self.sim, process)

    def called(self, process: Process) -> None:
        """Count a request."""
        if process.subject is not None:
            self.requests[process.subject] += 1

    def listed_page(self, process: Process, page: ListedPage) -> None:
        """Note which objects were listed for a job, also those that no checkpoint has yet."""
        if process.subject is not None:
            self.listed[process.subject].update(entry.key for entry in page.entries)

    def started(self, process: Process, port: str, method: str, args: tuple[Any, ...]) -> None:
        """Judge a call before its effect."""
        check = self.sim.observer.check
        if method == "advance" and process.function == "engine":
            self.hand_overs[args[0]] += 1
            before, now = self.places.get(process.number), self._place(args[0])
            if before is not None and now is not None and not process.disturbed:
                check(each_life_comes_nearer_to_the_end, process, before, now)
        elif port == "queue" and method == "send":
            sent = self.sent.get(process.number, {})
            if not process.disturbed:
                check(what_was_sent_is_marked, self.sim, process, sent, len(args[0]))

    def messages_sent(self, process: Process, messages: list[Any]) -> None:
        """Note which chunks got a message, and judge how many there are."""
        chunks = self.sim.world.database.chunks_of
        sent = self.sent.setdefault(process.number, {})
        for message in messages:
            chunk = chunks(message.job_id).find(message.chunk_index)
            sent[message.job_id, message.chunk_index] = chunk.version if chunk else 0
        if process.function == "sweep":
            self.sim.observer.check(a_long_queue_is_not_multiplied, self.sim)

    def chunk_changed(self, process: Process | None, before: Chunk | None, chunk: Chunk) -> None:
        """Judge a chunk that is released, failed, or touched by a dead letter."""
        check = self.sim.observer.check
        if process is None or before is None:
            return
        if chunk.lease is not None and chunk.lease != before.lease:
            # Now: an attempt that fails in its settlement has replaced the file of the one before.
            self.stood[chunk.job_id, chunk.index] = _stood(self.sim, chunk)
        if chunk.life > before.life:
            stood = self.stood.get((chunk.job_id, chunk.index), 0)
            check(an_attempt_counts_unless_more_stands, self.sim, process, before, chunk, stood)
        if process.life is not None:
            check(a_dead_letter_is_of_its_life, self.sim, process, before, chunk)

    def _place(self, job_id: str) -> Place | None:
        database = self.sim.world.database
        job = database.jobs.find(job_id)
        if job is None:
            return None
        now = self.sim.clock.now()
        chunks = list(database.chunks_of(job_id)) if job.redrive.active or job.ending else []
        return Place(
            job,
            sum(redrivable(c) and c.life.redrive_number < job.redrive.number for c in chunks),
            frozenset((c.index, c.version) for c in chunks if _free(c, now)),
        )


def _free(chunk: Chunk, now: datetime) -> bool:
    return not chunk.terminal and (chunk.lease is None or not chunk.lease.live(now))


def each_life_comes_nearer_to_the_end(
    process: Process, before: Place, after: Place
) -> Iterator[str]:
    """An invocation that hands over has brought its job further than it found it: less of the
    catalog to read, fewer keys to list, fewer bytes to split, fewer chunks to redrive; or of an
    ending job fewer open chunks without a lease.
    """
    old, new = before.job, after.job
    resumed = old.resumes.number != new.resumes.number
    another = (
        resumed
        or (old.status, old.redrive.number, old.splitting.done, old.redrive.active)
        != (
            new.status,
            new.redrive.number,
            new.splitting.done,
            new.redrive.active,
        )
        or old.listed is not new.listed
    )
    if another or new.terminal or (old.ending is None) is not (new.ending is None):
        return
    if new.ending is not None:
        if before.free and before.free <= after.free:
            yield f"{process.label} leaves open what it found: {sorted(before.free)}"
    elif not new.listed:
        was, now = old.listing, new.listing
        seen = (was.prefix_index, was.ranges, old.lookup)
        if seen == (now.prefix_index, now.ranges, new.lookup):
            yield f"{process.label} leaves the listing at {seen}"
    elif not new.splitting.done:
        if (new.splitting.file_index, new.splitting.position) <= (
            old.splitting.file_index,
            old.splitting.position,
        ):
            yield f"{process.label} leaves the splitting at {new.splitting}"
    elif new.redrive.active and after.to_redrive >= before.to_redrive:
        yield f"{process.label} leaves {after.to_redrive} chunks to redrive"


def a_sweep_reaches_every_job(sim: Simulation, process: Process) -> Iterator[str]:
    """A sweep that had the time has checked each job that was open before it."""
    left_s = (process.deadline - sim.clock.now()).total_seconds()
    if left_s < sim.tuning.stop_margin_s:
        return
    for job in sim.world.database.jobs:
        if _open_since(sim, job, process.began_at) and job.job_id not in process.swept:
            yield f"{process.label} did not look at {job.job_id}"


def _open_since(sim: Simulation, job: Job, time: datetime) -> bool:
    """Return whether a job was open at a time, and ever since; a redrive opens one again."""
    versions = sim.observer.versions[job.job_id]
    before = [version for at, version in versions if at < time]
    since = [version for at, version in versions if at >= time]
    return bool(before) and not any(version.terminal for version in (before[-1], *since))


def what_was_sent_is_marked(
    sim: Simulation, process: Process, sent: dict[tuple[str, int], int], more: int
) -> Iterator[str]:
    """A process that sends messages has marked those of its previous request: if it dies, at most
    one request's messages are sent and not marked.
    """
    unmarked = []
    for (job_id, index), version in sent.items():
        chunk = sim.world.database.chunks_of(job_id).find(index)
        waits = chunk is not None and chunk.status in (ChunkStatus.PENDING, ChunkStatus.QUEUED)
        if waits and chunk.version <= version:
            unmarked.append(index)
    if len(unmarked) + more > QUEUE_MESSAGE_COUNT_MAX:
        yield f"{process.label} sends {more} more, with {unmarked} not marked"


def a_long_queue_is_not_multiplied(sim: Simulation) -> Iterator[str]:
    """After a sweep has sent messages, the queue has no more than there are open chunks; except for
    those in flight, those of workers that failed, and a request's worth for each fault and each
    death: a process that dies between sending and marking leaves so many to be sent again.
    """
    held = sim.services.queue.held_count + len(sim.world.ports.queue.messages)
    open_count = sum(
        not chunk.terminal
        for job in sim.world.database.jobs
        for chunk in sim.world.database.chunks_of(job.job_id)
    )
    queue = sim.services.queue
    excused = queue.in_flight + queue.returned_count
    excused += QUEUE_MESSAGE_COUNT_MAX * (sim.faults.count + sim.death_count)
    sim.observer.progress.multiplied = max(sim.observer.progress.multiplied, held - open_count)
    if held > open_count + excused:
        yield f"{held} messages for {open_count} open chunks, {excused} excused"


def an_attempt_counts_unless_more_stands(
    sim: Simulation, process: Process, before: Chunk, chunk: Chunk, stood: int
) -> Iterator[str]:
    """A released chunk resets its attempts only if it has more final outcomes than before the
    attempt (`stood`), or if parts of a large object were copied. A parked one counts none
    (`hold_invariants`).
    """
    dead = chunk.dead_letter_count > before.dead_letter_count
    if (
        chunk.parked
        or chunk.attempt_count
        or dead
        or process.parts_copied
        or sim.lasting.results_hurt
    ):
        return
    standing = _lines(sim, chunk.progress_key)
    if standing is not None and standing <= stood:
        yield f"chunk {chunk.index} counts no attempt, with {standing} outcomes, {stood} before"


def _stood(sim: Simulation, chunk: Chunk) -> int:
    """Return how many outcomes an attempt at the chunk begins with."""
    if chunk.progress_key is None and chunk.life.redrive_number:
        name = f"jobs/{chunk.job_id}/outcomes/{chunk.index:08d}.jsonl"
        return _lines(sim, name, but='"outcome":"FAILED"') or 0
    return _lines(sim, chunk.progress_key) or 0


def _lines(sim: Simulation, name: str | None, but: str = "\0") -> int | None:
    content = sim.world.ports.results.files.get(name or "")
    if content is None:
        return None
    lines = content.decode("utf-8", "surrogatepass").replace('": "', '":"').splitlines()
    return sum(but not in line for line in lines if line)


def a_dead_letter_is_of_its_life(
    sim: Simulation, process: Process, before: Chunk, chunk: Chunk
) -> Iterator[str]:
    """A dead letter changes nothing of a chunk that was released or redriven since, and fails none
    that has attempts, and dead letters, left.
    """
    if process.life is not None and process.life < before.life and before.lease is None:
        yield f"{process.label}, of {process.life}, changes chunk {chunk.index} in {before.life}"
    left = (
        before.attempt_count <= sim.tuning.chunk_attempt_count_max
        and before.dead_letter_count + 1 < sim.tuning.chunk_dead_letter_count_max
    )
    if chunk.status is ChunkStatus.FAILED and left:
        yield f"{process.label} fails chunk {chunk.index} after {before.attempt_count} attempts"


def no_process_exceeds_its_deadline(process: Process) -> Iterator[str]:
    """A process whose calls all went well ends before it is killed."""
    if not process.disturbed:
        yield f"{process.label} is killed, {process.call_count} calls after its beginning"


_SEGMENT_COUNT_MAX = 4


def requests_stay_within_bounds(sim: Simulation, job: Job) -> Iterator[str]:
    """All requests for a job are at most REQUESTS_PER_THING for each object, part, chunk and prefix
    in each of its attempts and redrives, and REQUESTS_PER_LIFE for each invocation.

    The objects are those that were listed: a listing that failed before its first checkpoint has
    none in the job's record. An object that was listed again counts once.
    """
    spent, bound = sim.observer.progress.requests[job.job_id], request_bound(sim, job)
    if spent > bound:
        yield f"{job.job_id} took {spent} requests, more than {bound}"


def request_bound(sim: Simulation, job: Job) -> int:
    """Return the most requests that a job of this size may take."""
    progress, tuning = sim.observer.progress, sim.tuning
    objects = max(job.listing.objects_seen, len(progress.listed[job.job_id]))
    parts = job.listing.bytes_listed // tuning.copy_part_bytes + objects
    prefixes = max(1, len(job.request.options.prefixes))
    things = objects + parts + job.tally.chunks_total + prefixes
    attempts = tuning.chunk_attempt_count_max * (1 + job.redrive.number)
    lives = progress.lives[job.job_id]
    of_snapshot = snapshot_bound(job, len(sim.world.database.assets))
    # Each delivery of a scheduled time looks at the job that is active.
    looks = 2 * len(sim.schedulers.revisions)
    return (
        REQUESTS_PER_THING * things * attempts
        + REQUESTS_PER_LIFE * lives
        + of_snapshot
        + looks
        + index_bound(sim, job)
        + requests_of(job) * max(lives, 1)
        + search_bound(job, len(sim.world.database.assets)) * max(lives, 1)
    )


def snapshot_bound(job: Job, item_count: int) -> int:
    """Return the most requests of a snapshot: a run for each page of one item, in the worst case,
    and each partition from all runs.
    """
    snapshot = job.lookup and job.lookup.snapshot
    if not snapshot:
        return 0
    run_count = item_count + _SEGMENT_COUNT_MAX
    return 5 * run_count + snapshot.partition_count * (2 * run_count + 4)
