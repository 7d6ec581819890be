"""Runs whose jobs get an index of their outcomes, and what must hold for these.

The draws have a source of their own: other runs do not change with them.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.accounts import is_hurt, listed_keys, outcome_lines

from application.engine import build_index, index_input, merge_runs
from application.execution.tuning import Tuning
from application.results.outcome_index import part_key, root_key
from domain.discovery import Discovery
from domain.index_work import wants_index
from domain.job import Job
from domain.outcome_index import IndexStatus, decode_root

if TYPE_CHECKING:
    from simulator.observer import Observer
    from simulator.process import Process
    from simulator.simulation import Simulation

INDEX_REQUESTS_PER_THING = 12

# The jobs of a run are small: their rows are read, sorted and merged in several steps nevertheless.
index_input._CHUNKS_IN_FLIGHT = 2  # type: ignore[misc]
index_input._CHUNKS_AT_ONCE = 3  # type: ignore[misc]
index_input._BATCH_ROW_COUNT = 4  # type: ignore[misc]
merge_runs._STRETCH_BYTES_MIN = 300  # type: ignore[misc]
build_index._MERGE_BYTES = 0  # type: ignore[misc]


def with_indexes(seed: int, tuning: Tuning) -> Tuning:
    """Return the tuning of a run: the jobs of a third of them get indexes, by runs or at once."""
    rng = random.Random(f"index {seed}")
    indexed = rng.random() < 1 / 3
    size_bytes = rng.choice([1, 400, 1_500, 64 * 1024**2])
    return replace(tuning, outcome_indexes=indexed, index_run_bytes=size_bytes)


def index_at_rest(job: Job) -> bool:
    """Return whether nothing is left to do for the job's index."""
    return not wants_index(job)


def an_index_has_every_object_once(sim: Simulation, job: Job) -> Iterator[str]:
    """When all is quiet, the index of a job has each object that the job listed exactly once, in
    the order of keys, with the outcome that its files have; and only where files were lost, or
    faults did not end, a job has none.
    """
    if not sim.tuning.outcome_indexes:
        if job.index is not None:
            yield f"{job.job_id} has {job.index}, and no job gets one"
        return
    hurt = is_hurt(sim, job) or job.job_id in sim.services.batch.wrong_reports
    if job.index is None or job.index.status is not IndexStatus.READY:
        if not hurt:
            yield f"{job.job_id} is {job.status} and has {job.index}"
        return
    if job.index.number != job.redrive.number:
        yield f"{job.job_id} has an index of redrive {job.index.number}, not {job.redrive.number}"
    files = sim.world.ports.results.files
    root = decode_root(files[root_key(job.job_id, job.index.number)])
    rows = []
    for block in root.blocks:
        content = files[part_key(job.job_id, job.index.number, block.part)]
        rows += gzip.decompress(content[block.start : block.stop]).splitlines()
    found = [json.loads(row) for row in rows]
    keys = [row["key"] for row in found]
    if keys != sorted(set(keys)) or len(keys) != root.object_count:
        yield f"the index of {job.job_id} has {keys}"
    if hurt:
        return
    chunks = {chunk.index for chunk in sim.world.database.chunks_of(job.job_id)}
    lines = outcome_lines(sim, job.job_id)
    # An engine that stops between a chunk's files and its record leaves files of no chunk.
    recorded = {line["key"]: line for line in lines if line["chunkIndex"] in chunks}
    expected = set(listed_keys(sim, job))
    into_manifest = job.request.options.discovery is Discovery.BATCH
    if into_manifest and job.listing.manifest.upload_id is not None:
        expected = set()  # the listing did not come to its end
    if set(keys) != expected | set(recorded):
        yield f"the index of {job.job_id} and its listing differ by {set(keys) ^ expected}"
    for row in found:
        line = recorded.get(row["key"], {})
        names = ("outcome", "reason", "decision", "assetId", "inventoryId", "message")
        differing = [name for name in names if row.get(name) != line.get(name)]
        if differing or ("outcome" in line and row["chunkIndex"] != line["chunkIndex"]):
            yield f"the index of {job.job_id} says {row}, the files {line}"


def only_the_holder_makes_an_index(
    observer: Observer, process: Process | None, before: Job | None, job: Job
) -> Iterator[str]:
    """A lease on an index that is live is not taken, and only its holder makes the index READY, or
    FAILED.
    """
    if before is None or process is None or before.index is None or job.index is None:
        return
    now = observer.sim.clock.now()
    lease = before.index.lease
    live = lease is not None and lease.live(now)
    if live and job.index != before.index and lease.token not in process.tokens:
        yield f"{process.label} changed the index of {job.job_id} to {job.index}, not its holder"
    if before.index.wanted and not job.index.wanted and not live:
        yield f"{process.label} ended the index of {job.job_id} without its lease"


def index_bound(sim: Simulation, job: Job) -> int:
    """Return the most requests for the index of a job, for each invocation that worked on it: a
    read of each file, and for each part one of each run.
    """
    if not sim.tuning.outcome_indexes:
        return 0
    things = job.listing.objects_seen + job.tally.chunks_total + 10
    lives = Counter(sim.observer.progress.lives)[job.job_id]
    return INDEX_REQUESTS_PER_THING * things * max(lives, 1)
