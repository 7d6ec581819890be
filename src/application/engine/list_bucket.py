"""Lists a bucket into the manifest: streamed, checkpointed, and resumable after an interruption.

The pages of a prefix come from several ranges of its keys at once (`key_range_streams`).

A checkpoint in the job's record has the ranges that are left to list, and the progress of the file
(`row_file`). It is written with each part, every `checkpoint_after_s` seconds, and at the deadline.
A later invocation reads the remainder and continues with the ranges.

In a job that relies on the catalog and whose discovery is a batch job, the catalog is asked for
each page. Objects that are known as listed go to a file of their own: they need no task.

Listing is a loop over invocations. Its measure, which decreases with each, is the number of keys
in the ranges of the checkpoint: an invocation that ends at its deadline has listed at least one
page. Only a part that a process with an expired lease sent late makes the listing start again, with
a new upload that the late process does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from application.engine.ingest_watch import IngestWatch
from application.engine.job_lease import JobLease
from application.engine.key_range_streams import KeyRangeStreams, TakenPage
from application.engine.row_file import RowFile
from application.execution.tuning import Tuning
from application.known_objects import KnownObjects
from application.results.failure_records import cause_of
from application.results.files import known_key, manifest_key
from domain import prefixes as prefix_rules
from domain.bucket_check import check_bucket
from domain.file_types import Taken
from domain.item_sizes import part_bytes
from domain.job import (
    Discovery,
    Findings,
    Job,
    JobCompleted,
    ManifestFile,
    ManifestWritten,
    Splitting,
    evolve,
)
from domain.key_ranges import WHOLE
from domain.key_sum import with_key
from domain.listing import Listing, RowUpload
from domain.manifest import ManifestEntry, encode_row
from domain.profile import Profile
from domain.selection import Selection
from domain.verification import encode_known
from ports.clock import Clock
from ports.errors import AccessDenied, Conflict
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Metric, Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    manifest: RowFile
    known: RowFile


class ListBucket:
    """Takes a job from INITIALIZING to DISCOVERING, or to COMPLETED if no object is selected."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        results: ResultsStore,
        known_objects: KnownObjects,
        ingest_watch: IngestWatch,
        profile: Profile,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._known_objects = known_objects
        self._ingest_watch = ingest_watch
        self._profile = profile
        self._objects = objects
        self._results = results
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job: Job, lease: JobLease) -> Job | None:
        """List to the end, or return None if the deadline came first, with a checkpoint.

        Raises:
            LeaseLost: the job's lease is lost.
            NotFound: a remainder that the record names does not exist.
            Misconfigured, AccessDenied: the bucket cannot be listed, or the catalog not queried.
            UnsupportedBucket: a sync cannot keep its guarantees in this bucket.
            ManifestTooLarge: there are more objects than one job can list.
        """
        files = _Files(
            manifest=RowFile(self._results, manifest_key(job.job_id)),
            known=RowFile(self._results, known_key(job.job_id)),
        )
        if job.listing.manifest.upload_id is None:
            job = await self._start(job, lease, files)
        prefixes = prefix_rules.normalise(job.request.options.prefixes) or ("",)
        at = job.listing
        rests = at.manifest.rest_key, at.known.rest_key
        if at.prefix_index < len(prefixes) or any(rests):
            listed = await self._list(job, lease, prefixes, files)
            if listed is None:
                return None
            job = listed
        return await self._complete(job, lease, files)

    async def _start(self, job: Job, lease: JobLease, files: _Files) -> Job:
        warnings = check_bucket(job, await self._objects.inspect(job.request.bucket))
        queue, queue_warnings = await self._ingest_watch.look(job)
        upload_id = await self._results.create_upload(files.manifest.key)
        started = replace(Listing(), manifest=RowUpload(upload_id=upload_id))
        if _asks_catalog(job):
            upload_id = await self._results.create_upload(files.known.key)
            started = replace(started, known=RowUpload(upload_id=upload_id))
        return await lease.update(
            job.job_id,
            lambda j: replace(
                j,
                listing=started,
                findings=Findings(warnings=(*warnings, *queue_warnings), queue=queue),
            ),
        )

    async def _list(
        self, job: Job, lease: JobLease, prefixes: tuple[str, ...], files: _Files
    ) -> Job | None:
        margin = timedelta(seconds=self._tuning.modified_since_margin_s)
        options = job.request.options
        selection = Selection.of(options.include, options.exclude, options.modified_since, margin)
        at = job.listing
        await files.manifest.resume(at.manifest)
        await files.known.resume(at.known)
        saved_at = self._clock.now()
        for index in range(at.prefix_index, len(prefixes)):
            async with self._streams(job, prefixes[index], at) as pages:
                async for page in pages:
                    if not page.left:
                        nothing = not page.entries and at.ranges[0].after is None
                        if nothing and prefixes[index]:
                            job = await self._warn_of_nothing(job, lease, prefixes[index])
                        at = replace(at, prefix_index=index + 1)
                    at = await self._with_page(job, at, page, selection, files)
                    ending = lease.deadline.near(self._tuning.stop_margin_s)
                    age_s = (self._clock.now() - saved_at).total_seconds()
                    if ending or age_s >= self._tuning.checkpoint_after_s or self._full(at, files):
                        job = await self._checkpoint(job, lease, at, files)
                        at = job.listing
                        saved_at = self._clock.now()
                    if ending:
                        return None
        at = replace(
            at,
            manifest=await files.manifest.save_part(at.manifest),
            known=await files.known.save_part(at.known),
        )
        return await self._save(job, lease, at)

    def _streams(self, job: Job, prefix: str, at: Listing) -> KeyRangeStreams:
        return KeyRangeStreams(
            self._objects,
            job,
            prefix,
            at.ranges,
            telemetry=self._telemetry,
            tuning=self._tuning,
        )

    async def _with_page(
        self, job: Job, at: Listing, page: TakenPage, selection: Selection, files: _Files
    ) -> Listing:
        """Add the rows of the page's objects that are selected; return the progress after it."""
        chosen = [entry for entry in page.entries if selection.selects(entry)]
        selected = [entry for entry in chosen if self._may_be_taken(job, entry)]
        known = await self._known_objects.among(job, selected) if _asks_catalog(job) else {}
        # Only workers compare ETags. A batch job's manifest has the columns that its request names.
        options = job.request.options
        with_e_tags = options.trusts_catalog and options.discovery is Discovery.DIRECT
        key_sum = at.key_sum
        rows, known_rows = bytearray(), bytearray()
        for entry in selected:
            if entry.key in known:
                known_rows += encode_known(known[entry.key])
            else:
                rows += encode_row(job.request.bucket.name, entry, with_e_tag=with_e_tags)
            key_sum = with_key(key_sum, entry.key)
        if selected:
            files.manifest.add_page(selected[0].key, bytes(rows))
            files.known.add_page(selected[0].key, bytes(known_rows))
        return replace(
            at,
            key_sum=key_sum,
            objects_listed=at.objects_listed + len(selected),
            objects_known=at.objects_known + len(known),
            objects_filtered=at.objects_filtered + len(page.entries) - len(chosen),
            objects_not_media=at.objects_not_media + len(chosen) - len(selected),
            bytes_listed=at.bytes_listed + sum(e.size_bytes or 0 for e in selected),
            ranges=page.left or (WHOLE,),
        )

    async def _warn_of_nothing(self, job: Job, lease: JobLease, prefix: str) -> Job:
        other = prefix_rules.other_normal_form(prefix)
        if other is not None and not await self._any_under(job, other):
            other = None
        warning = prefix_rules.nothing_listed(prefix, other=other)
        if warning in job.findings.warnings:
            return job
        return await lease.update(
            job.job_id, lambda j: _with_warnings(j, (*j.findings.warnings, warning))
        )

    async def _any_under(self, job: Job, prefix: str) -> bool:
        try:
            pages = self._objects.list_objects(job.request.bucket, prefix=prefix, start_after=None)
            return bool((await anext(aiter(pages))).entries)
        except AccessDenied:
            # The policy may allow the job's own prefixes only; then nothing is known of others.
            return False

    def _may_be_taken(self, job: Job, entry: ManifestEntry) -> bool:
        """Return whether the system may ingest the object; a listing has no content type."""
        taken = self._profile.takes(entry.key, None, job.request.ingest.file_filter)
        return taken is not Taken.NO

    def _part_bytes(self, at: Listing) -> int:
        """Return the size of the next part: the record must hold the ETags of both files."""
        part_count = len(at.manifest.part_e_tags) + len(at.known.part_e_tags)
        return part_bytes(self._tuning.manifest_part_bytes, part_count)

    def _full(self, at: Listing, files: _Files) -> bool:
        return max(files.manifest.size_bytes, files.known.size_bytes) >= self._part_bytes(at)

    async def _checkpoint(self, job: Job, lease: JobLease, at: Listing, files: _Files) -> Job:
        """Upload what fills a part, write the rest as a remainder, and record both."""

        async def saved(file: RowFile, upload: RowUpload) -> RowUpload:
            if file.size_bytes >= self._part_bytes(at):
                return await file.save_part(upload)
            return await file.save_remainder(upload, lease.token, at.objects_seen)

        manifest = await saved(files.manifest, at.manifest)
        known = await saved(files.known, at.known)
        return await self._save(job, lease, replace(at, manifest=manifest, known=known))

    async def _save(self, job: Job, lease: JobLease, at: Listing) -> Job:
        job = await lease.update(job.job_id, lambda j: replace(j, listing=at))
        self._telemetry.event(
            "listing_checkpoint",
            job_id=job.job_id,
            objects_listed=at.objects_listed,
            ranges=len(at.ranges),
        )
        return job

    async def _complete(self, job: Job, lease: JobLease, files: _Files) -> Job | None:
        at = job.listing
        ended = replace(at, manifest=RowUpload(), known=RowUpload())
        now = self._clock.now()
        for file, upload in ((files.manifest, at.manifest), (files.known, at.known)):
            if upload.upload_id is not None and not upload.part_e_tags:
                await self._abort(job, file, upload)
        if not ended.objects_listed:

            def completed(job: Job) -> Job:
                settled = replace(job, listing=ended, splitting=Splitting(done=True))
                return evolve(settled, JobCompleted(), now)

            return await lease.update(job.job_id, completed)
        # Another invocation may have started the listing, and versioning may be enabled since.
        facts = await self._objects.inspect(job.request.bucket)
        unlisted = check_bucket(job, facts)
        others = tuple(warning for warning in job.findings.warnings if warning not in unlisted)
        warnings = (*check_bucket(job, facts, listed=ended), *others)
        manifest = None
        try:
            if at.known.part_e_tags:
                await files.known.complete(at.known)
            if at.manifest.part_e_tags:
                e_tag = await files.manifest.complete(at.manifest)
                manifest = ManifestFile(key=files.manifest.key, e_tag=e_tag)
        except Conflict:
            # A late request of an attempt with an expired lease replaced a part: the upload no
            # longer has the recorded parts, and never will.
            await self._abort(job, files.manifest, at.manifest)
            await self._abort(job, files.known, at.known)
            restarted = await lease.update(job.job_id, lambda j: replace(j, listing=Listing()))
            return await self.run(restarted, lease)
        self._telemetry.count(Metric.OBJECTS_LISTED, ended.objects_listed)
        written = ManifestWritten(manifest=manifest)
        return await lease.update(
            job.job_id,
            lambda j: evolve(replace(_with_warnings(j, warnings), listing=ended), written, now),
        )

    async def _abort(self, job: Job, file: RowFile, upload: RowUpload) -> None:
        """Abort an upload that is not needed, if possible; the bucket's lifecycle does so too."""
        if upload.upload_id is None:
            return
        try:
            await self._results.abort_upload(file.key, upload.upload_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("upload_not_aborted", job_id=job.job_id, cause=cause_of(error))


def _asks_catalog(job: Job) -> bool:
    """Return whether known objects are found while listing; otherwise workers find them."""
    return job.request.options.trusts_catalog and job.request.options.discovery is Discovery.BATCH


def _with_warnings(job: Job, warnings: tuple[str, ...]) -> Job:
    return replace(job, findings=replace(job.findings, warnings=warnings))
