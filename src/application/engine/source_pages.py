"""The pages of a job whose keys come from a source (`domain.key_source`).

A source is read like a prefix is listed: one page at a time, each with what is left after it, as
the token of one range. A checkpoint has that token. A later invocation continues there: in a
manifest at its byte, in an inventory at its file and row. A file of a report is read again from its
beginning, because only its whole content has the checksum that the report names.

A block, a page and the keys of two pages are in memory, however large the source is. A Parquet file
is on disk (`parquet_pages`).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Final

from application.engine.key_range_streams import CHUNKS_PER_PAGE_MAX, TakenPage
from application.engine.parquet_pages import parquet_pages
from domain import prefixes as prefix_rules
from domain.connector import Bucket
from domain.discovery import Discovery
from domain.errors import InvalidSource
from domain.inventory import (
    FileFormat,
    Inventory,
    InventoryFile,
    checksum_key,
    parse_inventory,
)
from domain.job import Job
from domain.key_ranges import KeyRange
from domain.key_source import KeySource, SourceCounts, SourceKind, SourcePosition, position_of
from domain.listing import Listing
from domain.manifest import ManifestEntry
from domain.source_rows import MANIFEST_FORMAT, ParsedRows, RowFormat, parse_rows
from ports.errors import (
    AccessDenied,
    Archived,
    Conflict,
    Misconfigured,
    NotFound,
    PortError,
    Refused,
)
from ports.parquet_reader import ParquetReader
from ports.source_files import SourceBlock, SourceFiles

_ROWS_PER_PAGE: Final = 1_000
# A key has 1,024 bytes, three times as many when encoded; other columns are short.
_ROW_BYTES_MAX: Final = 64 * 1024
# A file of a report has up to 2 GB, so this is the index of more than a hundred thousand of them.
_INDEX_BYTES_MAX: Final = 64 * 1024**2
_UNPACKED_BYTES: Final = 1024**2
_GZIP: Final = 16 + zlib.MAX_WBITS


async def source_pages(
    files: SourceFiles, parquet: ParquetReader, job: Job, source: KeySource, at: Listing
) -> AsyncGenerator[TakenPage]:
    """Yield the pages that are left of the source, at least one.

    Raises:
        InvalidSource: The source is not of its format, or is not what was meant.
        NotFound, AccessDenied, Misconfigured, LimitExceeded: It cannot be read; the message says
            what to do.
    """
    reader = _Reader(files, parquet, job, source)
    selection = _Selection(job, at.source)
    read = reader.manifest if source.kind is SourceKind.MANIFEST else reader.inventory
    # Each generator closes the one that it reads: a file of a report must not stay open.
    async with aclosing(read(position_of(at.ranges[0].token))) as pages:
        async for rows, position in pages:
            entries = selection.of(rows)
            left = () if position is None else (KeyRange(token=position.token()),)
            yield TakenPage(entries, left, 0, not left, selection.counts)


class _Selection:
    """Which rows are objects of the job, and the counts of the others."""

    def __init__(self, job: Job, counts: SourceCounts) -> None:
        self.counts = counts
        self._prefixes = prefix_rules.normalise(job.request.options.prefixes)
        self._recent: set[str] = set()

    def of(self, rows: ParsedRows) -> list[ManifestEntry]:
        inside = [
            entry
            for entry in rows.entries
            if not self._prefixes or entry.key.startswith(self._prefixes)
        ]
        here: set[str] = set()
        entries = []
        for entry in inside:
            if entry.key not in here and entry.key not in self._recent:
                entries.append(entry)
            here.add(entry.key)
        self._recent = here
        self.counts = SourceCounts(
            outside=self.counts.outside + len(rows.entries) - len(inside),
            not_current=self.counts.not_current + rows.not_current,
            repeated=self.counts.repeated + len(inside) - len(entries),
        )
        return entries


_Page = tuple[ParsedRows, SourcePosition | None]


class _Reader:
    """Reads the rows of one source."""

    def __init__(
        self, files: SourceFiles, parquet: ParquetReader, job: Job, source: KeySource
    ) -> None:
        self._files = files
        self._parquet = parquet
        self._source = source
        self._job_bucket = job.request.bucket
        into_chunks = job.request.options.discovery is Discovery.DIRECT
        # Each row may make a chunk of its own, and the chunks of a page are recorded together.
        limit = CHUNKS_PER_PAGE_MAX if into_chunks else _ROWS_PER_PAGE
        self._row_count = min(limit, _ROWS_PER_PAGE)
        self._with_times = job.request.options.modified_since is not None
        # The source may belong to another account than the job's bucket does.
        same = source.bucket_name == self._job_bucket.name
        self._bucket = Bucket(
            name=source.bucket_name,
            expected_owner=self._job_bucket.expected_owner if same else None,
            role_arn=self._job_bucket.role_arn,
        )

    async def manifest(self, at: SourcePosition) -> AsyncGenerator[_Page]:
        """Yield the pages of a CSV manifest from a byte on."""
        position = replace(at, e_tag=at.e_tag or self._source.e_tag)
        first = await self._read(self._source.key, position.offset, position.e_tag)
        if not first.content:
            raise InvalidSource(f"{self._source.where} is empty: it names no object")
        position = replace(position, e_tag=first.e_tag)
        row = 1
        blocks = self._blocks(self._source.key, first, position.offset)
        async for lines in _pages_of(_lines(blocks, self._source.where), self._row_count):
            after = replace(position, offset=position.offset + sum(map(len, lines)))
            rows = self._parse(lines, MANIFEST_FORMAT, self._where(position.offset), row)
            row += len(lines)
            yield rows, after if after.offset < first.size_bytes else None
            position = after

    async def inventory(self, at: SourcePosition) -> AsyncGenerator[_Page]:
        """Yield the pages of a report, from a row of a file on."""
        inventory, e_tag = await self._index(at.e_tag or self._source.e_tag)
        count = len(inventory.files)
        if not count:
            yield ParsedRows(entries=(), not_current=0), None
        for index in range(at.file_index, count):
            file = inventory.files[index]
            row = at.offset if index == at.file_index else 0
            async with aclosing(await self._file_pages(inventory, file, row)) as pages:
                async for count, rows in pages:
                    row += count
                    yield rows, SourcePosition(file_index=index, offset=row, e_tag=e_tag)
            # The file was read to its end and has its checksum.
            following = SourcePosition(file_index=index + 1, e_tag=e_tag)
            nothing = ParsedRows(entries=(), not_current=0)
            yield nothing, following if index + 1 < count else None

    async def _index(self, e_tag: str | None) -> tuple[Inventory, str | None]:
        content, e_tag = await self._whole(self._source.key, e_tag)
        checksum, _ = await self._whole(checksum_key(self._source.key), None)
        inventory = parse_inventory(
            content,
            checksum=checksum,
            bucket_name=self._job_bucket.name,
            where=self._source.where,
            with_times=self._with_times,
        )
        return inventory, e_tag

    async def _file_pages(
        self, inventory: Inventory, file: InventoryFile, row: int
    ) -> AsyncGenerator[tuple[int, ParsedRows]]:
        """Return the pages of a file from a row on, each with its number of rows."""
        where = self._where_of(file)
        first = await self._read(file.key, 0, None)
        if first.size_bytes != file.size_bytes:
            raise InvalidSource(
                f"{where} has {first.size_bytes} bytes, and {self._source.where} says"
                f" {file.size_bytes}: it was replaced or changed; use another report"
            )
        blocks = self._blocks(file.key, first, 0)
        if inventory.file_format is FileFormat.CSV:
            return self._csv_pages(blocks, inventory.form, file, row)
        return parquet_pages(
            self._parquet,
            blocks,
            file,
            inventory.form,
            bucket_name=self._job_bucket.name,
            where=where,
            check_md5=partial(self._check_md5, file),
            first_row=row,
            row_count=self._row_count,
        )

    async def _csv_pages(
        self, blocks: AsyncIterator[bytes], form: RowFormat, file: InventoryFile, row: int
    ) -> AsyncGenerator[tuple[int, ParsedRows]]:
        """Yield the pages of a compressed CSV file; at its end, compare its checksum."""
        where = self._where_of(file)
        digest = hashlib.md5(usedforsecurity=False)
        lines = _lines(_unpacked(blocks, digest.update, where), where)
        async for page in _pages_of(lines, self._row_count, skipped=row):
            yield len(page), self._parse(page, form, where, row + 1)
            row += len(page)
        self._check_md5(file, digest.hexdigest())

    def _check_md5(self, file: InventoryFile, md5: str) -> None:
        if md5 != file.md5:
            raise InvalidSource(
                f"{self._where_of(file)} has the MD5 {md5}, and {self._source.where} says"
                f" {file.md5}: it was replaced or changed; use another report"
            )

    async def _whole(self, key: str, e_tag: str | None) -> tuple[bytes, str | None]:
        first = await self._read(key, 0, e_tag)
        if first.size_bytes > _INDEX_BYTES_MAX:
            raise InvalidSource(
                f"s3://{self._bucket.name}/{key} has {first.size_bytes} bytes, too many for an"
                " index: name the manifest.json of a report"
            )
        blocks = [block async for block in self._blocks(key, first, 0)]
        return b"".join(blocks), first.e_tag

    async def _blocks(self, key: str, first: SourceBlock, position: int) -> AsyncIterator[bytes]:
        """Yield the first block, and those after it, of the same content."""
        block = first
        while block.content:
            yield block.content
            position += len(block.content)
            if position >= first.size_bytes:
                return
            block = await self._read(key, position, first.e_tag)

    async def _read(self, key: str, position: int, e_tag: str | None) -> SourceBlock:
        where = f"s3://{self._bucket.name}/{key}"
        try:
            return await self._files.read(self._bucket, key, position=position, e_tag=e_tag)
        except Conflict as error:
            raise InvalidSource(
                f"{where} does not have the ETag {e_tag}{_request(error)}: it was replaced since"
                " the request, or while it was read. Start a sync with the new content"
            ) from error
        except Archived as error:
            raise InvalidSource(
                f"{where} is archived{_request(error)}: restore it, or name another source"
            ) from error
        except (NotFound, AccessDenied, Misconfigured, Refused) as error:
            role = self._bucket.role_arn or "the engine's role"
            more = f"{_request(error)}. The source of keys {where} is read as {role}: check"
            more += " that it exists, and that this role may s3:GetObject it"
            raise error.converted_to(type(error), more=more) from error

    def _parse(
        self, lines: Sequence[bytes], form: RowFormat, where: str, first_row: int
    ) -> ParsedRows:
        try:
            texts = [line.decode() for line in lines]
        except UnicodeDecodeError as error:
            raise InvalidSource(f"{where}: rows from {first_row} on are not UTF-8") from error
        return parse_rows(
            texts, form, bucket_name=self._job_bucket.name, where=where, first_row=first_row
        )

    def _where(self, offset: int) -> str:
        # A later invocation does not know how many rows are before its first byte.
        return f"{self._source.where} (page from byte {offset} on)"

    def _where_of(self, file: InventoryFile) -> str:
        return f"s3://{self._bucket.name}/{file.key}"


def _request(error: PortError) -> str:
    """Return the code and the id of the request, for a message."""
    named = f" ({error.vendor_code}" if error.vendor_code else " ("
    return f"{named}, request {error.request_id})" if error.request_id else f"{named})"


async def _lines(blocks: AsyncIterator[bytes], where: str) -> AsyncIterator[list[bytes]]:
    """Yield the lines of a file, many at a time, with their ends; the last one may have none."""
    rest = b""
    async for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > _ROW_BYTES_MAX:
            raise InvalidSource(f"{where} has a row of more than {_ROW_BYTES_MAX} bytes")
        yield [line + b"\n" for line in lines]
    if rest:
        yield [rest]


async def _pages_of(
    batches: AsyncIterator[list[bytes]], row_count: int, *, skipped: int = 0
) -> AsyncIterator[list[bytes]]:
    """Yield the lines in pages of `row_count`, without the first `skipped` ones."""
    page: list[bytes] = []
    async for batch in batches:
        page += batch[skipped:]
        skipped = max(0, skipped - len(batch))
        whole = len(page) - len(page) % row_count
        for start in range(0, whole, row_count):
            yield page[start : start + row_count]
        page = page[whole:]
    if page:
        yield page


async def _unpacked(
    blocks: AsyncIterator[bytes], seen: Callable[[bytes], object], where: str
) -> AsyncIterator[bytes]:
    """Yield the content of a gzip file, in portions of bounded size; `seen` gets what is stored.

    A gzip file may have several members (RFC 1952, section 2.2).
    """
    member = zlib.decompressobj(_GZIP)
    try:
        async for block in blocks:
            seen(block)
            while block:
                if member.eof:
                    member = zlib.decompressobj(_GZIP)
                yield member.decompress(block, _UNPACKED_BYTES)
                block = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error as error:
        raise InvalidSource(f"{where} is not a gzip file: {error}") from error
    if not member.eof:
        raise InvalidSource(f"{where} ends in the middle of its gzip data")
