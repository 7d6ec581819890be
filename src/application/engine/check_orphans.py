"""Looks once more for the objects that a sync did not list, and reports those that do not exist.

An object that was uploaded since, or that the filters of the sync left out, exists. The file of
records is read from the last checkpoint on, a thousand rows at a time, and each batch is looked for
by pages of the bucket's listing. The measure, which decreases with each invocation, is what is left
of the file.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from application.engine.find_objects import ObjectFinder
from application.engine.growing_file import GrowingFile
from application.engine.work_lease import WorkLease
from application.execution.tuning import Tuning
from application.results.orphan_files import (
    PlacedOrphan,
    orphan_report_key,
    read_orphans,
    unlisted_key,
)
from domain.job import Job
from domain.limits import OBJECT_KEY_BYTES_MAX
from domain.orphan_rows import HEADER, OrphanRow, encode_orphan
from domain.orphan_work import OrphanWork, check_again
from ports.errors import Conflict
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore


class CheckOrphans:
    """Takes a search from the list of what must be looked for to its report."""

    def __init__(self, *, objects: ObjectStore, results: ResultsStore, tuning: Tuning) -> None:
        self._objects = objects
        self._results = results
        self._tuning = tuning

    async def run(self, job: Job, lease: WorkLease[OrphanWork]) -> Job | None:
        """Look for every unlisted object; None if the deadline came first, with a checkpoint.

        Raises:
            LeaseLost: the lease is lost.
            NotFound, CorruptData: a file of the search is gone, or cannot be read.
            Retryable, AccessDenied, Misconfigured: the bucket cannot be listed.
        """
        at = lease.check(job)
        report = GrowingFile(
            self._results,
            orphan_report_key(job.job_id, at.number),
            at.report,
            first_part_bytes=self._tuning.manifest_part_bytes,
            header=HEADER,
        )
        await report.open()
        async with aclosing(self._batches(job, at)) as batches:
            async for batch in batches:
                if lease.ending:
                    return None
                rows = [row for row, _ in batch]
                orphans = await self._orphans_of(job, rows)
                report.add(b"".join(map(encode_orphan, orphans)))
                counts = replace(
                    at.counts,
                    existing=at.counts.existing + len(rows) - len(orphans),
                    orphans=at.counts.orphans + len(orphans),
                )
                at = replace(at, counts=counts, position=batch[-1].position)
                await report.checkpoint(lease.token, at.position)
                job = await self._save(job, at, report, lease)
        await report.last_part()
        job = await self._save(job, at, report, lease)
        try:
            await report.complete()
        except Conflict:
            # A late request of an attempt with an expired lease replaced a part.
            job = await lease.update(job.job_id, check_again)
            return await self.run(job, lease)
        return job

    async def _save(
        self, job: Job, at: OrphanWork, report: GrowingFile, lease: WorkLease[OrphanWork]
    ) -> Job:
        return await lease.update(
            job.job_id,
            lambda work: replace(
                work, position=at.position, counts=at.counts, report=report.upload
            ),
        )

    async def _batches(self, job: Job, at: OrphanWork) -> AsyncGenerator[list[PlacedOrphan], None]:
        batch: list[PlacedOrphan] = []
        key = unlisted_key(job.job_id, at.number)
        async with aclosing(read_orphans(self._results, key, position=at.position)) as rows:
            async for placed in rows:
                batch.append(placed)
                if len(batch) == self._tuning.looked_for_count:
                    yield batch
                    batch = []
        if batch:
            yield batch

    async def _orphans_of(self, job: Job, rows: Sequence[OrphanRow]) -> list[OrphanRow]:
        """Return the rows whose objects do not exist now."""
        finder = ObjectFinder(
            self._objects,
            job.request.bucket,
            job.request.options.prefixes,
            in_flight=self._tuning.calls_in_flight,
        )
        # Several records may be about one object. S3 refuses requests with keys that are too long.
        keys = dict.fromkeys(row.key for row in rows)
        found = await finder.find(
            [key for key in keys if len(key.encode()) <= OBJECT_KEY_BYTES_MAX]
        )
        return [row for row in rows if row.key not in found]
