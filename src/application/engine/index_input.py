"""What an index is made of: the files of an ended job, read once, in an order that can be resumed.

The listing of a job is in its manifest, and for known objects in a file of its own; a job that was
listed into chunks has it in the files of these. The outcomes are in the files of chunks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from application.engine.chunk_sources import UNREADABLE_ROW
from application.execution.fanout import fan_out
from application.results.files import (
    chunk_key,
    discovered_key,
    known_key,
    lines_of,
    outcomes_key,
    read_entries,
)
from domain.chunk import FULLY_REPORTED, Chunk
from domain.errors import InvalidManifest
from domain.index_rows import LISTED, encode_row, listed_values, outcome_record
from domain.job import Job
from domain.manifest import ManifestEntry, decode_row
from domain.verification import decode_known_entry
from ports.chunk_store import ChunkStore
from ports.errors import NotFound
from ports.results_store import ResultsStore

_CHUNKS_AT_ONCE: Final = 100
_CHUNKS_IN_FLIGHT: Final = 16
_BATCH_ROW_COUNT: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPlace:
    """How much was read: a file of the listing and a byte in it, then a page of chunks and one."""

    file_index: int = 0
    position: int = 0
    chunks_cursor: str | None = None
    chunk_index: int = 0


@dataclass(slots=True)
class InputBatch:
    """Some rows, the place after them, and how many objects' rows could not be read."""

    place: InputPlace
    rows: list[bytes] = field(default_factory=list)
    unread_count: int = 0


class IndexInput:
    """Reads the rows of one job."""

    def __init__(self, job: Job, *, chunks: ChunkStore, results: ResultsStore) -> None:
        self._job = job
        self._chunks = chunks
        self._results = results
        self._files: list[tuple[str, Callable[[bytes], ManifestEntry]]] = []
        if job.discovery.manifest is not None:
            self._files.append((job.discovery.manifest.key, decode_row))
        # With its upload in the record, the listing did not come to its end.
        if job.listing.objects_known and job.listing.known.upload_id is None:
            self._files.append((known_key(job.job_id), decode_known_entry))
        self._in_chunks = not self._files

    async def batches(self, place: InputPlace) -> AsyncIterator[InputBatch]:
        """Yield what follows `place`, in batches of bounded size.

        Raises:
            NotFound: a file is gone.
            InvalidManifest: a row has an invalid format.
        """
        for file_index in range(place.file_index, len(self._files)):
            key, parse = self._files[file_index]
            async for batch in self._of_file(key, parse, place):
                yield batch
                place = batch.place
        async for batch in self._of_chunks(place):
            yield batch

    async def _of_file(
        self, key: str, parse: Callable[[bytes], ManifestEntry], place: InputPlace
    ) -> AsyncIterator[InputBatch]:
        batch = InputBatch(place)
        position = place.position
        async for line in lines_of(self._results, key, position=position):
            position += len(line) + 1
            entry = parse(line)
            batch.rows.append(encode_row(entry.key, LISTED, listed_values(entry)))
            if len(batch.rows) >= _BATCH_ROW_COUNT:
                batch.place = replace(place, position=position)
                yield batch
                batch = InputBatch(batch.place)
        batch.place = InputPlace(file_index=place.file_index + 1)
        yield batch

    async def _of_chunks(self, place: InputPlace) -> AsyncIterator[InputBatch]:
        while True:
            page = await self._chunks.list_page(
                self._job.job_id, limit=_CHUNKS_AT_ONCE, cursor=place.chunks_cursor
            )
            chunks = [chunk for chunk in page.items if chunk.index >= place.chunk_index]
            for start in range(0, len(chunks), _CHUNKS_IN_FLIGHT):
                group = chunks[start : start + _CHUNKS_IN_FLIGHT]
                batch = InputBatch(replace(place, chunk_index=group[-1].index + 1))

                async def read(chunk: Chunk, batch: InputBatch = batch) -> None:
                    rows, unread_count = await self._of_chunk(chunk)
                    batch.rows += rows
                    batch.unread_count += unread_count

                await fan_out(group, read, limit=len(group))
                yield batch
            if page.cursor is None:
                return
            place = replace(place, chunks_cursor=page.cursor, chunk_index=0)

    async def _of_chunk(self, chunk: Chunk) -> tuple[list[bytes], int]:
        """Return a row for each object of a chunk, and the number of those that cannot be known."""
        complete = chunk.status in FULLY_REPORTED
        known: dict[str, dict[str, Any]] = {}
        unread = False
        # The manifest has the objects of a chunk from a report. Only those without an outcome are
        # looked for here.
        if chunk.entry_count and (self._in_chunks or not complete):
            try:
                async for entry in read_entries(self._results, chunk_key(chunk)):
                    known[entry.key] = {"chunkIndex": chunk.index, **listed_values(entry)}
            except (NotFound, InvalidManifest):
                # The chunk failed for this reason.
                if complete:
                    raise
                unread = self._in_chunks
        files = []
        if chunk.discovered.total:
            files.append(discovered_key(chunk.job_id, chunk.index))
        if chunk.terminal and chunk.entry_count:
            files.append(outcomes_key(chunk.job_id, chunk.index))
        for key in files:
            try:
                async for line in lines_of(self._results, key):
                    object_key, values = outcome_record(line)
                    # A row of a report that cannot be read is of an object in the manifest.
                    if values.get("reason") != UNREADABLE_ROW:
                        known[object_key] = {**known.get(object_key, {}), **values}
            except (NotFound, InvalidManifest):
                if complete:
                    raise
        rows = [encode_row(key, chunk.index + 1, values) for key, values in known.items()]
        return rows, max(chunk.object_count - len(rows), 0) if unread else 0
