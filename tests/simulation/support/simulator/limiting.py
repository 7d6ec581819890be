"""Runs whose connectors have limits, which are edited while jobs run, and what must hold for them.

They have seeds of their own, above those of all others, and a random generator of their own: other
runs do not change with them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from domain.job import Job
from domain.work_limits import TimeWindow, WorkLimits, closed_at

if TYPE_CHECKING:
    from simulator.process import Process
    from simulator.simulation import Simulation

FIRST_SEED = 3_000_000
_WRITES = frozenset({"copy_in_place", "write_tags", "create_multipart_copy"})
_STARTS = frozenset({*(("objects", name) for name in _WRITES), ("batch_jobs", "create")})
_FROM_THE_START = datetime(2000, 1, 1, tzinfo=UTC)
_LATE_S = 10.0
"""How long an object's write may come after its turn: it was read in between."""


def with_limits(sim: Simulation) -> None:
    """Limit the connectors of a run, if it is one of these, and plan edits."""
    if sim.seed < FIRST_SEED:
        return
    rng = random.Random(f"limits {sim.seed}")  # repeatable
    connectors = sim.world.database.connectors
    for name, connector in connectors.items():
        limits = None if rng.random() < 0.2 else _drawn(rng, sim.clock.now())
        connectors[name] = replace(connector, limits=limits)
    for _ in range(rng.choice([0, 1, 3])):
        sim.people.plan_action(rng.random() * 3_000, partial(_edit, sim, rng))


def _drawn(rng: random.Random, now: datetime) -> WorkLimits:
    windows: tuple[TimeWindow, ...] = ()
    if rng.random() < 0.4:
        start = now + timedelta(minutes=rng.choice([-30, -10, 5, 20, 60]))
        end = start + timedelta(minutes=rng.choice([15, 60, 300, 1_200]))
        windows = (
            TimeWindow(start=time(start.hour, start.minute), end=time(end.hour, end.minute)),
        )
    return WorkLimits(
        concurrency=rng.choice([None, 1, 2, 3]),
        objects_per_second=rng.choice([None, None, 0.5, 5.0, 60.0]),
        windows=windows,
    )


def _edit(sim: Simulation, rng: random.Random) -> None:
    connectors = sim.world.database.connectors
    if not connectors:
        return
    connector_id = rng.choice(sorted(connectors))
    limits = None if rng.random() < 0.2 else _drawn(rng, sim.clock.now())

    def done(result: Any, error: BaseException | None) -> None:
        sim.observer.limits.edits += error is None

    sim.spawn(
        "edit limits",
        "api",
        "connectors",
        lambda use_case, _: use_case.edit(connector_id, lambda c: replace(c, limits=limits)),
        done,
    )


@dataclass(slots=True)
class Limits:
    """The limits of jobs, since when they have these, and when writes were started.

    `full`, `paced` and `closed` count how often a limit was really looked at: all slots in use, a
    write after another one at a limited rate, an active job outside of its windows.
    """

    sim: Simulation
    since: dict[str, tuple[WorkLimits | None, datetime]] = field(default_factory=dict)
    writes: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    edits: int = 0
    most: int = 0
    full: int = 0
    paced: int = 0
    closed: int = 0

    def look(self) -> None:
        """Note the limits of all jobs."""
        if self.sim.seed < FIRST_SEED:
            return
        now = self.sim.clock.now()
        for job in self.sim.world.database.jobs:
            if not job.terminal and closed_at(job.limits, now) is not None:
                self.closed += 1
            known = self.since.get(job.job_id)
            if known is None:
                self.since[job.job_id] = job.limits, _FROM_THE_START
            elif known[0] != job.limits:
                self.since[job.job_id] = job.limits, self.sim.clock.now()

    def settled(self, job: Job) -> tuple[WorkLimits, datetime] | None:
        """Return the limits of a job and since when, if all active jobs of its connector have
        them, for longer than it takes a worker to see them.
        """
        jobs = [
            each
            for each in self.sim.world.database.jobs
            if each.request.connector_id == job.request.connector_id and not each.terminal
        ]
        since = max((self.since[each.job_id][1] for each in jobs), default=None)
        if job.limits is None or since is None:
            return None
        if any(each.limits != job.limits or each.ending is not None for each in jobs):
            return None
        return (job.limits, since) if self.sim.clock.now() > since + self.grace else None

    @property
    def grace(self) -> timedelta:
        """How long it takes a worker to see a change, if its calls are not disturbed."""
        return timedelta(seconds=self.sim.tuning.ending_poll_s + 3 * self.sim.slowest_s("get") + 2)

    def job_of(self, process: Process) -> Job | None:
        """Return the job that a process works on, if it is one that may start something."""
        if self.sim.seed < FIRST_SEED:
            return None
        job = self.sim.world.database.jobs.find(process.job_id or process.subject or "")
        return None if job is None or job.terminal or job.ending is not None else job


def no_more_work_at_once(limits: Limits, process: Process, port: str, method: str) -> Iterator[str]:
    """When an object is written, no more workers of its connector have a chunk than it has slots.

    Those that were disturbed may be late to see a change.
    """
    job = limits.job_of(process) if port == "objects" and method in _WRITES else None
    settled = limits.settled(job) if job is not None else None
    if job is None or settled is None or settled[0].slot_count is None:
        return
    database, now = limits.sim.world.database, limits.sim.clock.now()
    leases = {
        chunk.lease.token
        for each in database.jobs
        if each.request.connector_id == job.request.connector_id
        for chunk in database.chunks_of(each.job_id)
        if chunk.lease is not None and chunk.lease.live(now)
    }
    workers = [p for p in limits.sim.living if p.life is None and p.tokens & leases]
    if any(p.disturbed and p.began_at <= settled[1] for p in workers):
        return
    limits.most = max(limits.most, len(workers))
    limits.full += len(workers) == settled[0].slot_count
    if len(workers) > settled[0].slot_count:
        yield f"{process.label} writes, and {len(workers)} work: {settled[0]}"


def no_faster(limits: Limits, process: Process, port: str, method: str) -> Iterator[str]:
    """In any time, no more objects are written than the rate allows, and what was read before."""
    job = limits.job_of(process) if port == "objects" and method in _WRITES else None
    if job is None:
        return
    now, writes = limits.sim.clock.now(), limits.writes[job.request.connector_id]
    settled = limits.settled(job)
    rate = None if settled is None else settled[0].objects_per_second
    if process.disturbed or settled is None or rate is None:
        writes.clear()
        return
    limits.paced += bool(writes)
    writes.append(now)
    slots = settled[0].slot_count or 1
    for number, first in enumerate(reversed(writes), start=1):
        if first < settled[1] + limits.grace:
            return
        allowed = rate * ((now - first).total_seconds() + _LATE_S) + 2 * slots
        if number > allowed:
            yield f"{process.label} writes the {number}th object since {first}: {settled[0]}"
            return


def nothing_starts_outside_of_windows(
    limits: Limits, process: Process, port: str, method: str
) -> Iterator[str]:
    """Nothing is written, and no batch job created, by a process that began while all windows were
    closed; nor by another one, some seconds after they closed, unless its calls were disturbed.
    """
    job = limits.job_of(process) if (port, method) in _STARTS else None
    now = limits.sim.clock.now()
    closed = closed_at(job.limits, now) if job is not None else None
    if job is None or closed is None:
        return
    since = max(closed.since, limits.since[job.job_id][1])
    late = not process.disturbed and now > since + limits.grace
    if process.began_at > since or (late and port == "objects"):
        yield f"{process.label} calls {port}.{method}, and all windows are closed since {since}"


JUDGES = (no_more_work_at_once, no_faster, nothing_starts_outside_of_windows)
