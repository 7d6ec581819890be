"""Runs in which orphans are searched, and what must hold for what is reported.

They have seeds of their own, above those of all others: other runs do not change with them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from simulator.scenery import BUCKET, put_object

from application.execution.tuning import Tuning
from domain.catalog import storage_path
from domain.errors import ConnectorDisabled, ConnectorRemoved, NotSearchable
from domain.job import Job
from domain.orphan_rows import HEADER, decode_orphan

if TYPE_CHECKING:
    from simulator.observer import Observer
    from simulator.process import Process
    from simulator.simulation import Simulation

FIRST_SEED = 2_000_000
_REQUESTS_PER_RECORD = 12
_LOST = [f"a/lost-{number:02d}.mov" for number in range(12)]


def in_small_batches(seed: int, tuning: Tuning) -> Tuning:
    """Return the tuning of a run; searches take small steps."""
    if seed < FIRST_SEED:
        return tuning
    run_bytes = random.Random(f"{seed}-runs").choice([100, 10_000])
    # Small, as the buckets are.
    return replace(tuning, snapshot_run_bytes=run_bytes, looked_for_count=3)


def plan(sim: Simulation, span_s: float) -> None:
    """Draw the records without an object, what comes back, and who asks for orphans."""
    if sim.seed < FIRST_SEED:
        return
    rng = random.Random(f"searchers {sim.seed}")
    for number, key in enumerate(_LOST):
        sim.world.ports.catalog.ingest(
            inventory_id=f"lost-{number}",
            asset_id=f"lost-asset-{number}",
            storage_path=storage_path(BUCKET, key),
        )
    for _ in range(rng.choice([0, 3, 6])):
        sim.people.plan_action(rng.random() * span_s, partial(_put_back, sim, rng))
    for _ in range(rng.choice([5, 10, 20])):
        sim.people.plan_action(rng.random() * span_s, partial(_ask, sim, rng))


def _put_back(sim: Simulation, rng: random.Random) -> None:
    put_object(sim, rng.choice(_LOST), "untagged")


def _ask(sim: Simulation, rng: random.Random) -> None:
    jobs = [job for job in sim.world.database.jobs if job.terminal]
    if not jobs:
        return
    job_id = rng.choice(jobs).job_id
    sim.spawn(
        "ask",
        "api",
        "find_orphans",
        lambda use_case, deadline: use_case.find(job_id),
        lambda result, error: None,
        expected=(NotSearchable, ConnectorDisabled, ConnectorRemoved),
    )


def searched(job: Job) -> bool:
    """Return whether nothing is left to search."""
    return job.orphans is None or not job.orphans.open


def search_bound(job: Job, record_count: int) -> int:
    """Return the most requests for the searches after a job, for each of its invocations."""
    if job.orphans is None:
        return 0
    records = record_count + job.listing.objects_seen + 50
    return _REQUESTS_PER_RECORD * records * job.orphans.number


def only_what_is_gone_is_reported(
    observer: Observer, process: Process, method: str, args: tuple[Any, ...]
) -> Iterator[str]:
    """No object is reported as missing that existed all the time since the process began.

    A row is judged when it is written for the first time: that is by the process that has looked.
    """
    name = str(args[0]) if args else ""
    if "/orphans/" not in name or "/report" not in name or method not in ("put", "upload_part"):
        return
    search = name.partition("/orphans/")[0] + name.partition("/orphans/")[2][:4]
    bucket = observer.sim.world.buckets.find(BUCKET)
    for line in bytes(args[-1]).splitlines(keepends=True):
        if line == HEADER or (search, line) in observer.reported:
            continue
        observer.reported.add((search, line))
        key = decode_orphan(line).key
        stored = bucket.current(key)  # type: ignore[union-attr] # it exists
        if stored is not None and stored.head.last_modified < process.began_at:
            yield f"{key} exists, and {process.label} reports it"
