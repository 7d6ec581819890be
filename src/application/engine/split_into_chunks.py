"""Splits the completion report, or a manifest, into chunks: streamed and checkpointed.

Chunk N is a function of the file and N. Wherever the process dies, the next one creates the same
chunks from the last checkpoint, which is written together with the chunks before it.

Splitting is a loop over invocations. Its measure, which decreases with each, is the number of bytes
of the source after the checkpoint: an invocation that ends at its deadline has recorded at least
one chunk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from application.engine.chunk_recorder import ChunkBatch, ChunkRecorder
from application.engine.chunk_sources import Source, key_of
from application.engine.job_lease import JobLease
from application.execution.tuning import Tuning
from domain.errors import InvalidReport
from domain.job import Job, JobStatus, ProcessingStarted, Splitting, evolve
from domain.key_sum import may_be_equal, with_key
from domain.manifest import ManifestEntry
from domain.outcome import Outcome
from domain.packing import ChunkDraft
from domain.records import RecordSplitter
from ports.clock import Clock
from ports.results_store import ResultsStore


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
        results: ResultsStore,
        chunk_recorder: ChunkRecorder,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._results = results
        self._recorder = chunk_recorder
        self._clock = clock
        self._tuning = tuning

    async def run(self, job: Job, lease: JobLease, source: Source) -> Job | None:
        """Split to the end, or None if the deadline came first.

        Raises:
            LeaseLost: the job's lease is lost.
            InvalidReport: the source does not have exactly one record for each listed object.
        """
        draft = ChunkDraft()
        batch = ChunkBatch()
        at = _Position(job.splitting)
        async for item, file_index, after in self._records(source, job.splitting):
            entry = item if isinstance(item, ManifestEntry) else None
            if draft.would_overflow(entry, self._tuning.sizing):
                self._recorder.pack(job, draft, batch)
                draft = ChunkDraft()
                ending = await lease.must_stop(self._tuning.stop_margin_s)
                if ending or self._recorder.is_full(batch):
                    job = await self._record(job, lease, batch, at.checkpoint())
                    batch = ChunkBatch()
                if ending:
                    return None
            if isinstance(item, ManifestEntry):
                draft.add(item, self._tuning.sizing)
            else:
                draft.outcomes.append(item)
            at.pass_record(item, file_index, after)
        if draft.object_count:
            self._recorder.pack(job, draft, batch)
        end = at.checkpoint()
        counted, listed = end.object_count, job.listing.objects_listed
        if counted != listed:
            raise InvalidReport(
                f"{source.name} has records of {counted} objects, {listed} were listed"
            )
        if not may_be_equal(end.key_sum, job.listing.key_sum):
            raise InvalidReport(
                f"{source.name} has as many records as objects were listed, {listed}, but not one"
                " for each: some are missing, and others are there twice or were not listed"
            )
        return await self._record(job, lease, batch, replace(end, done=True))

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

    async def _record(
        self, job: Job, lease: JobLease, batch: ChunkBatch, checkpoint: Splitting
    ) -> Job:
        def moved(job: Job) -> Job:
            split = replace(job, splitting=checkpoint)
            if not batch.chunks or job.request.options.dry_run:
                return split
            if job.status is not JobStatus.DISCOVERING:
                return split
            return evolve(split, ProcessingStarted(), self._clock.now())

        return await self._recorder.record(job, lease, batch, moved)
