"""The progress of an index that does not fit into memory: its runs, and how far they are merged.

It is a file, written over the one that was read: a process that lost its lease writes nothing over
the progress of its successor.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.errors import NOT_OF_OUR_JSON
from domain.outcome_index import Block
from domain.sorted_run import Run
from ports.errors import CorruptData, NotFound
from ports.results_store import ResultsStore


def _folder(job_id: str, number: int) -> str:
    return f"jobs/{job_id}/progress/index/{number:04d}"


def run_key(job_id: str, number: int, name: str) -> str:
    """Sorted rows of a part of the input; the name has the lease's token."""
    return f"{_folder(job_id, number)}/run-{name}"


def blocks_key(job_id: str, number: int, part: int) -> str:
    """The blocks of a finished part."""
    return f"{_folder(job_id, number)}/blocks-{part:05d}.json"


def _progress_key(job_id: str, number: int) -> str:
    return f"{_folder(job_id, number)}/progress.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexProgress:
    """What is done.

    Attributes:
        file_index: How much of the input is in runs, as `index_input.InputPlace`.
        position: The same.
        chunks_cursor: The same.
        chunk_index: The same.
        read: Whether all of it is.
        unread_count: How many objects have no row, because files cannot be read.
        runs: The runs.
        part_count: How many parts are finished.
        last_key: The last key in them.
    """

    file_index: int = 0
    position: int = 0
    chunks_cursor: str | None = None
    chunk_index: int = 0
    read: bool = False
    unread_count: int = 0
    runs: tuple[Run, ...] = ()
    part_count: int = 0
    last_key: str | None = None


@dataclass(slots=True)
class ProgressFile:
    """The file with the progress of one index, as this process read or wrote it."""

    results: ResultsStore
    job_id: str
    number: int
    _e_tag: str | None = field(default=None, init=False)

    async def load(self) -> IndexProgress:
        """Return the recorded progress, none at first.

        Raises:
            CorruptData: it cannot be parsed.
        """
        key = _progress_key(self.job_id, self.number)
        try:
            # The ETag first: if the file is replaced in between, the next write is refused.
            self._e_tag = await self.results.e_tag(key)
            content = await self.results.get(key)
        except NotFound:
            return IndexProgress()
        try:
            values = json.loads(content)
            runs = tuple(Run(**run) for run in values.pop("runs"))
            return IndexProgress(runs=runs, **values)
        except NOT_OF_OUR_JSON as error:
            raise CorruptData(f"{key}: {error}", resource=key) from error

    async def save(self, progress: IndexProgress) -> None:
        """Write the progress over the one that was read or written last.

        Raises:
            Conflict: another process has written it.
        """
        values = {name: getattr(progress, name) for name in progress.__slots__}
        runs = [{name: getattr(run, name) for name in run.__slots__} for run in progress.runs]
        content = json.dumps({**values, "runs": runs}).encode()
        key = _progress_key(self.job_id, self.number)
        self._e_tag = await self.results.replace(key, content, e_tag=self._e_tag)

    async def save_blocks(self, part: int, blocks: Sequence[Block]) -> None:
        """Write the blocks of a part."""
        content = json.dumps([list(block) for block in blocks]).encode()
        await self.results.put(blocks_key(self.job_id, self.number, part), content)

    async def blocks(self, part: int) -> list[Block]:
        """Return the blocks of a finished part."""
        content = await self.results.get(blocks_key(self.job_id, self.number, part))
        return [Block(*block) for block in json.loads(content)]
