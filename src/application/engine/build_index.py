"""Builds the index of a job: its outcomes and its listing, sorted by key. An external sort.

1. The files of the job are read, and sorted in memory. What fits into memory is written as the
   index at once. Otherwise it is a run, written whenever there is enough for one, and at the
   deadline. The runs, and what of the input they have, are recorded together.
2. The runs are merged as streams. After each part of the index, the position in each run is
   recorded. A part depends on the recorded positions alone: a late process writes the same bytes.
3. The root is written.

The measure, which decreases with each invocation, is what is left of the input, and then of the
runs. Memory has one run, or one part and a stretch of each run.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from application.engine.index_input import IndexInput, InputPlace
from application.engine.merge_runs import RunMerge
from application.execution.deadline import Deadline
from application.execution.tuning import Tuning
from application.results.index_progress import IndexProgress, ProgressFile, run_key
from application.results.outcome_index import PartWriter, block_bytes_of, part_key, root_key
from domain.index_rows import joined
from domain.job import Job
from domain.outcome_index import Block, IndexRoot, encode_root
from domain.sorted_run import Run
from ports.chunk_store import ChunkStore
from ports.results_store import ResultsStore

_MERGE_BYTES: Final = 16 * 1024**2


class BuildIndex:
    """One invocation's work on the index of a job that has ended.

    Attributes:
        progressed: Whether it recorded anything.
        object_count: The rows of the index, once it is complete.
    """

    def __init__(
        self,
        job: Job,
        *,
        token: str,
        deadline: Deadline,
        chunks: ChunkStore,
        results: ResultsStore,
        tuning: Tuning,
    ) -> None:
        if job.index is None:
            raise ValueError(f"job {job.job_id} wants no index")
        self._job = job
        self._number = job.index.number
        self._token = token
        self._deadline = deadline
        self._results = results
        self._tuning = tuning
        self._file = ProgressFile(results, job.job_id, job.index.number)
        self._input = IndexInput(job, chunks=chunks, results=results)
        self._progress = IndexProgress()
        self.progressed = False
        self.object_count = 0

    async def run(self) -> bool:
        """Return whether the index is complete; False at the deadline.

        Raises:
            Conflict: another process took over the lease.
            NotFound: a file that the job had is gone.
            InvalidManifest, CorruptData: a file has an invalid format.
        """
        self._progress = await self._file.load()
        while not self._progress.read:
            rows, after = await self._read_run()
            if after.read and not after.runs:
                await self._write_at_once(rows, after.unread_count)
                return True
            await self._save_run(rows, after)
            if not after.read and self._at_deadline():
                return False
        while any(run.merged_bytes < run.size_bytes for run in self._progress.runs):
            if not await self._write_part():
                return False
        await self._write_root()
        return True

    def _at_deadline(self) -> bool:
        return self._deadline.near(self._tuning.stop_margin_s)

    def _may_stop(self) -> bool:
        """Whether it is time to stop, and this invocation has made progress."""
        return self.progressed and self._at_deadline()

    async def _read_run(self) -> tuple[list[bytes], IndexProgress]:
        """Read until there is enough for a run, or time to stop; return the sorted rows."""
        at = self._progress
        place = InputPlace(
            file_index=at.file_index,
            position=at.position,
            chunks_cursor=at.chunks_cursor,
            chunk_index=at.chunk_index,
        )
        rows: list[bytes] = []
        size_bytes, unread_count, read = 0, at.unread_count, True
        async for batch in self._input.batches(place):
            place = batch.place
            rows += batch.rows
            size_bytes += sum(map(len, batch.rows))
            unread_count += batch.unread_count
            if size_bytes >= self._tuning.index_run_bytes or self._at_deadline():
                read = False
                break
        rows.sort()
        return rows, replace(
            at,
            file_index=place.file_index,
            position=place.position,
            chunks_cursor=place.chunks_cursor,
            chunk_index=place.chunk_index,
            unread_count=unread_count,
            read=read,
        )

    async def _save_run(self, rows: list[bytes], after: IndexProgress) -> None:
        if rows:
            name = f"{self._token}-{len(after.runs)}"
            content = b"".join(rows)
            await self._results.put(run_key(self._job.job_id, self._number, name), content)
            after = replace(after, runs=(*after.runs, Run(name=name, size_bytes=len(content))))
        await self._record(after)

    async def _record(self, progress: IndexProgress) -> None:
        await self._file.save(progress)
        self.progressed = self.progressed or progress != self._progress
        self._progress = progress

    async def _write_at_once(self, rows: list[bytes], unread_count: int) -> None:
        """Write an index of one part, without runs."""
        writer = PartWriter(0, None, block_bytes=block_bytes_of(sum(map(len, rows))))
        # Without the line end, as rows of a run are.
        for key, row in joined(row[:-1] for row in rows):
            writer.add(key, row)
        blocks: list[Block] = []
        if rows:
            await self._put_part(writer)
            blocks = writer.blocks
        await self._put_root(blocks, unread_count)

    async def _write_part(self) -> bool:
        """Merge the next rows of all runs into a part, and record what was taken of each run.

        The merge begins at the recorded positions each time, so that the part depends on these.

        Returns False at the deadline, if anything was recorded before: what was merged is dropped.
        A part that ended here instead would depend on the time as well.
        """
        if self._may_stop():
            return False
        at = self._progress
        merge = RunMerge(
            self._results,
            at.runs,
            key_of=partial(run_key, self._job.job_id, self._number),
            memory_bytes=_MERGE_BYTES,
        )
        whole_bytes = sum(run.size_bytes for run in at.runs)
        writer = PartWriter(at.part_count, at.last_key, block_bytes=block_bytes_of(whole_bytes))
        size_bytes = 0
        async for portion in merge.portions():
            for key, row in joined(portion):
                writer.add(key, row)
                size_bytes += len(row)
            if size_bytes >= self._tuning.index_run_bytes:
                break
            # The reads of many runs follow one another, and may take longer than the stop margin.
            if self._may_stop():
                return False
        await self._put_part(writer)
        await self._file.save_blocks(at.part_count, writer.blocks)
        await self._record(
            replace(at, runs=merge.runs, part_count=at.part_count + 1, last_key=writer.last_key)
        )
        return True

    async def _put_part(self, writer: PartWriter) -> None:
        key = part_key(self._job.job_id, self._number, writer.part)
        await self._results.put(key, writer.finish())

    async def _write_root(self) -> None:
        blocks: list[Block] = []
        for part in range(self._progress.part_count):
            blocks += await self._file.blocks(part)
        await self._put_root(blocks, self._progress.unread_count)

    async def _put_root(self, blocks: list[Block], unread_count: int) -> None:
        self.object_count = sum(block.row_count for block in blocks)
        root = IndexRoot(
            object_count=self.object_count, blocks=tuple(blocks), unread_count=unread_count
        )
        await self._results.put(root_key(self._job.job_id, self._number), encode_root(root))
