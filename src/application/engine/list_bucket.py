"""Lists a bucket: streamed, checkpointed, and resumable after an interruption.

The pages of a prefix come from several ranges of its keys at once (`key_range_streams`). The
objects that are selected go to an output: the manifest of a batch job (`manifest_output`), or
chunks (`chunk_output`). The output saves them together with the ranges that are left to list: when
there are enough of them, every `checkpoint_after_s` seconds, and at the deadline. A later
invocation continues with the ranges. A long listing into chunks is shared out at a checkpoint
(`share_listing`), and comes back here when all of it is listed.

Listing is a loop over invocations. Its measure, which decreases with each, is the number of keys
in the ranges of the checkpoint: an invocation that ends at its deadline has listed at least one
page. Only a part of a manifest that a process with an expired lease sent late makes the listing
start again, with a new upload that the late process does not know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace

from application.engine.chunk_output import ChunkOutput
from application.engine.chunk_recorder import ChunkRecorder
from application.engine.empty_prefix import warning_of_nothing, with_warning
from application.engine.ingest_watch import IngestWatch
from application.engine.job_lease import JobLease
from application.engine.key_range_streams import KeyRangeStreams, TakenPage
from application.engine.listing_output import ListingOutput
from application.engine.manifest_output import ManifestOutput
from application.engine.page_selection import PageSelection
from application.engine.share_listing import ShareListing
from application.engine.source_pages import source_pages
from application.execution.tuning import Tuning
from application.jobs.status_publisher import StatusPublisher
from application.known_objects import KnownObjects
from domain.bucket_check import check_bucket
from domain.discovery import Discovery
from domain.index_work import with_index_wanted
from domain.job import Findings, Job, JobCompleted, Splitting, evolve
from domain.key_ranges import WHOLE
from domain.listing import Listing, RowUpload
from domain.prefixes import listed_prefixes
from domain.profile import Profile
from ports.clock import Clock
from ports.object_store import ObjectStore
from ports.parquet_reader import ParquetReader
from ports.results_store import ResultsStore
from ports.source_files import SourceFiles
from ports.telemetry import Metric, Telemetry


class ListBucket:
    """Takes a job from its creation to the end of its listing; COMPLETED if nothing is selected."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        source_files: SourceFiles,
        parquet_reader: ParquetReader,
        results: ResultsStore,
        known_objects: KnownObjects,
        chunk_recorder: ChunkRecorder,
        share_listing: ShareListing,
        ingest_watch: IngestWatch,
        status_publisher: StatusPublisher,
        profile: Profile,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._objects = objects
        self._source_files = source_files
        self._parquet_reader = parquet_reader
        self._results = results
        self._known_objects = known_objects
        self._chunk_recorder = chunk_recorder
        self._share_listing = share_listing
        self._ingest_watch = ingest_watch
        self._status_publisher = status_publisher
        self._profile = profile
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job: Job, lease: JobLease) -> Job | None:
        """List to the end, or return None if the deadline came first, with a checkpoint.

        A job that is returned and is not listed has been shared out (`share_listing`).

        Raises:
            LeaseLost: the job's lease is lost.
            NotFound: a remainder that the record names does not exist.
            Misconfigured, AccessDenied: the bucket cannot be listed, or the catalog not queried.
            UnsupportedBucket: a sync cannot keep its guarantees in this bucket.
            ManifestTooLarge: there are more objects than one job can list.
            InvalidSource: the source of keys is not of its format, or is not what was meant.
        """
        output = self._output(job, lease)
        findings = job.findings if job.listing != Listing() else await self._look(job)
        at = await output.begin(job)
        if (at, findings) != (job.listing, job.findings):
            job = await lease.update(
                job.job_id, lambda j: replace(j, listing=at, findings=findings)
            )
        options = job.request.options
        # A source is read once, whatever prefixes there are.
        prefixes = listed_prefixes(options.prefixes) if options.source is None else ("",)
        return await self._list(job, lease, prefixes, output)

    def _output(self, job: Job, lease: JobLease) -> ListingOutput:
        if job.request.options.discovery is Discovery.DIRECT:
            return ChunkOutput(
                lease=lease,
                recorder=self._chunk_recorder,
                results=self._results,
                status_publisher=self._status_publisher,
                clock=self._clock,
                tuning=self._tuning,
            )
        return ManifestOutput(
            job=job,
            lease=lease,
            results=self._results,
            known_objects=self._known_objects,
            clock=self._clock,
            telemetry=self._telemetry,
            tuning=self._tuning,
        )

    async def _look(self, job: Job) -> Findings:
        warnings = check_bucket(job, await self._objects.inspect(job.request.bucket))
        queue, queue_warnings = await self._ingest_watch.look(job)
        denied = job.lookup and job.lookup.warning
        more = (denied,) if denied else ()
        return Findings(warnings=(*warnings, *queue_warnings, *more), queue=queue)

    async def _list(
        self, job: Job, lease: JobLease, prefixes: tuple[str, ...], output: ListingOutput
    ) -> Job | None:
        selection = PageSelection(job, self._profile, self._tuning)
        at = job.listing
        saved_at = self._clock.now()
        for index in range(at.prefix_index, len(prefixes)):
            async with self._streams(job, prefixes[index], at) as pages:
                async for page in pages:
                    if not page.left:
                        nothing = not page.entries and at.ranges[0].after is None
                        if nothing and prefixes[index]:
                            job = await self._warn_of_nothing(job, lease, prefixes[index])
                        at = replace(at, prefix_index=index + 1)
                    at = await self._take(job, at, page, selection, output)
                    ending = await lease.must_stop(self._tuning.stop_margin_s)
                    age_s = (self._clock.now() - saved_at).total_seconds()
                    is_old = age_s >= self._tuning.checkpoint_after_s
                    if ending or is_old or output.is_due(job, at):
                        job = await output.save(job, at)
                        at = job.listing
                        self._report(job)
                        saved_at = self._clock.now()
                        if self._share_listing.is_due(job, len(prefixes)):
                            return await self._share_listing.start(job, lease, len(prefixes))
                    if ending:
                        return None
        return await self._complete(job, lease, at, output)

    def _streams(
        self, job: Job, prefix: str, at: Listing
    ) -> AbstractAsyncContextManager[AsyncIterator[TakenPage]]:
        source = job.request.options.source
        if source is not None:
            return aclosing(source_pages(self._source_files, self._parquet_reader, job, source, at))
        return KeyRangeStreams(
            self._objects,
            job,
            prefix,
            at.ranges,
            telemetry=self._telemetry,
            tuning=self._tuning,
        )

    async def _take(
        self,
        job: Job,
        at: Listing,
        page: TakenPage,
        selection: PageSelection,
        output: ListingOutput,
    ) -> Listing:
        """Add the page's objects that are selected; return the progress after it."""
        counted, selected = selection.take(at, page.entries)
        added = await output.add(job, counted, page, selected)
        return replace(added, ranges=page.left or (WHOLE,), source=page.source or at.source)

    async def _warn_of_nothing(self, job: Job, lease: JobLease, prefix: str) -> Job:
        warning = await warning_of_nothing(self._objects, job, prefix)
        if warning in job.findings.warnings:
            return job
        return await lease.update(job.job_id, lambda j: with_warning(j, warning))

    def _report(self, job: Job) -> None:
        self._telemetry.event(
            "listing_checkpoint",
            job_id=job.job_id,
            objects_listed=job.listing.objects_listed,
            ranges=len(job.listing.ranges),
        )

    async def _complete(
        self, job: Job, lease: JobLease, at: Listing, output: ListingOutput
    ) -> Job | None:
        if not at.objects_listed:
            await output.discard(job, at)
            ended = replace(at, manifest=RowUpload(), known=RowUpload())

            def completed(job: Job) -> Job:
                settled = replace(job, listing=ended, splitting=Splitting(done=True))
                done = evolve(settled, JobCompleted(), self._clock.now())
                return with_index_wanted(done) if self._tuning.outcome_indexes else done

            return await lease.update(job.job_id, completed)
        # Another invocation may have started the listing, and versioning may be enabled since.
        facts = await self._objects.inspect(job.request.bucket)
        unlisted = check_bucket(job, facts)
        others = tuple(warning for warning in job.findings.warnings if warning not in unlisted)
        warnings = (*check_bucket(job, facts, listed=at), *others)
        listed = await output.complete(job, at, warnings)
        if listed is None:
            restarted = await lease.update(job.job_id, lambda j: replace(j, listing=Listing()))
            return await self.run(restarted, lease)
        self._telemetry.count(Metric.OBJECTS_LISTED, at.objects_listed)
        return listed
