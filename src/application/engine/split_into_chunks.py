"""Splits the manifest, or the completion report, into chunks: streamed and checkpointed.

Chunk N is a function of the file and N. The files of a chunk are written first (its entries, and
the outcomes that are already known), then chunks and checkpoint in one transaction, then the
messages. Wherever the process dies, the next one creates the same chunks from the last checkpoint;
the sweep sends messages that were lost.

Splitting is a loop over invocations. Its measure, which decreases with each, is the number of bytes
of the source after the checkpoint: an invocation that ends at its deadline has recorded at least
one chunk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from application.engine.chunk_enqueuer import ChunkEnqueuer
from application.engine.chunk_sources import Source, key_of
from application.engine.job_lease import JobLease
from application.execution.tuning import Tuning
from application.results.failure_records import object_failures
from application.results.files import chunk_key, discovered_key, write_entries, write_outcomes
from domain.chunk import Chunk, ChunkStatus
from domain.errors import InvalidReport
from domain.job import Job, JobStatus, ProcessingStarted, Splitting, evolve
from domain.key_sum import may_be_equal, with_key
from domain.manifest import ManifestEntry
from domain.outcome import Outcome, count_outcomes
from domain.packing import ChunkDraft
from domain.records import RecordSplitter
from ports.chunk_store import ChunkStore
from ports.clock import Clock
from ports.error_log import ErrorLog
from ports.errors import Conflict
from ports.job_store import JobStore
from ports.results_store import ResultsStore


@dataclass(slots=True)
class _Batch:
    """Chunks whose files are written, waiting for the transaction that records them."""

    chunks: list[Chunk]
    checkpoint: Splitting


class _Position:
    """The checkpoint after the last record, as plain numbers: there is one step for each object."""

    def __init__(self, start: Splitting) -> None:
        self._file_index = start.file_index
        self._position = start.position
        self._object_count = start.object_count
        self._key_sum = start.key_sum

    def pass_record(self, item: ManifestEntry | Outcome, file_index: int, after: int) -> None:
        self._file_index = file_index
        self._position = after
        self._object_count += 1
        self._key_sum = with_key(self._key_sum, key_of(item))

    def checkpoint(self) -> Splitting:
        return Splitting(
            file_index=self._file_index,
            position=self._position,
            object_count=self._object_count,
            key_sum=self._key_sum,
        )


class SplitIntoChunks:
    """Creates the chunks of a job from a source of records."""

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

    async def run(self, job: Job, lease: JobLease, source: Source) -> Job | None:
        """Split to the end, or None if the deadline came first.

        Raises:
            LeaseLost: the job's lease is lost.
            InvalidReport: the source does not have exactly one record for each listed object.
        """
        draft = ChunkDraft()
        batch = _Batch([], job.splitting)
        at = _Position(job.splitting)
        async for item, file_index, after in self._records(source, job.splitting):
            entry = item if isinstance(item, ManifestEntry) else None
            if draft.would_overflow(entry, self._tuning.sizing):
                await self._close(job, draft, batch)
                batch.checkpoint = at.checkpoint()
                draft = ChunkDraft()
                ending = lease.deadline.near(self._tuning.stop_margin_s)
                if ending or len(batch.chunks) >= self._tuning.added_chunk_count:
                    job = await self._commit(job, lease, batch)
                    batch = _Batch([], job.splitting)
                if ending:
                    return None
            if isinstance(item, ManifestEntry):
                draft.add(item, self._tuning.sizing)
            else:
                draft.outcomes.append(item)
            at.pass_record(item, file_index, after)
        if draft.object_count:
            await self._close(job, draft, batch)
        batch.checkpoint = at.checkpoint()
        counted, listed = batch.checkpoint.object_count, job.listing.objects_listed
        if counted != listed:
            raise InvalidReport(
                f"{source.name} has records of {counted} objects, {listed} were listed"
            )
        if not may_be_equal(batch.checkpoint.key_sum, job.listing.key_sum):
            raise InvalidReport(
                f"{source.name} has as many records as objects were listed, {listed}, but not one"
                " for each: some are missing, and others are there twice or were not listed"
            )
        batch.checkpoint = replace(batch.checkpoint, done=True)
        return await self._commit(job, lease, batch)

    async def _records(
        self, source: Source, start: Splitting
    ) -> AsyncIterator[tuple[ManifestEntry | Outcome, int, int]]:
        """Yield each record, the index of its file, and the position after it."""
        position = start.position
        for file_index in range(start.file_index, len(source.files)):
            key, parse = source.files[file_index]
            splitter = RecordSplitter(position)
            stream = self._results.stream(key, position=position)
            async for portion in stream:
                for record, after in splitter.feed(portion):
                    yield parse(record, after), file_index, after
            for record, after in splitter.finish():
                yield parse(record, after), file_index, after
            position = 0

    async def _close(self, job: Job, draft: ChunkDraft, batch: _Batch) -> None:
        index = job.tally.chunks_total + len(batch.chunks)
        if draft.entries:
            await write_entries(
                self._results, chunk_key(job.job_id, index), job.request.bucket.name, draft.entries
            )
        now = self._clock.now()
        if draft.outcomes:
            key = discovered_key(job.job_id, index)
            await write_outcomes(
                self._results, key, draft.outcomes, job_id=job.job_id, chunk_index=index
            )
            failures = object_failures(
                draft.outcomes, job_id=job.job_id, chunk_index=index, attempt_number=1, now=now
            )
            await self._errors.record(failures[: self._tuning.errors_per_chunk_max])
        known = count_outcomes(draft.outcomes)
        settled = ChunkStatus.COMPLETED_WITH_ERRORS if known.failed else ChunkStatus.COMPLETED
        keys = [entry.key for entry in draft.entries] + [outcome.key for outcome in draft.outcomes]
        batch.chunks.append(
            Chunk(
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
                created_at=now,
                updated_at=now,
            )
        )

    async def _commit(self, job: Job, lease: JobLease, batch: _Batch) -> Job:
        if not batch.chunks:
            return await lease.update(job.job_id, lambda j: replace(j, splitting=batch.checkpoint))
        while True:
            lease.check(job)
            now = self._clock.now()
            times = replace(job.times, updated_at=now)
            moved = replace(job, splitting=batch.checkpoint, times=times)
            if job.status is JobStatus.DISCOVERING and not job.request.options.dry_run:
                moved = evolve(moved, ProcessingStarted(), now)
            try:
                job = await self._chunks.add(moved, batch.chunks)
                break
            except Conflict:
                # Another part of the record changed (a status was published), or the lease is lost,
                # which `check` finds out. The chunks themselves cannot exist yet: their
                # checkpoint is written with them.
                job = await self._jobs.get(job.job_id)
        await self._queueing.enqueue([c for c in batch.chunks if not c.terminal])
        return job
