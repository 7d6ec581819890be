"""The chunks that are packed from the pages of several streams, until they are recorded.

Each range of keys fills chunks of its own, so the keys of a chunk are near to each other. What is
in no full chunk when chunks are recorded makes a smaller one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from application.engine.chunk_recorder import ChunkBatch, ChunkRecorder
from application.engine.key_range_streams import TakenPage
from application.execution.tuning import Tuning
from domain.job import Job
from domain.manifest import ManifestEntry
from domain.packing import ChunkDraft


class StreamDrafts:
    """The drafts of each stream, and the chunks that are full.

    Args:
        token: That of the process's lease; it makes the names of files unique.
        indexes: The indexes of its chunks, if they do not follow those that the job has.
    """

    def __init__(
        self,
        recorder: ChunkRecorder,
        tuning: Tuning,
        *,
        token: str,
        indexes: Iterator[int] | None = None,
    ) -> None:
        self._recorder = recorder
        self._tuning = tuning
        self._token = token
        self._indexes = indexes
        self._batch = ChunkBatch(indexes=indexes)
        self._drafts: dict[int, ChunkDraft] = {}
        # What streams that ended have left over. Many small prefixes share chunks.
        self._leftover = ChunkDraft()

    @property
    def chunk_count(self) -> int:
        """The number of chunks that are packed and not recorded."""
        return len(self._batch.chunks)

    @property
    def full(self) -> bool:
        """Whether there are as many chunks, or bytes, as are recorded at once."""
        return self._recorder.is_full(self._batch)

    def add(self, job: Job, page: TakenPage, selected: Sequence[ManifestEntry]) -> None:
        """Add the entries of a page to the draft of its stream."""
        draft = self._fill(job, self._drafts.pop(page.stream, ChunkDraft()), selected)
        if page.ends_stream:
            self._leftover = self._fill(job, self._leftover, draft.entries)
        else:
            self._drafts[page.stream] = draft

    def take(self, job: Job) -> ChunkBatch:
        """Return everything that was added, as chunks to record, and start again."""
        for draft in (*self._drafts.values(), self._leftover):
            if draft.entries:
                self._pack(job, draft)
        batch = self._batch
        self._drafts, self._leftover = {}, ChunkDraft()
        self._batch = ChunkBatch(indexes=self._indexes)
        return batch

    def _fill(self, job: Job, draft: ChunkDraft, entries: Sequence[ManifestEntry]) -> ChunkDraft:
        """Add entries to a draft, and pack it whenever it is full; return the last draft."""
        sizing = self._tuning.sizing
        for entry in entries:
            if draft.would_overflow(entry, sizing):
                self._pack(job, draft)
                draft = ChunkDraft()
            draft.add(entry, sizing)
        if len(draft.entries) >= sizing.object_count_max:
            self._pack(job, draft)
            draft = ChunkDraft()
        return draft

    def _pack(self, job: Job, draft: ChunkDraft) -> None:
        self._recorder.pack(job, draft, self._batch, token=self._token)
