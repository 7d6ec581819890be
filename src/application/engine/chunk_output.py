"""Lists into chunks: workers process the first objects while the listing continues.

Each range of keys fills chunks of its own, so the keys of a chunk are near to each other. Chunks
and the listing's progress after them are recorded in one transaction. What is in no full chunk by
then makes a smaller one: everything that the progress covers is in a chunk.

The first chunk is recorded alone, and from then on as many as there are already, up to
`added_chunk_count`. So work begins with the first page, and a large listing costs few transactions.

Which objects a chunk has depends on how fast each range was listed. So the files of chunks have
unique names: a process whose lease expired writes none that another process has recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from application.engine.chunk_recorder import ChunkBatch, ChunkRecorder
from application.engine.job_lease import JobLease
from application.engine.key_range_streams import TakenPage
from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.results.files import manifest_key
from domain.job import (
    DiscoveryStarted,
    Job,
    JobStatus,
    ProcessingStarted,
    Splitting,
    evolve,
)
from domain.listing import Listing
from domain.manifest import ManifestEntry
from domain.packing import ChunkDraft
from ports.clock import Clock
from ports.results_store import ResultsStore


class ChunkOutput:
    """The chunks of a direct discovery: a `ListingOutput`."""

    def __init__(
        self,
        *,
        lease: JobLease,
        recorder: ChunkRecorder,
        results: ResultsStore,
        status_publisher: StatusPublisher,
        clock: Clock,
        tuning: Tuning,
    ) -> None:
        self._lease = lease
        self._recorder = recorder
        self._results = results
        self._status_publisher = status_publisher
        self._clock = clock
        self._tuning = tuning
        self._batch = ChunkBatch()
        self._drafts: dict[int, ChunkDraft] = {}
        # What streams that ended have left over. Many small prefixes share chunks.
        self._leftover = ChunkDraft()

    async def begin(self, job: Job) -> Listing:
        """Begin with no chunks, or after those that the job's record counts."""
        upload_id = job.listing.manifest.upload_id
        if upload_id is None:
            return job.listing
        # An earlier version began to list into a manifest, and created no chunks yet.
        await self._results.abort_upload(manifest_key(job.job_id), upload_id)
        return Listing()

    async def add(
        self, job: Job, at: Listing, page: TakenPage, selected: Sequence[ManifestEntry]
    ) -> Listing:
        """Add the entries to the draft of the page's stream."""
        draft = self._fill(job, self._drafts.pop(page.stream, ChunkDraft()), selected)
        if page.ends_stream:
            self._leftover = self._fill(job, self._leftover, draft.entries)
        else:
            self._drafts[page.stream] = draft
        return at

    def is_due(self, job: Job, at: Listing) -> bool:
        """Return whether there are as many chunks as are recorded already, or as many as may be."""
        as_many_again = len(self._batch.chunks) >= max(1, job.tally.chunks_total)
        return as_many_again or self._recorder.is_full(self._batch)

    async def save(self, job: Job, at: Listing) -> Job:
        """Record all that was added, and publish that objects are being processed."""
        job = await self._record(job, lambda j: replace(j, listing=at))
        return await self._status_publisher.publish_pending(job)

    async def discard(self, job: Job, at: Listing) -> None:
        """Do nothing: no file was written."""

    async def complete(self, job: Job, at: Listing, warnings: tuple[str, ...]) -> Job | None:
        """Record the rest; nothing is left to split."""

        def ended(job: Job) -> Job:
            findings = replace(job.findings, warnings=warnings)
            return replace(job, listing=at, findings=findings, splitting=Splitting(done=True))

        return await self._record(job, ended)

    def _fill(self, job: Job, draft: ChunkDraft, entries: Sequence[ManifestEntry]) -> ChunkDraft:
        """Add entries to a draft, and pack it whenever it is full; return the last draft."""
        sizing = self._tuning.sizing
        for entry in entries:
            if draft.would_overflow(entry, sizing):
                self._pack(job, draft)
                draft = ChunkDraft()
            draft.add(entry, sizing)
        if len(draft.entries) >= sizing.object_count_max:
            self._pack(job, draft)
            draft = ChunkDraft()
        return draft

    def _pack(self, job: Job, draft: ChunkDraft) -> None:
        self._recorder.pack(job, draft, self._batch, token=self._lease.token)

    async def _record(self, job: Job, change: Callable[[Job], Job]) -> Job:
        for draft in (*self._drafts.values(), self._leftover):
            if draft.entries:
                self._pack(job, draft)
        batch = self._batch
        self._drafts, self._leftover, self._batch = {}, ChunkDraft(), ChunkBatch()

        def changed(job: Job) -> Job:
            return _with_chunks(change(job), self._clock.now()) if batch.chunks else change(job)

        return await self._recorder.record(job, self._lease, batch, changed)


def _with_chunks(job: Job, now: datetime) -> Job:
    """Return the job in the state that it has from its first chunks on."""
    if job.status is JobStatus.INITIALIZING:
        job = evolve(job, DiscoveryStarted(), now)
    if job.status is JobStatus.DISCOVERING and not job.request.options.dry_run:
        job = evolve(job, ProcessingStarted(), now)
    return job
