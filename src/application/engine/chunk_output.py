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

from application.engine.chunk_recorder import ChunkRecorder
from application.engine.job_lease import JobLease
from application.engine.key_range_streams import TakenPage
from application.engine.stream_drafts import StreamDrafts
from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.results.files import manifest_key
from domain.job import DiscoveryStarted, Job, JobStatus, ProcessingStarted, Splitting, evolve
from domain.listing import Listing
from domain.manifest import ManifestEntry
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
        self._drafts = StreamDrafts(recorder, tuning, token=lease.token)

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
        self._drafts.add(job, page, selected)
        return at

    def is_due(self, job: Job, at: Listing) -> bool:
        """Return whether there are as many chunks as are recorded already, or as many as may be."""
        as_many_again = self._drafts.chunk_count >= max(1, job.tally.chunks_total)
        return as_many_again or self._drafts.full

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

    async def _record(self, job: Job, change: Callable[[Job], Job]) -> Job:
        batch = self._drafts.take(job)

        def changed(job: Job) -> Job:
            return with_chunks(change(job), self._clock.now()) if batch.chunks else change(job)

        return await self._recorder.record(job, self._lease, batch, changed)


def with_chunks(job: Job, now: datetime) -> Job:
    """Return the job in the state that it has from its first chunks on."""
    if job.status is JobStatus.INITIALIZING:
        job = evolve(job, DiscoveryStarted(), now)
    if job.status is JobStatus.DISCOVERING and not job.request.options.dry_run:
        job = evolve(job, ProcessingStarted(), now)
    return job
