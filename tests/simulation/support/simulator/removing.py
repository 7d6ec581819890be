"""Runs whose connectors compare their syncs, and what must hold for what they announce.

They have seeds of their own, above those of all others: other runs do not change with them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from simulator.scenery import BUCKET, put_object

from application.execution.tuning import Tuning
from domain.discovery import Discovery
from domain.errors import ConnectorDisabled, ConnectorRemoved, NotConfirmable
from domain.job import Job
from domain.message import RemovalEvent
from domain.removal_rules import guard_reason
from domain.removal_settings import Removals
from domain.removal_work import RemovalStatus
from domain.sync_request import SyncOptions

if TYPE_CHECKING:
    from simulator.process import Process
    from simulator.simulation import Simulation

FIRST_SEED = 1_000_000
_REQUESTS_PER_OBJECT = 12
_PORTION_BYTES_MIN = 1_000
_ROUNDS_S = (1_000.0, 4_000.0)


def with_removals(sim: Simulation) -> None:
    """Have the connectors of a run compare their syncs, if it is one of these."""
    if sim.seed < FIRST_SEED:
        return
    rng = random.Random(f"removals {sim.seed}")
    removals = Removals(
        announce=rng.random() < 0.9,
        max_share=Decimal(rng.choice(["0.1", "0.5", "1"])),
        min_count=rng.choice([0, 2, 10]),
    )
    connectors = sim.world.database.connectors
    for name, connector in connectors.items():
        connectors[name] = replace(connector, removals=removals)
    # The merge of an index reads all of a part's runs in one life, and these jobs have long ones.
    results = sim.world.ports.results
    results._portion_bytes = max(results._portion_bytes, _PORTION_BYTES_MIN)


def plan(sim: Simulation, span_s: float) -> None:
    """Draw what owners remove, put back and move, and who confirms what was stopped."""
    if sim.seed < FIRST_SEED:
        return
    rng = random.Random(f"removers {sim.seed}")
    for _ in range(rng.choice([3, 10, 20])):
        sim.people.plan_action(rng.random() * span_s, partial(_remove_or_put_back, sim, rng))
    for _ in range(rng.choice([0, 3, 6])):
        sim.people.plan_action(rng.random() * span_s, partial(_confirm, sim, rng))
    _plan_rounds(sim, rng, rng.random() * span_s)


def _plan_rounds(sim: Simulation, rng: random.Random, start_s: float) -> None:
    """Sync everything, remove some of it, and sync everything again, each time after most jobs
    have ended; what else is drawn goes on in between, and few of its syncs can be compared.
    """
    round_s = rng.choice(_ROUNDS_S)
    for number in range(rng.choice([3, 4, 6])):
        begin_s = start_s + number * round_s
        discovery = rng.choice([Discovery.DIRECT, Discovery.DIRECT, Discovery.BATCH])
        sim.people.plan_sync(begin_s, SyncOptions(discovery=discovery))
        for _ in range(rng.choice([1, 2, 4])):
            delay_s = round_s * rng.uniform(0.3, 0.9)
            sim.people.plan_action(begin_s + delay_s, partial(_remove_or_put_back, sim, rng))
        sim.people.plan_action(begin_s + 0.9 * round_s, partial(_confirm, sim, rng))


def _remove_or_put_back(sim: Simulation, rng: random.Random) -> None:
    buckets, observer = sim.world.buckets, sim.observer
    keys = [key for key in buckets.keys(BUCKET) if (BUCKET, key) not in buckets.denied]
    gone = sorted(set(observer.removed.disappeared) - set(keys))
    if gone and rng.random() < 0.4:
        put_object(sim, rng.choice(gone), "untagged")
    elif keys:
        key = rng.choice(keys)
        stored = buckets.get(BUCKET, key)
        buckets.delete(BUCKET, key)
        sim.services.system.object_deleted(key)
        observer.owner_changed(key)
        if rng.random() < 0.3:
            new_key = f"moved/{rng.randint(1, 99)}.mov"
            buckets.put(BUCKET, new_key, stored.content, size_bytes=stored.head.size_bytes)
            observer.owner_changed(new_key)


def _confirm(sim: Simulation, rng: random.Random) -> None:
    stopped = [
        job
        for job in sim.world.database.jobs
        if job.removals is not None and job.removals.status is RemovalStatus.STOPPED
    ]
    if not stopped:
        return
    job = rng.choice(stopped)
    expected = job.removals.counts.missing if job.removals else 0
    sim.spawn(
        "confirm",
        "api",
        "confirm_removals",
        lambda use_case, deadline: use_case.confirm(job.job_id, expected=expected),
        lambda result, error: None,
        expected=(NotConfirmable, ConnectorDisabled, ConnectorRemoved),
    )


def with_their_indexes(seed: int, tuning: Tuning) -> Tuning:
    """Return the tuning of a run; comparisons take small steps, and need indexes."""
    if seed < FIRST_SEED:
        return tuning
    # Small, as the buckets are.
    return replace(tuning, outcome_indexes=True, looked_for_count=3, keys_per_look=4)


def compared(job: Job) -> bool:
    """Return whether nothing is left to compare."""
    return job.removals is None or not job.removals.open


def requests_of(job: Job) -> int:
    """Return the most requests for the comparison of a job, for each of its invocations."""
    if job.request.removals is None:
        return 0
    counts = job.removals.counts if job.removals else None
    seen = counts.seen_before + counts.seen_now if counts else 0
    return _REQUESTS_PER_OBJECT * (seen + job.listing.objects_seen + 50)


@dataclass(slots=True)
class Removed:
    """What was announced as removed in a run."""

    sim: Simulation
    disappeared: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # Of two connectors with the same objects, each announces what is gone.
    ids: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    def owner_changed(self, key: str) -> None:
        """Count an object that its owner deleted."""
        if key not in self.sim.world.buckets.keys(BUCKET):
            self.disappeared[key] += 1


def only_what_is_gone_is_announced(
    removed: Removed, process: Process, events: list[RemovalEvent]
) -> Iterator[str]:
    """No object is announced as removed that existed all the time since the process began; none
    more often for a connector, by the ids of its events, than it disappeared; and nothing that the
    guard stops.
    """
    sim = removed.sim
    for event in events:
        key = event.object_key
        stored = sim.world.buckets.find(BUCKET).current(key)  # type: ignore[union-attr] # it exists
        if stored is not None and stored.head.last_modified < process.began_at:
            yield f"{key} exists, and {process.label} announces it as removed"
        ids = removed.ids[event.connector_id, key]
        ids.add(event.event_id)
        if len(ids) > removed.disappeared[key]:
            yield f"{key} disappeared {removed.disappeared[key]} times: {ids}"
        job = sim.world.database.jobs.find(event.job_id)
        if job is None or job.removals is None or job.request.removals is None:
            yield f"{key} is announced by {event.job_id}, which is not compared"
            continue
        counts = job.removals.counts
        reason = guard_reason(
            job.request.removals, before=counts.seen_before, missing=counts.missing
        )
        if reason is not None and job.removals.confirmed_at is None:
            yield f"{key} is announced by {event.job_id}: {reason}"
