"""The files of a job's index of outcomes: how they are written, and how they are read.

A lookup reads the root and one block. Rows are streamed block by block, from any key on.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from domain.errors import InvalidManifest
from domain.outcome_index import (
    Block,
    IndexedObject,
    IndexRoot,
    decode_object,
    decode_root,
    encode_object,
    encode_root,
    separator,
    starts_with_key,
)
from ports.errors import CorruptData
from ports.results_store import ResultsStore

BLOCK_BYTES: Final = 256 * 1024
"""The smallest size of a block before it is compressed."""

# A root of so many blocks has some hundred KB.
_BLOCK_COUNT_MAX: Final = 16_384

_COMPRESSION_LEVEL: Final = 1
# What a stream reads at once: some thirty blocks.
_READ_BYTES_MAX: Final = 1024**2


def index_folder(job_id: str, number: int) -> str:
    """The folder of the index that is made after redrive `number` of the job."""
    return f"jobs/{job_id}/index/{number:04d}"


def root_key(job_id: str, number: int) -> str:
    """The root; it is written last."""
    return f"{index_folder(job_id, number)}/root.json"


def part_key(job_id: str, number: int, part: int) -> str:
    """Rows of a range of keys: lines of JSON, compressed by gzip, a member for each block."""
    return f"{index_folder(job_id, number)}/objects/{part:05d}.jsonl.gz"


def block_bytes_of(size_bytes: int) -> int:
    """Return the size of the blocks of an index of this size: root and block grow alike."""
    return max(BLOCK_BYTES, size_bytes // _BLOCK_COUNT_MAX)


class PartWriter:
    """Makes a part of rows that are added in the order of their keys.

    Args:
        part: The number of the part.
        before: The last key of the part before it.
        block_bytes: The size of a block before it is compressed.
    """

    def __init__(self, part: int, before: str | None, *, block_bytes: int = BLOCK_BYTES) -> None:
        self.part = part
        self._block_bytes = block_bytes
        self._rows: list[bytes] = []
        self._rows_bytes = 0
        self._from_key = ""
        self._content = bytearray()
        self.last_key = before
        self.blocks: list[Block] = []

    def add(self, key: str, row: bytes) -> None:
        """Add a row, which ends in a line feed.

        Raises:
            ValueError: the key is not above the one before it.
        """
        if self.last_key is not None and key <= self.last_key:
            raise ValueError(f"{key!r} follows {self.last_key!r}")
        if not self._rows:
            self._from_key = separator(self.last_key, key)
        self._rows.append(row)
        self._rows_bytes += len(row)
        self.last_key = key
        if self._rows_bytes >= self._block_bytes:
            self._end_block()

    def finish(self) -> bytes:
        """Return the content of the part; `blocks` are then complete."""
        if self._rows:
            self._end_block()
        return bytes(self._content)

    def _end_block(self) -> None:
        start = len(self._content)
        self._content += gzip.compress(b"".join(self._rows), _COMPRESSION_LEVEL, mtime=0)
        block = Block(self._from_key, self.part, start, len(self._content), len(self._rows))
        self.blocks.append(block)
        self._rows, self._rows_bytes = [], 0


async def write_index(
    results: ResultsStore,
    job_id: str,
    number: int,
    objects: Iterable[IndexedObject],
    *,
    block_bytes: int = BLOCK_BYTES,
) -> IndexRoot:
    """Write an index that fits into memory, of one part; the objects are sorted by key."""
    writer = PartWriter(0, None, block_bytes=block_bytes)
    for item in objects:
        writer.add(item.key, encode_object(item))
    await results.put(part_key(job_id, number, 0), writer.finish())
    root = IndexRoot(
        object_count=sum(block.row_count for block in writer.blocks), blocks=tuple(writer.blocks)
    )
    await results.put(root_key(job_id, number), encode_root(root))
    return root


class IndexPlace(NamedTuple):
    """A place in an index: the position of a block, and how many of its rows are before it."""

    block: int
    row: int


class IndexReader:
    """Reads indexes of jobs."""

    def __init__(self, *, results: ResultsStore) -> None:
        self._results = results

    async def root(self, job_id: str, number: int) -> IndexRoot:
        """Return the root: one read.

        Raises:
            NotFound: there is no such index; it was removed, or it is not complete.
            CorruptData: it cannot be parsed.
        """
        try:
            return decode_root(await self._results.get(root_key(job_id, number)))
        except InvalidManifest as error:
            raise CorruptData(f"the index of job {job_id}: {error}", resource=job_id) from error

    async def find(self, job_id: str, number: int, key: str) -> IndexedObject | None:
        """Return the object of a key, None if the index has none: two reads at most.

        Raises:
            NotFound: a file of the index is gone.
            CorruptData: a file cannot be parsed.
        """
        return await self.find_below(await self.root(job_id, number), job_id, number, key)

    async def find_below(
        self, root: IndexRoot, job_id: str, number: int, key: str
    ) -> IndexedObject | None:
        """Return the object of a key, None if the index has none: one read at most.

        Raises:
            NotFound: a file of the index is gone.
            CorruptData: a file cannot be parsed.
        """
        position = root.position_of(key)
        if position < 0:
            return None
        begins = starts_with_key(key)
        block = root.blocks[position]
        for row in _rows(job_id, block, await self._read(job_id, number, [block])):
            if row.startswith(begins):
                return _decoded(job_id, row)
        return None

    async def objects(
        self, job_id: str, number: int, *, after: str | None = None, prefix: str = ""
    ) -> AsyncIterator[IndexedObject]:
        """Yield the objects in the order of their keys, block by block.

        Args:
            job_id: The job.
            number: `JobIndex.number` of the job's record, which must be READY.
            after: Only keys above this one: the last key of an earlier stream.
            prefix: Only keys that begin like this.

        Raises:
            NotFound: a file of the index is gone.
            CorruptData: a file cannot be parsed.
        """
        root = await self.root(job_id, number)
        first = prefix if after is None else max(prefix, after)
        start = IndexPlace(max(root.position_of(first), 0), 0)
        async for _, item in self.objects_from(root, job_id, number, start, prefix=prefix):
            if after is None or item.key > after:
                yield item

    async def objects_from(
        self, root: IndexRoot, job_id: str, number: int, start: IndexPlace, *, prefix: str = ""
    ) -> AsyncIterator[tuple[IndexPlace, IndexedObject]]:
        """Yield the objects from a place on, each with the place after it.

        Raises:
            NotFound: a file of the index is gone.
            CorruptData: a file cannot be parsed.
        """
        position, skipped = start
        for run in _adjacent(root.blocks[position:]):
            content = await self._read(job_id, number, run)
            for block in run:
                if block.from_key > prefix and not block.from_key.startswith(prefix):
                    return
                begin = block.start - run[0].start
                rows = _rows(job_id, block, content[begin : begin + block.stop - block.start])
                for row_number in range(skipped, len(rows)):
                    item = _decoded(job_id, rows[row_number])
                    if item.key.startswith(prefix):
                        yield IndexPlace(position, row_number + 1), item
                    elif item.key > prefix:
                        return
                position, skipped = position + 1, 0

    async def _read(self, job_id: str, number: int, run: Sequence[Block]) -> bytes:
        key = part_key(job_id, number, run[0].part)
        return await self._results.read_range(key, run[0].start, run[-1].stop)


def _adjacent(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Yield runs of blocks that one request reads: neighbours in one part, of bounded size."""
    run: list[Block] = []
    for block in blocks:
        if run and (block.part != run[0].part or block.stop - run[0].start > _READ_BYTES_MAX):
            yield run
            run = []
        run.append(block)
    if run:
        yield run


def _rows(job_id: str, block: Block, content: bytes) -> list[bytes]:
    try:
        rows = gzip.decompress(content).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptData(f"the index of job {job_id}: {error}", resource=job_id) from error
    if len(rows) != block.row_count:
        message = f"the index of job {job_id} has {len(rows)} rows, not {block.row_count}"
        raise CorruptData(message, resource=job_id)
    return rows


def _decoded(job_id: str, row: bytes) -> IndexedObject:
    try:
        return decode_object(row)
    except InvalidManifest as error:
        raise CorruptData(f"the index of job {job_id}: {error}", resource=job_id) from error
