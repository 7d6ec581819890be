"""Merges files of sorted rows: streamed, from recorded positions on.

Of each run some bytes are in memory. What is below the first end of these stretches is complete: it
is taken from all runs at once and sorted, which is fast because it consists of sorted stretches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Final

from application.execution.fanout import fan_out
from domain.index_rows import KEY_END, key_of_row
from domain.sorted_run import Run
from ports.errors import CorruptData
from ports.results_store import ResultsStore

_READS_IN_FLIGHT: Final = 16
_STRETCH_BYTES_MIN: Final = 64 * 1024
_STRETCH_BYTES_MAX: Final = 1024**2


class _Stream:
    """A run: the rows of it that are in memory, and what follows them."""

    def __init__(self, run: Run, key: str) -> None:
        self.run = run
        self._key = key
        self._read_to = run.merged_bytes
        self._cut_off = b""
        self.rows: list[bytes] = []

    @property
    def at_end(self) -> bool:
        """Whether all rows that are left are in memory."""
        return self._read_to >= self.run.size_bytes

    async def read(self, results: ResultsStore, size_bytes: int) -> None:
        """Add the next stretch, which has one row at least.

        Raises:
            CorruptData: the file is shorter than it was.
        """
        count = len(self.rows)
        while len(self.rows) == count and not self.at_end:
            stop = min(self._read_to + size_bytes, self.run.size_bytes)
            content = await results.read_range(self._key, self._read_to, stop)
            if len(content) != stop - self._read_to:
                raise CorruptData(f"the file {self._key} is cut off", resource=self._key)
            self._read_to = stop
            *rows, self._cut_off = (self._cut_off + content).split(b"\n")
            self.rows += rows

    def take(self, before: bytes | None) -> list[bytes]:
        """Remove and return the rows whose keys are before this one; all of them for None."""
        count = len(self.rows) if before is None else bisect_left(self.rows, before + KEY_END)
        taken, self.rows = self.rows[:count], self.rows[count:]
        size_bytes = sum(map(len, taken)) + len(taken)
        self.run = replace(self.run, merged_bytes=self.run.merged_bytes + size_bytes)
        return taken


class RunMerge:
    """The merge of some runs.

    Args:
        results: Where they are.
        runs: The runs, with their positions.
        key_of: Returns the key of the run of a name.
        memory_bytes: How many bytes of all of them are in memory, about; at least 64 KiB of each.
    """

    def __init__(
        self,
        results: ResultsStore,
        runs: Sequence[Run],
        *,
        key_of: Callable[[str], str],
        memory_bytes: int,
    ) -> None:
        self._results = results
        self._streams = [_Stream(run, key_of(run.name)) for run in runs]
        share = memory_bytes // max(len(runs), 1)
        self._stretch_bytes = min(max(share, _STRETCH_BYTES_MIN), _STRETCH_BYTES_MAX)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs, with the positions after the rows that were returned."""
        return tuple(stream.run for stream in self._streams)

    async def portions(self) -> AsyncIterator[list[bytes]]:
        """Yield all rows, without line ends, in portions; a key's rows are in one portion.

        Raises:
            NotFound: a run is gone.
            CorruptData: a run is cut off.
        """
        while True:
            starved = [each for each in self._streams if not each.rows and not each.at_end]
            await self._refill(starved)
            # The key with which a stretch ends may go on in the next one.
            ends = [key_of_row(each.rows[-1]) for each in self._streams if not each.at_end]
            end = min(ends, default=None)
            rows: list[bytes] = []
            for stream in self._streams:
                rows += stream.take(end)
            if rows:
                rows.sort()
                yield rows
            if end is None:
                return
            await self._refill(
                [
                    each
                    for each in self._streams
                    if not each.at_end and key_of_row(each.rows[-1]) == end
                ]
            )

    async def _refill(self, streams: Sequence[_Stream]) -> None:
        async def read(stream: _Stream) -> None:
            await stream.read(self._results, self._stretch_bytes)

        await fan_out(streams, read, limit=min(max(len(streams), 1), _READS_IN_FLIGHT))
