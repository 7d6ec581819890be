"""Compares the sorted records of the catalog with what a sync listed, side by side, by key.

Memory has a stretch of each run of records and one block of the index. A checkpoint in the record
has how many bytes of each run are compared, the last key, and the progress of the file of records
whose objects were not listed. The measure, which decreases with each invocation, is what is left of
the runs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from application.engine.growing_file import GrowingFile
from application.engine.merge_runs import RunMerge
from application.engine.work_lease import WorkLease
from application.execution.tuning import Tuning
from application.results.orphan_files import records_key, unlisted_key
from application.results.outcome_index import IndexReader
from domain.job import Job
from domain.orphan_rows import HEADER, report_line, sorted_key
from domain.orphan_work import OrphanWork, compare_again
from ports.clock import Clock
from ports.errors import Conflict
from ports.results_store import ResultsStore

MERGE_BYTES: Final = 16 * 1024**2
"""How many bytes of all runs are in memory, about; at least 64 KiB of each."""


class ListedKeys:
    """Keys that were listed, of which some are asked for; both in ascending order."""

    def __init__(self, keys: AsyncIterator[str]) -> None:
        self._keys = keys
        self._at: str | None = ""

    async def has(self, key: str) -> bool:
        """Return whether the key was listed; no later key may be below it."""
        while self._at is not None and self._at < key:
            self._at = await anext(self._keys, None)
        return self._at == key


class CompareRecords:
    """Takes a search from the end of the scan to the list of what must be looked for."""

    def __init__(
        self, *, results: ResultsStore, index_reader: IndexReader, clock: Clock, tuning: Tuning
    ) -> None:
        self._results = results
        self._index = index_reader
        self._clock = clock
        self._tuning = tuning

    async def run(self, job: Job, lease: WorkLease[OrphanWork]) -> Job | None:
        """Compare to the last record; None if the deadline came first, with a checkpoint.

        Raises:
            LeaseLost: the lease is lost.
            NotFound: the index of the job, or a file of the search, is gone.
            CorruptData: a file cannot be read.
        """
        at = lease.check(job)
        unlisted = GrowingFile(
            self._results,
            unlisted_key(job.job_id, at.number),
            at.unlisted,
            first_part_bytes=self._tuning.manifest_part_bytes,
            header=HEADER,
        )
        await unlisted.open()
        merge = RunMerge(
            self._results,
            at.runs,
            key_of=partial(records_key, job.job_id, at.number),
            memory_bytes=MERGE_BYTES,
        )
        due = self._due()
        async with aclosing(self._listed(job, at)) as listed:
            keys = ListedKeys(listed)
            async for portion in merge.portions():
                at = replace(await self._compared(at, portion, keys, unlisted), runs=merge.runs)
                if lease.ending or unlisted.full or self._clock.now() >= due:
                    await unlisted.checkpoint(lease.token, _done_bytes(at))
                    job = await self._save(job, at, unlisted, lease)
                    due = self._due()
                    if lease.ending:
                        return None
        await unlisted.last_part()
        job = await self._save(job, at, unlisted, lease)
        try:
            await unlisted.complete()
        except Conflict:
            # A late request of an attempt with an expired lease replaced a part.
            job = await lease.update(job.job_id, compare_again)
            return await self.run(job, lease)
        return job

    async def _compared(
        self, at: OrphanWork, portion: list[bytes], keys: ListedKeys, unlisted: GrowingFile
    ) -> OrphanWork:
        """Return the progress after some records, whose lines are in the file if they need it."""
        count, key = 0, at.after
        for line in portion:
            key = sorted_key(line)
            if not await keys.has(key):
                unlisted.add(report_line(key, line))
                count += 1
        counts = replace(at.counts, unlisted=at.counts.unlisted + count)
        return replace(at, after=key, counts=counts)

    async def _listed(self, job: Job, at: OrphanWork) -> AsyncGenerator[str, None]:
        if at.index_number is None:
            return
        rows = self._index.rows(job.job_id, at.index_number, after=at.after)
        async with aclosing(rows):
            async for key, _ in rows:
                yield key

    async def _save(
        self, job: Job, at: OrphanWork, unlisted: GrowingFile, lease: WorkLease[OrphanWork]
    ) -> Job:
        return await lease.update(
            job.job_id,
            lambda work: replace(
                work, after=at.after, runs=at.runs, counts=at.counts, unlisted=unlisted.upload
            ),
        )

    def _due(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._tuning.checkpoint_after_s)


def _done_bytes(at: OrphanWork) -> int:
    return sum(run.merged_bytes for run in at.runs)
