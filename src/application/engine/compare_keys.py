"""Compares the keys of two syncs: two streams in the order of their keys, read side by side.

Memory has one block of each stream. A checkpoint in the record has the last key up to which both
sides were compared, the counts, and the progress of two files: the objects that are missing, and
those that were added, among which moved objects are looked for later. The measure, which decreases
with each invocation, is the number of keys above that key.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from application.engine.growing_file import GrowingFile
from application.engine.work_lease import WorkLease
from application.execution.tuning import Tuning
from application.results.outcome_index import IndexReader
from application.results.removal_files import added_key, missing_key, read_removals
from domain.job import Job
from domain.listing import RowUpload
from domain.moved_objects import content_of
from domain.outcome import OutcomeKind
from domain.removal_rows import RemovalRow, encode_removal, row_of
from domain.removal_settings import Baseline
from domain.removal_work import ComparedFiles, RemovalCounts, RemovalWork
from ports.clock import Clock
from ports.errors import Conflict, NotFound
from ports.results_store import ResultsStore

_ADDED_KEPT_MAX: Final = 2_000_000
"""Added objects that are written; among more of them no moved object is looked for."""


class _Seen(NamedTuple):
    """A key of a sync: its line in the job's index, or the row that was carried over.

    Lines are parsed only where the other sync does not have the key.
    """

    key: str
    job_id: str
    line: bytes
    carried: RemovalRow | None = None


class BaselineGone(Exception):
    """The files of the sync before were removed, by the bucket's lifecycle or by its owner."""


class CompareKeys:
    """Takes a comparison from its beginning to the guard."""

    def __init__(
        self, *, results: ResultsStore, index_reader: IndexReader, clock: Clock, tuning: Tuning
    ) -> None:
        self._results = results
        self._index = index_reader
        self._clock = clock
        self._tuning = tuning

    async def run(self, job: Job, baseline: Baseline, lease: WorkLease[RemovalWork]) -> Job | None:
        """Compare to the last key; None if the deadline came first, with a checkpoint.

        Raises:
            LeaseLost: the lease is lost.
            BaselineGone: the files of the sync before are gone.
            NotFound: those of this one are.
            CorruptData: a file cannot be read.
        """
        at = lease.check(job)
        missing = self._file(missing_key(job.job_id), at.files.missing)
        added = self._file(added_key(job.job_id), at.files.added)
        for file in (missing, added):
            await file.open()
        due, number = self._due(), 0
        async with aclosing(self._pairs(job, at, baseline)) as pairs:
            async for before, now in pairs:
                at = self._taken(at, before, now, missing, added)
                number += 1
                full = missing.full or added.full
                if number % self._tuning.keys_per_look and not full:
                    continue
                if lease.ending or full or self._clock.now() >= due:
                    for file in (missing, added):
                        await file.checkpoint(lease.token, at.counts.seen_before + number)
                    at = lease.check(await self._save(job, at, missing, added, lease))
                    due = self._due()
                    if lease.ending:
                        return None
        for file in (missing, added):
            await file.last_part()
        job = await self._save(job, at, missing, added, lease)
        try:
            for file in (missing, added):
                await file.complete()
        except Conflict:
            # A late request of an attempt with an expired lease replaced a part.
            job = await lease.update(job.job_id, _from_the_first_key)
            return await self.run(job, baseline, lease)
        return job

    def _file(self, key: str, upload: RowUpload) -> GrowingFile:
        part_bytes = self._tuning.manifest_part_bytes
        return GrowingFile(self._results, key, upload, first_part_bytes=part_bytes)

    def _due(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._tuning.checkpoint_after_s)

    async def _save(
        self,
        job: Job,
        at: RemovalWork,
        missing: GrowingFile,
        added: GrowingFile,
        lease: WorkLease[RemovalWork],
    ) -> Job:
        files = ComparedFiles(missing=missing.upload, added=added.upload)
        return await lease.update(
            job.job_id,
            lambda work: replace(
                work, after=at.after, counts=at.counts, added_kept=at.added_kept, files=files
            ),
        )

    async def _pairs(
        self, job: Job, at: RemovalWork, baseline: Baseline
    ) -> AsyncGenerator[tuple[_Seen | None, _Seen | None], None]:
        """Yield each key above `at.after`, in order: as the sync before saw it, and as this one."""
        async with (
            aclosing(self._before(baseline, at.after)) as befores,
            aclosing(self._listed(job.job_id, at.index_number, at.after)) as nows,
        ):
            before, now = await anext(befores, None), await anext(nows, None)
            while before is not None or now is not None:
                if now is None or (before is not None and before.key < now.key):
                    yield before, None
                    before = await anext(befores, None)
                elif before is None or now.key < before.key:
                    yield None, now
                    now = await anext(nows, None)
                else:
                    yield before, now
                    before, now = await anext(befores, None), await anext(nows, None)

    async def _before(self, baseline: Baseline, after: str | None) -> AsyncGenerator[_Seen, None]:
        """Yield what was seen before: the objects of that sync, and those carried from others."""
        job_id = baseline.job_id or ""
        try:
            async with (
                aclosing(self._listed(job_id, baseline.index_number, after)) as items,
                aclosing(self._carried(baseline, after)) as rows,
            ):
                item, row = await anext(items, None), await anext(rows, None)
                while item is not None or row is not None:
                    if item is None or (row is not None and row.key < item.key):
                        assert row is not None  # noqa: S101 - one of both is not None
                        yield row
                        row = await anext(rows, None)
                    else:
                        yield item
                        item = await anext(items, None)
        except NotFound as error:
            raise BaselineGone(str(error)) from error

    async def _listed(
        self, job_id: str, index_number: int | None, after: str | None
    ) -> AsyncGenerator[_Seen, None]:
        if index_number is None:
            return
        async with aclosing(self._index.rows(job_id, index_number, after=after)) as rows:
            async for key, line in rows:
                yield _Seen(key, job_id, line)

    async def _carried(self, baseline: Baseline, after: str | None) -> AsyncGenerator[_Seen, None]:
        if baseline.carried_key is None:
            return
        job_id = baseline.job_id or ""
        async for row, _ in read_removals(self._results, baseline.carried_key):
            if after is None or row.key > after:
                yield _Seen(row.key, job_id, b"", replace(row, last_seen_in=job_id))

    def _taken(
        self,
        at: RemovalWork,
        before: _Seen | None,
        now: _Seen | None,
        missing: GrowingFile,
        added: GrowingFile,
    ) -> RemovalWork:
        """Return the progress after one key, whose row is in the files if they need it."""
        counts, kept = at.counts, at.added_kept
        if now is None:
            assert before is not None  # noqa: S101 - one of both is not None
            missing.add(encode_removal(self._row(before)))
            counts = replace(counts, seen_before=counts.seen_before + 1, missing=counts.missing + 1)
            return replace(at, after=before.key, counts=counts)
        if before is not None:
            counts = replace(
                counts, seen_before=counts.seen_before + 1, seen_now=counts.seen_now + 1
            )
            return replace(at, after=now.key, counts=counts)
        counts = replace(counts, seen_now=counts.seen_now + 1, added=counts.added + 1)
        kept = kept and counts.added <= _ADDED_KEPT_MAX
        if kept:
            item = self._index.decode(now.job_id, now.line)
            row = row_of(item, job_id="")
            gone = item.outcome is not None and item.outcome.kind is OutcomeKind.GONE
            if not gone and content_of(row) is not None:
                added.add(encode_removal(row))
        return replace(at, after=now.key, counts=counts, added_kept=kept)

    def _row(self, seen: _Seen) -> RemovalRow:
        if seen.carried is not None:
            return seen.carried
        return row_of(self._index.decode(seen.job_id, seen.line), job_id=seen.job_id)


def _from_the_first_key(work: RemovalWork) -> RemovalWork:
    return replace(work, after=None, counts=RemovalCounts(), added_kept=True, files=ComparedFiles())
