"""Lists into the manifest of a batch job, with checkpoints (`row_file`).

A checkpoint in the job's record has the ranges that are left to list, and the progress of the file.
It is written with each part, every `checkpoint_after_s` seconds, and at the deadline. A later
invocation reads the remainder and continues with the ranges.

In a job that relies on the catalog, the catalog is asked for each page. Objects that are known as
listed go to a file of their own: they need no task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from application.engine.job_lease import JobLease
from application.engine.key_range_streams import TakenPage
from application.engine.row_file import RowFile
from application.execution.tuning import Tuning
from application.known_objects import KnownObjects
from application.results.failure_records import cause_of
from application.results.files import known_key, manifest_key
from domain.item_sizes import part_bytes
from domain.job import Job, ManifestFile, ManifestWritten, evolve
from domain.key_sum import with_key
from domain.listing import Listing, RowUpload
from domain.manifest import ManifestEntry, encode_row
from domain.verification import encode_known
from ports.clock import Clock
from ports.errors import Conflict
from ports.results_store import ResultsStore
from ports.telemetry import Telemetry


class ManifestOutput:
    """The manifest, and the file of known objects: a `ListingOutput`."""

    def __init__(
        self,
        *,
        job: Job,
        lease: JobLease,
        results: ResultsStore,
        known_objects: KnownObjects,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._lease = lease
        self._results = results
        self._known_objects = known_objects
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning
        self._manifest = RowFile(results, manifest_key(job.job_id))
        self._known = RowFile(results, known_key(job.job_id))

    async def begin(self, job: Job) -> Listing:
        """Create the uploads, or read the remainders of an earlier invocation.

        Raises:
            NotFound: a remainder that the record names does not exist.
        """
        at = job.listing
        if at.manifest.upload_id is not None:
            await self._manifest.resume(at.manifest)
            await self._known.resume(at.known)
            return at
        upload_id = await self._results.create_upload(self._manifest.key)
        started = replace(at, manifest=RowUpload(upload_id=upload_id), e_tags=True)
        if job.request.options.trusts_catalog:
            upload_id = await self._results.create_upload(self._known.key)
            started = replace(started, known=RowUpload(upload_id=upload_id))
        return started

    async def add(
        self, job: Job, at: Listing, page: TakenPage, selected: Sequence[ManifestEntry]
    ) -> Listing:
        """Add a row for each entry, to the one file or the other."""
        trusts_catalog = job.request.options.trusts_catalog
        known = await self._known_objects.among(job, selected) if trusts_catalog else {}
        key_sum = at.key_sum
        rows, known_rows = bytearray(), bytearray()
        for entry in selected:
            if entry.key in known:
                known_rows += encode_known(known[entry.key], entry)
            else:
                rows += encode_row(job.request.bucket.name, entry, with_e_tag=at.e_tags)
            key_sum = with_key(key_sum, entry.key)
        if selected:
            self._manifest.add_page(selected[0].key, bytes(rows))
            self._known.add_page(selected[0].key, bytes(known_rows))
        return replace(at, key_sum=key_sum, objects_known=at.objects_known + len(known))

    def is_due(self, job: Job, at: Listing) -> bool:
        """Return whether the rows of a file fill a part."""
        return max(self._manifest.size_bytes, self._known.size_bytes) >= self._part_bytes(at)

    async def save(self, job: Job, at: Listing) -> Job:
        """Upload what fills a part, write the rest as a remainder, and record both."""

        async def saved(file: RowFile, upload: RowUpload) -> RowUpload:
            if file.size_bytes >= self._part_bytes(at):
                return await file.save_part(upload)
            return await file.save_remainder(upload, self._lease.token, at.objects_seen)

        manifest = await saved(self._manifest, at.manifest)
        known = await saved(self._known, at.known)
        return await self._record(job, replace(at, manifest=manifest, known=known))

    async def discard(self, job: Job, at: Listing) -> None:
        """Abort the uploads."""
        await self._abort(job, self._manifest, at.manifest)
        await self._abort(job, self._known, at.known)

    async def complete(self, job: Job, at: Listing, warnings: tuple[str, ...]) -> Job | None:
        """Upload the rest and complete the files; None if a part was replaced in the meantime."""
        manifest = await self._manifest.save_part(at.manifest)
        known = await self._known.save_part(at.known)
        at = replace(at, manifest=manifest, known=known)
        if at != job.listing:
            # The invocation that completes the uploads must know their parts.
            job = await self._record(job, at)
        for file, upload in ((self._manifest, manifest), (self._known, known)):
            if not upload.part_e_tags:
                await self._abort(job, file, upload)
        finished = None
        try:
            if known.part_e_tags:
                await self._known.complete(known)
            if manifest.part_e_tags:
                e_tag = await self._manifest.complete(manifest)
                finished = ManifestFile(key=self._manifest.key, e_tag=e_tag, row_e_tags=at.e_tags)
        except Conflict:
            # A late request of an attempt with an expired lease replaced a part: the upload no
            # longer has the recorded parts, and never will.
            await self.discard(job, at)
            return None
        ended = replace(at, manifest=RowUpload(), known=RowUpload())

        def written(job: Job) -> Job:
            findings = replace(job.findings, warnings=warnings)
            listed = replace(job, listing=ended, findings=findings)
            return evolve(listed, ManifestWritten(manifest=finished), self._clock.now())

        return await self._lease.update(job.job_id, written)

    async def _record(self, job: Job, at: Listing) -> Job:
        return await self._lease.update(job.job_id, lambda j: replace(j, listing=at))

    def _part_bytes(self, at: Listing) -> int:
        """Return the size of the next part: the record must hold the ETags of both files."""
        part_count = len(at.manifest.part_e_tags) + len(at.known.part_e_tags)
        return part_bytes(self._tuning.manifest_part_bytes, part_count)

    async def _abort(self, job: Job, file: RowFile, upload: RowUpload) -> None:
        """Abort an upload that is not needed, if possible; the bucket's lifecycle does so too."""
        if upload.upload_id is None:
            return
        try:
            await self._results.abort_upload(file.key, upload.upload_id)
        except Exception as error:  # noqa: BLE001 - reported
            self._telemetry.warning("upload_not_aborted", job_id=job.job_id, cause=cause_of(error))
