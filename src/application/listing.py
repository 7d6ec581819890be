"""Listing a bucket into the manifest: streamed, checkpointed, and gone on with after any break.

The manifest is a multipart upload. Each finished part is a checkpoint in the job's record: the
part's ETag and the last key that is in it. A later invocation lists on from that key. Parts are
completed by the recorded ETags, so a part that somebody else sent meanwhile is refused and not
mixed in.
"""

from __future__ import annotations

from dataclasses import replace

from application.files import manifest_key
from application.ingest_watch import IngestWatch
from application.policy import Policy
from application.work import Work
from domain import prefixes as prefix_rules
from domain.bucket_check import check_bucket
from domain.file_types import Taken
from domain.job import Job, JobCompleted, Listing, ManifestFile, ManifestWritten, Splitting, evolve
from domain.manifest import ManifestEntry, encode_row
from domain.profile import Profile
from domain.selection import Selection
from ports.clock import Clock
from ports.errors import AccessDenied, Conflict, NotFound
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Metric, Telemetry


class ListBucket:
    """Takes a job from INITIALIZING to DISCOVERING, or to COMPLETED if there is nothing to do."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        results: ResultsStore,
        ingest_watch: IngestWatch,
        profile: Profile,
        clock: Clock,
        telemetry: Telemetry,
        policy: Policy,
    ) -> None:
        self._ingest_watch = ingest_watch
        self._profile = profile
        self._objects = objects
        self._results = results
        self._clock = clock
        self._telemetry = telemetry
        self._policy = policy

    async def run(self, job: Job, work: Work) -> Job | None:
        """List until the end, or None if the deadline came first (what is checkpointed is kept).

        Raises:
            WorkLost: the job is not ours any more.
            Misconfigured, AccessDenied: the bucket cannot be listed.
            UnsupportedBucket: a sync could not do there what it promises.
        """
        key = manifest_key(job.job_id)
        if job.listing.upload_id is None:
            warnings = check_bucket(job, await self._objects.inspect(job.bucket))
            queue = await self._ingest_watch.look(job)
            upload_id = await self._results.begin_upload(key)
            begun = replace(Listing(), upload_id=upload_id)
            job = await work.update(
                job.job_id,
                lambda j: replace(
                    j,
                    listing=begun,
                    warnings=(*warnings, *queue.warnings),
                    queue_known=queue.known,
                    queue_empty_at=queue.empty_at,
                ),
            )
        prefixes = prefix_rules.normalise(job.options.prefixes) or ("",)
        if job.listing.prefix_index < len(prefixes):
            listed = await self._list(job, work, prefixes, key)
            if listed is None:
                return None
            job = listed
        return await self._complete(job, work, key)

    async def _list(self, job: Job, work: Work, prefixes: tuple[str, ...], key: str) -> Job | None:
        selection = Selection.of(
            job.options.include, job.options.exclude, job.options.modified_since
        )
        rows = bytearray()
        at = job.listing
        for index in range(at.prefix_index, len(prefixes)):
            start_after = at.last_key if index == at.prefix_index else None
            at = replace(at, prefix_index=index, last_key=start_after)
            pages = self._objects.list_objects(
                job.bucket, prefix=prefixes[index], start_after=start_after
            )
            async for page in pages:
                chosen = [entry for entry in page if selection.selects(entry)]
                selected = [entry for entry in chosen if self._may_be_taken(job, entry)]
                for entry in selected:
                    rows += encode_row(job.bucket.name, entry)
                at = replace(
                    at,
                    objects_listed=at.objects_listed + len(selected),
                    objects_filtered=at.objects_filtered + len(page) - len(chosen),
                    objects_not_media=at.objects_not_media + len(chosen) - len(selected),
                    bytes_listed=at.bytes_listed + sum(e.size_bytes or 0 for e in selected),
                    last_key=page[-1].key if page else at.last_key,
                )
                if len(rows) >= self._policy.manifest_part_bytes:
                    job = await self._checkpoint(job, work, at, bytes(rows), key)
                    at = job.listing
                    rows.clear()
                if work.deadline.near(self._policy.stop_margin_s):
                    return None
            if at.last_key is None and prefixes[index]:
                job = await self._warn_of_nothing(job, work, prefixes[index])
        at = replace(at, prefix_index=len(prefixes), last_key=None)
        return await self._checkpoint(job, work, at, bytes(rows), key)

    async def _warn_of_nothing(self, job: Job, work: Work, prefix: str) -> Job:
        other = prefix_rules.other_normal_form(prefix)
        if other is not None and not await self._any_under(job, other):
            other = None
        warning = prefix_rules.nothing_listed(prefix, other=other)
        if warning in job.warnings:
            return job
        return await work.update(job.job_id, lambda j: replace(j, warnings=(*j.warnings, warning)))

    async def _any_under(self, job: Job, prefix: str) -> bool:
        try:
            pages = self._objects.list_objects(job.bucket, prefix=prefix, start_after=None)
            return bool(await anext(aiter(pages), ()))
        except AccessDenied:
            # Rights may be for the job's own prefixes only; then there is nothing to say of others.
            return False

    def _may_be_taken(self, job: Job, entry: ManifestEntry) -> bool:
        """Tell whether the system may take the object; a listing shows no content type."""
        taken = self._profile.takes(entry.key, None, job.ingest.file_filter)
        return taken is not Taken.NO

    async def _checkpoint(self, job: Job, work: Work, at: Listing, rows: bytes, key: str) -> Job:
        if rows:
            upload_id = at.upload_id or ""
            e_tag = await self._results.upload_part(key, upload_id, len(at.part_e_tags) + 1, rows)
            at = replace(at, part_e_tags=(*at.part_e_tags, e_tag))
        job = await work.update(job.job_id, lambda j: replace(j, listing=at))
        self._telemetry.event(
            "listing_checkpoint", job_id=job.job_id, objects_listed=at.objects_listed
        )
        return job

    async def _complete(self, job: Job, work: Work, key: str) -> Job | None:
        upload_id = job.listing.upload_id or ""
        ended = replace(job.listing, upload_id=None, part_e_tags=())
        now = self._clock.now()
        if not job.listing.part_e_tags:
            await self._results.abort_upload(key, upload_id)

            def completed(job: Job) -> Job:
                settled = replace(job, listing=ended, splitting=Splitting(done=True))
                return evolve(settled, JobCompleted(), now)

            return await work.update(job.job_id, completed)
        # Another invocation may have begun, and versioning may have been switched on since.
        facts = await self._objects.inspect(job.bucket)
        unlisted = check_bucket(job, facts)
        others = tuple(warning for warning in job.warnings if warning not in unlisted)
        warnings = (*check_bucket(job, facts, listed=ended), *others)
        try:
            e_tag = await self._results.complete_upload(key, upload_id, job.listing.part_e_tags)
        except NotFound:
            # An earlier attempt completed the upload and died before it wrote that down.
            e_tag = await self._results.e_tag(key)
        except Conflict:
            # The request of an attempt that was given up for dead arrived after its part had been
            # sent anew: the upload does not hold what is recorded of it, and never will.
            await self._results.abort_upload(key, upload_id)
            anew = await work.update(job.job_id, lambda j: replace(j, listing=Listing()))
            return await self.run(anew, work)
        self._telemetry.count(Metric.OBJECTS_LISTED, ended.objects_listed)
        written = ManifestWritten(manifest=ManifestFile(key=key, e_tag=e_tag))
        return await work.update(
            job.job_id,
            lambda j: evolve(replace(j, listing=ended, warnings=warnings), written, now),
        )
