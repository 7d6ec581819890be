"""Whether a job's counts, files, records and events agree, and nothing is left over.

As in `invariants`, each function is one sentence. If files could permanently not be read or
written, or were removed, only what the service can know is required.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from simulator.lasting import Lasting
from simulator.scenery import BUCKET

from application.results.files import chunk_key
from domain.batch_job import ENDED
from domain.chunk import Chunk, ChunkStatus
from domain.discovery import Discovery
from domain.failure import Failure
from domain.job import Job, JobStatus
from domain.manifest import decode_row
from domain.message import IngestEvent
from domain.outcome import Statistics
from domain.verification import decode_known

if TYPE_CHECKING:
    from simulator.observer import Observer
    from simulator.simulation import Simulation

_ITEM_BYTES_MAX = 400 * 1024
_GIVEN_UP = (ChunkStatus.FAILED, ChunkStatus.CANCELLED)


def outcome_files_add_up(sim: Simulation, chunk: Chunk) -> Iterator[str]:
    """The statistics of a settled chunk are the fold of its outcome files; those of one that FAILED
    may count failures that could not be written.
    """
    if not chunk.terminal or _removed(sim, chunk.job_id, f"outcomes/{chunk.index:08d}"):
        return
    if chunk.job_id in sim.services.batch.wrong_reports:
        return
    if chunk.status in _GIVEN_UP and (sim.lasting.results_hurt or _ended_without_files(sim, chunk)):
        return
    kinds: Counter[str] = Counter()
    for line in outcome_lines(sim, chunk.job_id, chunk.index):
        kinds[line["outcome"].lower()] += 1
        kinds["tags_restored"] += line["reason"] == "TAGS_RESTORED"
        kinds["known_as_listed"] += line.get("asListed", False)
    if chunk.status is ChunkStatus.FAILED and _removed(sim, chunk.job_id, "chunks/"):
        kinds["failed"] = max(kinds["failed"], chunk.statistics.failed)
    if Statistics(**kinds) != chunk.statistics:
        yield f"chunk {chunk.index}, {chunk.status}: {chunk.statistics}, its files say {kinds}"


def error_records_are_the_failures(sim: Simulation, job: Job) -> Iterator[str]:
    """The error records of a job that has ended are those of its failed objects, so many of a chunk
    as are recorded at most; one of each chunk that FAILED; and one of a job that FAILED. A chunk
    that had to end without its files may have none, and with faults a job that FAILED.
    """
    if sim.lasting.results_hurt or sim.lasting.has(Lasting.ERRORS_DENIED):
        return
    kept = sim.world.database.failures.get(job.job_id, {})
    records = [stored.failure for stored in kept.values()]
    of_job = [record for record in records if record.chunk_index is None]
    failed = job.status is JobStatus.FAILED
    if of_job and not failed:
        yield f"{job.job_id} is {job.status} and has {of_job}"
    if failed and not of_job and not sim.faults.any:
        yield f"{job.job_id} is {job.status} and has no record of why"
    for chunk in sim.world.database.chunks_of(job.job_id):
        own = [record for record in records if record.chunk_index == chunk.index]
        yield from _records_of_chunk(sim, chunk, own)


def _records_of_chunk(sim: Simulation, chunk: Chunk, records: list[Failure]) -> Iterator[str]:
    if _removed(sim, chunk.job_id, f"outcomes/{chunk.index:08d}"):
        return
    if (
        chunk.status is ChunkStatus.CANCELLED
        and chunk.life.redrive_number
        and not chunk.attempt_count
    ):
        return  # redriven and not attempted: the records are those of its earlier settlement
    if _ended_without_files(sim, chunk):
        return
    whole = [record for record in records if record.key is None]
    if len(whole) != (chunk.status is ChunkStatus.FAILED):
        yield f"chunk {chunk.index} is {chunk.status} and has {whole}"
    recorded = {record.key for record in records} - {None}
    lines = outcome_lines(sim, chunk.job_id, chunk.index)
    failed = {line["key"] for line in lines if line["outcome"] == "FAILED"}
    if recorded - failed:
        yield f"chunk {chunk.index} has records of {recorded - failed}, which did not fail"
    missing = failed - recorded
    if (
        missing
        and chunk.status is not ChunkStatus.FAILED
        and len(recorded) < sim.tuning.errors_per_chunk_max
    ):
        yield f"chunk {chunk.index} has no records of {missing}, which failed"


def nothing_is_left_out(observer: Observer, job: Job) -> Iterator[str]:
    """A sync of what was modified since an earlier one began lists every object that appeared since
    then and before it began itself, however old it looks.
    """
    since, sim = job.request.options.modified_since, observer.sim
    hurt = any(name in sim.removed for name in _listed_files(sim, job))
    if since is None or hurt or job.status is not JobStatus.COMPLETED:
        return
    listed = set(listed_keys(sim, job))
    prefixes = job.request.options.prefixes or ("",)
    for key in observer.starts[job.job_id].objects:
        appeared_at = observer.ledger.page(key).appeared_at
        late = appeared_at is not None and since <= appeared_at < job.times.created_at
        media = key.endswith(".mov") and not job.request.options.exclude
        if late and media and key.startswith(tuple(prefixes)) and key not in listed:
            yield f"{key} appeared at {appeared_at}, and is not listed since {since}"


def no_batch_job_is_forgotten(sim: Simulation, job: Job) -> Iterator[str]:
    """When a job has ended, so have its batch jobs, if they can be found and cancelled."""
    hurt = (Lasting.NO_BATCH_CANCEL, Lasting.NO_BATCH_LIST, Lasting.BATCH_BUSY)
    if sim.lasting.has(*hurt):
        return
    for batch_job in sim.world.ports.batch_jobs._jobs.values():
        if batch_job.job_id == job.job_id and batch_job.status not in ENDED:
            yield f"{job.job_id} is {job.status}, {batch_job.batch_job_id} {batch_job.status}"


def a_wrong_report_fails_its_job(sim: Simulation, job: Job) -> Iterator[str]:
    """A job whose report lacks a row behind a doubled one does not complete."""
    completed = job.status in (JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS)
    if job.job_id in sim.services.batch.wrong_reports and completed:
        yield f"{job.job_id} is {job.status}, by a wrong report"


def no_record_is_too_large(sim: Simulation) -> Iterator[str]:
    """The prefixes of all active jobs of a bucket fit in one record."""
    prefixes = [
        prefix
        for job in sim.world.database.jobs
        if job.request.bucket.name == BUCKET and not job.terminal
        for prefix in job.request.options.prefixes
    ]
    size_bytes = sum(len(prefix.encode()) for prefix in prefixes)
    if size_bytes > _ITEM_BYTES_MAX:
        yield f"the guard of {BUCKET} holds {size_bytes} bytes"


def a_receiver_loses_nothing(observer: Observer, event: IngestEvent) -> Iterator[str]:
    """A receiver that drops every event whose id it has seen drops no content that it has not."""
    content = (event.object_key, event.e_tag, event.version_id)
    seen = observer.received.setdefault(event.event_id, content)
    if seen != content:
        yield f"{event.event_id} announced {seen}, and now {content}"


def outcome_lines(
    sim: Simulation, job_id: str, chunk_index: int | None = None
) -> list[dict[str, Any]]:
    """Return the lines of a job's outcome files, or of one chunk's, sorted by file."""
    folder = f"jobs/{job_id}/outcomes/"
    chunk = "" if chunk_index is None else f"{chunk_index:08d}"
    files = sim.world.ports.results.files
    names = sorted(name for name in files if name.startswith(folder + chunk))
    return [line for name in names for line in _parsed(files[name])]


@lru_cache(maxsize=1_024)
def _parsed(content: bytes) -> tuple[dict[str, Any], ...]:
    """Return the lines of an outcome file; most invariants read the same ones."""
    return tuple(json.loads(line) for line in content.splitlines())


def listed_keys(sim: Simulation, job: Job) -> list[str]:
    """Return the keys that a job listed, from its files: its manifest and the objects that were
    known then, or its chunks.
    """
    files = sim.world.ports.results.files
    contents = [files.get(name, b"") for name in _listed_files(sim, job)]
    known = files.get(f"jobs/{job.job_id}/known.csv", b"")
    return [
        *(decode_row(line).key for text in contents for line in text.splitlines(keepends=True)),
        *(decode_known(line).key for line in known.splitlines(keepends=True)),
    ]


def _listed_files(sim: Simulation, job: Job) -> list[str]:
    if job.request.options.discovery is Discovery.BATCH:
        return [f"jobs/{job.job_id}/manifest.csv"]
    return [chunk_key(chunk) for chunk in sim.world.database.chunks_of(job.job_id)]


def is_hurt(sim: Simulation, job: Job) -> bool:
    """Return whether files of a job were lost."""
    chunks = sim.world.database.chunks_of(job.job_id)
    lost = sim.lasting.results_hurt or _removed(sim, job.job_id, "")
    return lost or any(_ended_without_files(sim, chunk) for chunk in chunks)


def _ended_without_files(sim: Simulation, chunk: Chunk) -> bool:
    """Return whether failing the chunk failed so often, or its job's requested end waited so long,
    that it had to end without its files.
    """
    ordered_at = sim.observer.ending_at.get(chunk.job_id)
    patience = timedelta(seconds=sim.tuning.end_patience_s)
    late = ordered_at is not None and chunk.updated_at >= ordered_at + patience
    return late or chunk.attempt_count > 2 * sim.tuning.chunk_attempt_count_max


def _removed(sim: Simulation, job_id: str, folder: str) -> bool:
    start = f"jobs/{job_id}/{folder}"
    return any(name.startswith(start) for name in sim.removed)
