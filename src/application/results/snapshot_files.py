"""The files of a job's snapshot of the catalog, and how objects are looked up in them.

A block of a file is read once for all objects of a page or chunk whose paths are in it: their keys
are near to each other, so that is a request or two for a thousand objects.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final

from domain.catalog import CatalogRecord
from domain.errors import InvalidManifest
from domain.snapshot import (
    Snapshot,
    decode_index,
    decode_record,
    encode_path,
    partition_of,
)
from ports.errors import CorruptData
from ports.results_store import ResultsStore

BLOCK_BYTES: Final = 256 * 1024

# A block has some 1,000 rows, and workers read four windows of neighbouring keys at once.
_BLOCK_COUNT_MAX: Final = 16
_INDEX_COUNT_MAX: Final = 16
_JOB_COUNT_MAX: Final = 4


def run_key(job_id: str, name: str) -> str:
    """Sorted rows of a part of the scan; the name has the lease's token."""
    return f"jobs/{job_id}/progress/snapshot/run-{name}"


def run_index_key(job_id: str, name: str) -> str:
    """Where each partition begins in a run."""
    return f"jobs/{job_id}/progress/snapshot/run-{name}.index"


def bounds_key(job_id: str, token: str) -> str:
    """The first paths of all partitions but the first, one a line."""
    return f"jobs/{job_id}/progress/snapshot/bounds-{token}"


def partition_key(job_id: str, number: int) -> str:
    """The sorted rows of a range of paths. It depends on the runs alone, which do not change."""
    return f"jobs/{job_id}/progress/snapshot/{number:04d}"


def partition_index_key(job_id: str, number: int) -> str:
    """The blocks of a partition."""
    return f"jobs/{job_id}/progress/snapshot/{number:04d}.index"


class _Recent:
    """The values that were read last; concurrent readers of one share its request."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._tasks: OrderedDict[Hashable, asyncio.Future[Any]] = OrderedDict()

    async def get(self, key: Hashable, read: Callable[[], Awaitable[Any]]) -> Any:
        held = self._tasks.get(key)
        loop = asyncio.get_running_loop()
        if held is not None and held.get_loop() is loop and not held.cancelled():
            self._tasks.move_to_end(key)
            if held.done():
                return held.result()
            # A reader that failed or was stopped must not stop the others.
            await asyncio.wait([held])
            if not held.cancelled() and held.exception() is None:
                return held.result()
            return await read()
        future: asyncio.Future[Any] = loop.create_future()
        self._tasks[key] = future
        while len(self._tasks) > self._count_max:
            self._tasks.popitem(last=False)
        try:
            value = await read()
        except BaseException:
            if self._tasks.get(key) is future:
                del self._tasks[key]
            future.cancel()
            raise
        future.set_result(value)
        return value


class SnapshotReader:
    """Looks storage paths up in snapshots; keeps what it read last."""

    def __init__(self, *, results: ResultsStore) -> None:
        self._results = results
        self._bounds = _Recent(_JOB_COUNT_MAX)
        self._indexes = _Recent(_INDEX_COUNT_MAX)
        self._blocks = _Recent(_BLOCK_COUNT_MAX)

    async def records(
        self, job_id: str, snapshot: Snapshot, path: str
    ) -> tuple[CatalogRecord, ...]:
        """Return the records at a storage path.

        Raises:
            Retryable: a file cannot be read now.
            NotFound: a file of the snapshot is gone.
            CorruptData: a file cannot be parsed.
        """
        wanted = encode_path(path)
        try:
            number = partition_of(wanted, await self._bounds_of(job_id, snapshot))
            rows = await self._rows(job_id, number, wanted)
            return tuple(decode_record(row) for row in rows)
        except InvalidManifest as error:
            raise CorruptData(f"the snapshot of job {job_id}: {error}", resource=job_id) from error

    async def _bounds_of(self, job_id: str, snapshot: Snapshot) -> list[bytes]:
        async def read() -> list[bytes]:
            if snapshot.bounds_key is None:
                return []
            return (await self._results.get(snapshot.bounds_key)).splitlines()

        bounds: list[bytes] = await self._bounds.get((job_id, snapshot.bounds_key), read)
        return bounds

    async def _rows(self, job_id: str, number: int, wanted: bytes) -> list[bytes]:
        async def read_index() -> tuple[list[bytes], list[int]]:
            return decode_index(await self._results.get(partition_index_key(job_id, number)))

        paths, positions = await self._indexes.get((job_id, number), read_index)
        block = bisect_right(paths, wanted) - 1
        if block < 0:
            return []

        async def read_block() -> dict[bytes, list[bytes]]:
            start, stop = positions[block], positions[block + 1]
            content = await self._results.read_range(partition_key(job_id, number), start, stop)
            if len(content) != stop - start:
                raise CorruptData(f"the snapshot of job {job_id} is cut off", resource=job_id)
            rows: dict[bytes, list[bytes]] = {}
            for row in content.splitlines():
                rows.setdefault(row.partition(b"\t")[0], []).append(row)
            return rows

        rows: dict[bytes, list[bytes]] = await self._blocks.get((job_id, number, block), read_block)
        return rows.get(wanted, [])
