"""Lists a bucket into the manifest: streamed, checkpointed, and resumable after an interruption.

The manifest is a multipart upload. A checkpoint in the job's record has the last key that was
listed, the ETags of the parts, and the key of the remainder: a file with the rows since the last
part, because a part has a minimum size. A checkpoint is written with each part, every
`checkpoint_after_s` seconds, and at the deadline. A later invocation reads the remainder and
resumes after the last key. The upload is completed with the recorded ETags, so S3 refuses a part
that another process sent in the meantime.

A remainder is written before the record names it, each under its own key: a process that dies
between the two, or whose lease expired, leaves a file that no process reads.

Listing is a loop over invocations. Its measure, which decreases with each, is the number of keys
after the checkpoint: an invocation that ends at its deadline has listed at least one page. Only a
part that a process with an expired lease sent late makes the listing start again, with a new upload
that the late process does not know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

from application.engine.ingest_watch import IngestWatch
from application.engine.job_lease import JobLease
from application.execution.tuning import Tuning
from application.results.failure_records import cause_of
from application.results.files import listing_rest_key, manifest_key
from domain import prefixes as prefix_rules
from domain.bucket_check import check_bucket
from domain.file_types import Taken
from domain.item_sizes import part_bytes
from domain.job import (
    Discovery,
    Job,
    JobCompleted,
    Listing,
    ManifestFile,
    ManifestWritten,
    Splitting,
    evolve,
)
from domain.key_sum import with_key
from domain.manifest import ManifestEntry, encode_row
from domain.profile import Profile
from domain.selection import Selection
from ports.clock import Clock
from ports.errors import AccessDenied, Conflict, NotFound, Refused
from ports.object_store import ListedPage, ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Metric, Telemetry


class ListBucket:
    """Takes a job from INITIALIZING to DISCOVERING, or to COMPLETED if no object is selected."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        results: ResultsStore,
        ingest_watch: IngestWatch,
        profile: Profile,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
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
            NotFound: the remainder that the record names does not exist.
            Misconfigured, AccessDenied: the bucket cannot be listed.
            UnsupportedBucket: a sync cannot keep its guarantees in this bucket.
            ManifestTooLarge: there are more objects than one job can list.
        """
        key = manifest_key(job.job_id)
        if job.listing.upload_id is None:
            warnings = check_bucket(job, await self._objects.inspect(job.bucket))
            queue, queue_warnings = await self._ingest_watch.look(job)
            upload_id = await self._results.create_upload(key)
            started = replace(Listing(), upload_id=upload_id)
            job = await lease.update(
                job.job_id,
                lambda j: replace(
                    j,
                    listing=started,
                    warnings=(*warnings, *queue_warnings),
                    queue=queue,
                ),
            )
        prefixes = prefix_rules.normalise(job.options.prefixes) or ("",)
        if job.listing.prefix_index < len(prefixes) or job.listing.rest_key is not None:
            listed = await self._list(job, lease, prefixes, key)
            if listed is None:
                return None
            job = listed
        return await self._complete(job, lease, key)

    async def _list(
        self, job: Job, lease: JobLease, prefixes: tuple[str, ...], key: str
    ) -> Job | None:
        margin = timedelta(seconds=self._tuning.modified_since_margin_s)
        selection = Selection.of(
            job.options.include, job.options.exclude, job.options.modified_since, margin
        )
        at = job.listing
        rows = bytearray(await self._results.get(at.rest_key) if at.rest_key else b"")
        # Only workers compare ETags. A batch job's manifest has the columns that its request names.
        with_e_tags = job.options.trusts_catalog and job.options.discovery is Discovery.DIRECT
        saved_at = self._clock.now()
        for index in range(at.prefix_index, len(prefixes)):
            async for listed in self._pages(job, prefixes[index], at):
                page = listed.entries
                chosen = [entry for entry in page if selection.selects(entry)]
                selected = [entry for entry in chosen if self._may_be_taken(job, entry)]
                key_sum = at.key_sum
                for entry in selected:
                    rows += encode_row(job.bucket.name, entry, with_e_tag=with_e_tags)
                    key_sum = with_key(key_sum, entry.key)
                at = replace(
                    at,
                    key_sum=key_sum,
                    objects_listed=at.objects_listed + len(selected),
                    objects_filtered=at.objects_filtered + len(page) - len(chosen),
                    objects_not_media=at.objects_not_media + len(chosen) - len(selected),
                    bytes_listed=at.bytes_listed + sum(e.size_bytes or 0 for e in selected),
                    last_key=page[-1].key if page else at.last_key,
                    token=None if page else listed.token,
                )
                if listed.token is None:
                    if at.last_key is None and prefixes[index]:
                        job = await self._warn_of_nothing(job, lease, prefixes[index])
                    at = replace(at, prefix_index=index + 1, last_key=None)
                if len(rows) >= part_bytes(self._tuning.manifest_part_bytes, len(at.part_e_tags)):
                    job = await self._save_part(job, lease, at, bytes(rows), key)
                    at = job.listing
                    rows.clear()
                    saved_at = self._clock.now()
                ending = lease.deadline.near(self._tuning.stop_margin_s)
                age_s = (self._clock.now() - saved_at).total_seconds()
                if ending or age_s >= self._tuning.checkpoint_after_s:
                    job = await self._save_remainder(job, lease, at, bytes(rows))
                    at = job.listing
                    saved_at = self._clock.now()
                if ending:
                    return None
        return await self._save_part(job, lease, at, bytes(rows), key)

    async def _pages(self, job: Job, prefix: str, at: Listing) -> AsyncIterator[ListedPage]:
        """Yield the pages after the checkpoint: after a key, or after empty pages."""
        if at.token is not None:
            pages = self._objects.list_objects(
                job.bucket, prefix=prefix, start_after=at.last_key, token=at.token
            )
            try:
                first = await anext(pages)
            except Refused as error:
                self._telemetry.warning(
                    "listing_token_refused", job_id=job.job_id, cause=cause_of(error)
                )
            else:
                yield first
                async for page in pages:
                    yield page
                return
        async for page in self._objects.list_objects(
            job.bucket, prefix=prefix, start_after=at.last_key
        ):
            yield page

    async def _warn_of_nothing(self, job: Job, lease: JobLease, prefix: str) -> Job:
        other = prefix_rules.other_normal_form(prefix)
        if other is not None and not await self._any_under(job, other):
            other = None
        warning = prefix_rules.nothing_listed(prefix, other=other)
        if warning in job.warnings:
            return job
        return await lease.update(job.job_id, lambda j: replace(j, warnings=(*j.warnings, warning)))

    async def _any_under(self, job: Job, prefix: str) -> bool:
        try:
            pages = self._objects.list_objects(job.bucket, prefix=prefix, start_after=None)
            return bool((await anext(aiter(pages))).entries)
        except AccessDenied:
            # The policy may allow the job's own prefixes only; then nothing is known of others.
            return False

    def _may_be_taken(self, job: Job, entry: ManifestEntry) -> bool:
        """Return whether the system may ingest the object; a listing has no content type."""
        taken = self._profile.takes(entry.key, None, job.ingest.file_filter)
        return taken is not Taken.NO

    async def _save_part(
        self, job: Job, lease: JobLease, at: Listing, rows: bytes, key: str
    ) -> Job:
        """Upload the rows, if any, as a part of the manifest, and write a checkpoint."""
        if rows:
            upload_id = at.upload_id or ""
            e_tag = await self._results.upload_part(key, upload_id, len(at.part_e_tags) + 1, rows)
            at = replace(at, part_e_tags=(*at.part_e_tags, e_tag))
        return await self._save(job, lease, replace(at, rest_key=None))

    async def _save_remainder(self, job: Job, lease: JobLease, at: Listing, rows: bytes) -> Job:
        """Write the rows, if any, as the remainder, and write a checkpoint.

        The key is unique: it has the lease's token, and the number of keys that were listed.
        Between two remainders of one invocation other keys were listed.
        """
        rest_key = None
        if rows:
            rest_key = listing_rest_key(job.job_id, lease.token, at.objects_seen)
            await self._results.put(rest_key, rows)
        return await self._save(job, lease, replace(at, rest_key=rest_key))

    async def _save(self, job: Job, lease: JobLease, at: Listing) -> Job:
        job = await lease.update(job.job_id, lambda j: replace(j, listing=at))
        self._telemetry.event(
            "listing_checkpoint", job_id=job.job_id, objects_listed=at.objects_listed
        )
        return job

    async def _complete(self, job: Job, lease: JobLease, key: str) -> Job | None:
        upload_id = job.listing.upload_id or ""
        ended = replace(job.listing, upload_id=None, part_e_tags=())
        now = self._clock.now()
        if not job.listing.part_e_tags:
            await self._abort(job, key, upload_id)

            def completed(job: Job) -> Job:
                settled = replace(job, listing=ended, splitting=Splitting(done=True))
                return evolve(settled, JobCompleted(), now)

            return await lease.update(job.job_id, completed)
        # Another invocation may have started the listing, and versioning may be enabled since.
        facts = await self._objects.inspect(job.bucket)
        unlisted = check_bucket(job, facts)
        others = tuple(warning for warning in job.warnings if warning not in unlisted)
        warnings = (*check_bucket(job, facts, listed=ended), *others)
        try:
            e_tag = await self._results.complete_upload(key, upload_id, job.listing.part_e_tags)
        except NotFound:
            # An earlier attempt completed the upload and died before it recorded that.
            e_tag = await self._results.e_tag(key)
        except Conflict:
            # A late request of an attempt with an expired lease replaced a part: the upload no
            # longer has the recorded parts, and never will.
            await self._abort(job, key, upload_id)
            restarted = await lease.update(job.job_id, lambda j: replace(j, listing=Listing()))
            return await self.run(restarted, lease)
        self._telemetry.count(Metric.OBJECTS_LISTED, ended.objects_listed)
        written = ManifestWritten(manifest=ManifestFile(key=key, e_tag=e_tag))
        return await lease.update(
            job.job_id,
            lambda j: evolve(replace(j, listing=ended, warnings=warnings), written, now),
        )

    async def _abort(self, job: Job, key: str, upload_id: str) -> None:
        """Abort an upload that is not needed, if possible; the bucket's lifecycle does so too."""
        try:
            await self._results.abort_upload(key, upload_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("upload_not_aborted", job_id=job.job_id, cause=cause_of(error))
