"""Scans the catalog for records of a job's bucket and prefixes, and writes them as sorted runs.

Some segments are read at once. What was read is sorted in memory and written as a run whenever it
is large enough, every `checkpoint_after_s` seconds, and at the deadline. The run and the places in
all segments are recorded in one write, so each record is in one run. The measure, which decreases
with each invocation, is what is left of the scan.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from application.engine.work_lease import WorkEnds, WorkLease
from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.results.orphan_files import records_key
from domain.job import Job
from domain.orphan_rows import encode_sorted, row_of_record
from domain.orphan_work import OrphanWork
from domain.prefixes import listed_prefixes
from domain.snapshot import Segment
from domain.sorted_run import Run
from ports.catalog_scan import CatalogScan, ScanPage
from ports.clock import Clock
from ports.errors import AccessDenied
from ports.results_store import ResultsStore


class ScanRecords:
    """Takes a search from its beginning to the end of the scan."""

    def __init__(
        self, *, catalog_scan: CatalogScan, results: ResultsStore, clock: Clock, tuning: Tuning
    ) -> None:
        self._scan = catalog_scan
        self._results = results
        self._clock = clock
        self._tuning = tuning

    async def run(self, job: Job, lease: WorkLease[OrphanWork]) -> Job | None:
        """Scan to the end; None if the deadline came first, with a checkpoint.

        Raises:
            LeaseLost: the lease is lost.
            WorkEnds: the role may not scan the catalog.
            Retryable, Misconfigured, CorruptData: the catalog cannot be read.
        """
        work = lease.check(job)
        while not all(segment.done for segment in work.segments):
            if lease.ending:
                return None
            job = await self._record(job, await self._next_run(job, work, lease), lease)
            work = lease.check(job)
        return job

    async def _record(self, job: Job, scanned: OrphanWork, lease: WorkLease[OrphanWork]) -> Job:
        return await lease.update(
            job.job_id,
            lambda work: replace(
                work, segments=scanned.segments, runs=scanned.runs, counts=scanned.counts
            ),
        )

    async def _next_run(
        self, job: Job, work: OrphanWork, lease: WorkLease[OrphanWork]
    ) -> OrphanWork:
        """Scan until there is enough for a run, or time for a checkpoint; write the run."""
        segments, counts = list(work.segments), work.counts
        bucket_name = job.request.bucket.name
        prefixes = listed_prefixes(job.request.options.prefixes)
        lines: list[bytes] = []
        size_bytes = 0
        until = self._clock.now() + timedelta(seconds=self._tuning.checkpoint_after_s)

        async def read(number: int) -> None:
            nonlocal size_bytes, counts
            page = await self._page(number, segments[number], len(segments))
            # No other task runs between these lines: rows, counts and places agree.
            rows = [row_of_record(each, bucket_name, prefixes) for each in page.records]
            found = [encode_sorted(row) for row in rows if row is not None]
            lines.extend(found)
            size_bytes += sum(map(len, found))
            counts = replace(
                counts,
                scanned=counts.scanned + len(page.records),
                without_path=counts.without_path
                + sum(each.storage_path is None for each in page.records),
                in_scope=counts.in_scope + len(found),
            )
            segments[number] = Segment(cursor=page.cursor, done=page.cursor is None)

        while left := [number for number, each in enumerate(segments) if not each.done]:
            await fan_out(left, read, limit=len(left))
            full = size_bytes >= self._tuning.snapshot_run_bytes
            if full or lease.ending or self._clock.now() >= until:
                break
        work = replace(work, segments=tuple(segments), counts=counts)
        if not lines:
            return work
        lines.sort()
        run = Run(name=f"{lease.token}-{len(work.runs)}", size_bytes=size_bytes)
        key = records_key(job.job_id, work.number, run.name)
        await self._results.put(key, b"".join(lines))
        return replace(work, runs=(*work.runs, run))

    async def _page(self, number: int, segment: Segment, segment_count: int) -> ScanPage:
        try:
            return await self._scan.page(
                segment=number, segment_count=segment_count, cursor=segment.cursor
            )
        except AccessDenied as error:
            raise WorkEnds(
                f"the catalog cannot be read as a whole: {error}. Allow the role of the engine"
                ' {"Effect": "Allow", "Action": ["dynamodb:Scan"], "Resource": the ARN of the'
                " catalog's table}, for instance by a deployment with catalog_snapshots=true, and"
                " ask for the orphans again"
            ) from error
