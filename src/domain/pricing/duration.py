"""How long a sync takes, from rates: an estimate to compare ways to sync, not a promise."""

from __future__ import annotations

from domain.connector import Trigger
from domain.discovery import Discovery
from domain.pricing.model import Model
from domain.pricing.requests import (
    chunk_s,
    chunks_of,
    discovered,
    engine_s,
    heads,
    tag_reads,
    task_s,
)
from domain.pricing.survey import Work
from domain.pricing.workload import Choice, Workload


def duration_s(workload: Workload, choice: Choice, model: Model) -> float:
    """Return the seconds from the request to the last chunk.

    The engine lists first; then S3 Batch Operations runs its tasks, if it does; then workers
    process chunks. Each is at least as long as S3 needs for its requests to one prefix that it has
    not partitioned.
    """
    chunks = chunks_of(workload, choice, model)
    seconds = engine_s(workload, model)
    reads = tag_reads(workload, choice) + heads(workload, choice)
    if choice.discovery is Discovery.BATCH and (tasks := discovered(workload)):
        discovering = tasks + workload.at_least(Work.HEAD)
        seconds += model.batch_delay_s
        seconds += max(
            tasks * task_s(workload, model) / model.tasks, discovering / model.reads_per_s
        )
        reads -= discovering
    if chunks.worked:
        rounds = max(chunks.worked / model.workers, 1.0)
        writes = 0 if choice.dry_run else workload.at_least(Work.RETAG)
        seconds += max(
            rounds * chunk_s(workload, choice, chunks, model),
            reads / model.reads_per_s + writes / model.writes_per_s,
            _largest_copy_s(workload, choice, model),
        )
    return seconds


def _largest_copy_s(workload: Workload, choice: Choice, model: Model) -> float:
    """Return how long one object above the limit of one request takes, if there is one."""
    if choice.dry_run or choice.trigger is not Trigger.COPY or not workload.large_written:
        return 0.0
    parts = workload.large_parts / workload.large_written
    return max(parts / 32, 1.0) * 3.0
