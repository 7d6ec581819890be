"""Looks for the missing objects once more, finds the moved ones, and announces what is gone.

It reads the file of missing objects from the last checkpoint on, a thousand rows at a time: they
are looked for, right after that the events of those that are gone are sent, and the outcome of each
goes to the report. Then the place in the file is recorded. So a process that dies repeats the
events of a thousand objects at most, with the same ids. The measure, which decreases with each
invocation, is what is left of the file.

What exists, and is not left out by the filters, goes to the file of carried objects, which belongs
to what the next sync is compared with: if it disappears after all, that is a disappearance.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from application.engine.find_objects import ObjectFinder
from application.engine.growing_file import GrowingFile
from application.engine.page_selection import PageSelection
from application.engine.work_lease import WorkLease
from application.execution.fanout import fan_out
from application.execution.tuning import Tuning
from application.results.removal_files import (
    PlacedRow,
    added_key,
    carried_key,
    missing_key,
    read_removals,
    report_key,
)
from domain.job import Job
from domain.limits import INGEST_EVENT_COUNT_MAX
from domain.listing import Listing, RowUpload
from domain.message import RemovalEvent, removal_event
from domain.moved_objects import REMOVED_MAX, MoveFinder
from domain.profile import Profile
from domain.removal_rows import (
    GONE,
    RemovalRow,
    RemovalState,
    encode_removal,
    gone_row,
)
from domain.removal_settings import Removals
from domain.removal_work import ComparedFiles, RemovalCounts, RemovalWork
from ports.clock import Clock
from ports.errors import Conflict
from ports.ingest_bus import IngestBus
from ports.object_store import ObjectStore
from ports.results_store import ResultsStore
from ports.telemetry import Metric, Telemetry


class CheckMissing:
    """Takes a comparison from the guard to its end."""

    def __init__(
        self,
        *,
        objects: ObjectStore,
        results: ResultsStore,
        bus: IngestBus,
        profile: Profile,
        clock: Clock,
        telemetry: Telemetry,
        tuning: Tuning,
    ) -> None:
        self._objects = objects
        self._results = results
        self._bus = bus
        self._profile = profile
        self._clock = clock
        self._telemetry = telemetry
        self._tuning = tuning

    async def run(self, job: Job, removals: Removals, lease: WorkLease[RemovalWork]) -> Job | None:
        """Look for every missing object; None if the deadline came first, with a checkpoint.

        Raises:
            LeaseLost: the lease is lost.
            NotFound, CorruptData: a file of the comparison is gone, or cannot be read.
            Retryable, AccessDenied, Misconfigured: the bucket cannot be listed, or the bus refuses
                an event.
        """
        at = lease.check(job)
        report = self._file(report_key(job.job_id), at.files.report)
        carried = self._file(carried_key(job.job_id), at.files.carried)
        for file in (report, carried):
            await file.open()
        moves = await self._moves(job, at)
        async with aclosing(self._batches(job, at.position)) as batches:
            async for batch in batches:
                if lease.ending:
                    return None
                lease.check(job)
                rows = await self._looked_for(job, [row for row, _ in batch], moves)
                events = [removal_event(job, row) for row in rows if row.state in GONE]
                if removals.announce:
                    await self._announce(events)
                for row in rows:
                    line = encode_removal(row)
                    report.add(line)
                    if row.state is RemovalState.RETURNED:
                        carried.add(line)
                counts = at.counts.with_states(
                    [row.state for row in rows], announced=len(events) * removals.announce
                )
                position = batch[-1].position
                for file in (report, carried):
                    await file.checkpoint(lease.token, position)
                at = replace(at, counts=counts, position=position)
                job = await self._save(job, at, report, carried, lease)
        for file in (report, carried):
            await file.last_part()
        job = await self._save(job, at, report, carried, lease)
        try:
            for file in (report, carried):
                await file.complete()
        except Conflict:
            # A late request of an attempt with an expired lease replaced a part.
            job = await lease.update(job.job_id, _from_the_first_row)
            return await self.run(job, removals, lease)
        return job

    def _file(self, key: str, upload: RowUpload) -> GrowingFile:
        part_bytes = self._tuning.manifest_part_bytes
        return GrowingFile(self._results, key, upload, first_part_bytes=part_bytes)

    async def _save(
        self,
        job: Job,
        at: RemovalWork,
        report: GrowingFile,
        carried: GrowingFile,
        lease: WorkLease[RemovalWork],
    ) -> Job:
        return await lease.update(
            job.job_id,
            lambda work: replace(
                work,
                position=at.position,
                counts=at.counts,
                files=replace(work.files, report=report.upload, carried=carried.upload),
            ),
        )

    async def _moves(self, job: Job, at: RemovalWork) -> Mapping[str, str]:
        """Return the new keys of moved objects, by their old ones.

        They depend on two files that do not change, so every invocation finds the same.
        """
        counts = at.counts
        if not (counts.missing and counts.added and at.added_kept) or counts.missing > REMOVED_MAX:
            return {}
        finder = MoveFinder()
        async for row, _ in read_removals(self._results, missing_key(job.job_id)):
            finder.remove(row)
        async for row, _ in read_removals(self._results, added_key(job.job_id)):
            finder.add(row)
        return finder.moves()

    async def _batches(self, job: Job, position: int) -> AsyncGenerator[list[PlacedRow], None]:
        batch: list[PlacedRow] = []
        key = missing_key(job.job_id)
        async with aclosing(read_removals(self._results, key, position=position)) as rows:
            async for placed in rows:
                batch.append(placed)
                if len(batch) == self._tuning.looked_for_count:
                    yield batch
                    batch = []
        if batch:
            yield batch

    async def _looked_for(
        self, job: Job, rows: Sequence[RemovalRow], moves: Mapping[str, str]
    ) -> list[RemovalRow]:
        """Return the rows with the outcome of their objects."""
        finder = ObjectFinder(
            self._objects,
            job.request.bucket,
            job.request.options.prefixes,
            in_flight=self._tuning.calls_in_flight,
        )
        found = await finder.find([row.key for row in rows])
        selection = PageSelection(job, self._profile, self._tuning)
        _, selected = selection.take(Listing(), list(found.values()))
        in_scope = {entry.key for entry in selected}
        created_at = job.request.connector_created_at or job.times.created_at

        def checked(row: RemovalRow) -> RemovalRow:
            if row.key in found:
                returned = row.key in in_scope
                state = RemovalState.RETURNED if returned else RemovalState.OUT_OF_SCOPE
                return replace(row, state=state)
            return gone_row(
                row,
                moves.get(row.key),
                connector_id=job.request.connector_id,
                connector_created_at=created_at,
            )

        return [checked(row) for row in rows]

    async def _announce(self, events: Sequence[RemovalEvent]) -> None:
        """Send the events, all of them, or raise the first error: then all are sent again."""
        groups = [
            events[start : start + INGEST_EVENT_COUNT_MAX]
            for start in range(0, len(events), INGEST_EVENT_COUNT_MAX)
        ]

        async def announce(group: Sequence[RemovalEvent]) -> None:
            for error in await self._bus.publish_removals(group):
                if error is not None:
                    raise error

        await fan_out(groups, announce, limit=self._tuning.calls_in_flight)
        self._telemetry.count(Metric.OBJECTS_REMOVED, len(events))


def _from_the_first_row(work: RemovalWork) -> RemovalWork:
    counts = work.counts
    compared = RemovalCounts(
        seen_before=counts.seen_before,
        seen_now=counts.seen_now,
        missing=counts.missing,
        added=counts.added,
    )
    files: ComparedFiles = replace(work.files, report=RowUpload(), carried=RowUpload())
    return replace(work, position=0, counts=compared, files=files)
