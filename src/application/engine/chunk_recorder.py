"""Records chunks: their files first, then the chunks with the job's progress, then the messages.

Wherever the process dies, nothing is lost and nothing is there twice: files without a chunk are
not read, chunks and progress are in one transaction, and the sweep sends messages that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.job_lease import JobLease
from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.results.failure_records import object_failures
from application.results.files import (
    chunk_key,
    discovered_key,
    encode_entries,
    encode_outcomes,
    unique_chunk_key,
)
from domain.chunk import Chunk, ChunkStatus
from domain.failure import Failure
from domain.job import Job
from domain.outcome import count_outcomes
from domain.packing import ChunkDraft
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.errors import Conflict
from ports.job_store import JobStore
from ports.results_store import ResultsStore

_FILES_IN_FLIGHT: Final = 8

# A chunk of known outcomes has a file of a megabyte or more; a batch stays in memory.
_BATCH_BYTES_MAX: Final = 8 * 1024**2


@dataclass(slots=True)
class ChunkBatch:
    """Chunks that are packed and not recorded, with the content of their files.

    `indexes` are those of its chunks, if they do not follow those that the job has.
    """

    chunks: list[Chunk] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    size_bytes: int = 0
    indexes: Iterator[int] | None = None


class ChunkRecorder:
    """Turns drafts into recorded and queued chunks."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        chunks: ChunkStore,
        results: ResultsStore,
        errors: ErrorLog,
        queueing: ChunkEnqueuer,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._results = results
        self._errors = errors
        self._queueing = queueing
        self._clock = clock
        self._tuning = tuning

    def pack(self, job: Job, draft: ChunkDraft, batch: ChunkBatch, *, token: str = "") -> None:
        """Add the draft to the batch, as its next chunk.

        `token` makes the name of the chunk's file unique. It is needed if another process may give
        other entries to a chunk of the same index.
        """
        following = job.tally.chunks_total + len(batch.chunks)
        index = following if batch.indexes is None else next(batch.indexes)
        now = self._clock.now()
        known = count_outcomes(draft.outcomes)
        settled = ChunkStatus.COMPLETED_WITH_ERRORS if known.failed else ChunkStatus.COMPLETED
        keys = [entry.key for entry in draft.entries] + [outcome.key for outcome in draft.outcomes]
        chunk = Chunk(
            job_id=job.job_id,
            index=index,
            status=ChunkStatus.PENDING if draft.entries else settled,
            object_count=draft.object_count,
            entry_count=len(draft.entries),
            size_bytes=draft.size_bytes,
            first_key=min(keys),
            last_key=max(keys),
            discovered=known,
            statistics=known,
            entries_key=unique_chunk_key(job.job_id, index, token) if token else None,
            created_at=now,
            updated_at=now,
        )
        batch.chunks.append(chunk)
        if draft.entries:
            content = encode_entries(job.request.bucket.name, draft.entries)
            batch.files.append((chunk_key(chunk), content))
            batch.size_bytes += len(content)
        if draft.outcomes:
            content = encode_outcomes(draft.outcomes, job_id=job.job_id, chunk_index=index)
            batch.files.append((discovered_key(job.job_id, index), content))
            batch.size_bytes += len(content)
            failures = object_failures(
                draft.outcomes, job_id=job.job_id, chunk_index=index, attempt_number=1, now=now
            )
            batch.failures.extend(failures[: self._tuning.errors_per_chunk_max])

    def is_full(self, batch: ChunkBatch) -> bool:
        """Return whether the batch has as many chunks, or bytes, as are recorded at once."""
        many = len(batch.chunks) >= self._tuning.added_chunk_count
        return many or batch.size_bytes >= _BATCH_BYTES_MAX

    async def record(
        self, job: Job, lease: JobLease, batch: ChunkBatch, change: Callable[[Job], Job]
    ) -> Job:
        """Write the files, record the chunks with a change of the job, and send the messages.

        Raises:
            LeaseLost: the job's lease is lost; no chunk was recorded.
        """
        if not batch.chunks:
            return await lease.update(job.job_id, change)
        await self.write(batch)
        while True:
            try:
                job = await self._chunks.add(lease.changed(job, change), batch.chunks)
                break
            except Conflict:
                # Another part of the record changed (a status was published), or the lease is lost,
                # which `changed` finds out. The chunks themselves cannot exist yet: their
                # checkpoint is written with them.
                job = await self._jobs.get(job.job_id)
        await self.enqueue(batch)
        return job

    async def write(self, batch: ChunkBatch) -> None:
        """Write the files of chunks that are not recorded yet."""
        await fan_out(batch.files, self._write, limit=_FILES_IN_FLIGHT)
        if batch.failures:
            await self._errors.record(batch.failures)

    async def enqueue(self, batch: ChunkBatch) -> None:
        """Send the messages of recorded chunks."""
        await self._queueing.enqueue([chunk for chunk in batch.chunks if not chunk.terminal])

    async def _write(self, file: tuple[str, bytes]) -> None:
        key, content = file
        await self._results.put(key, content)
