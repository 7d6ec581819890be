"""The rows of a Parquet file of an inventory.

The whole file is fetched and has its checksum before the first row is used. After an interruption
it is fetched again, and the rows before the position are skipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from domain.errors import InvalidSource
from domain.inventory import InventoryFile
from domain.parquet_rows import parquet_columns, parse_values
from domain.source_rows import ParsedRows, RowFormat
from ports.errors import CorruptData, LimitExceeded, Misconfigured
from ports.parquet_reader import ParquetReader


async def parquet_pages(
    reader: ParquetReader,
    blocks: AsyncIterator[bytes],
    file: InventoryFile,
    form: RowFormat,
    *,
    bucket_name: str,
    where: str,
    check_md5: Callable[[str], None],
    first_row: int,
    row_count: int,
) -> AsyncGenerator[tuple[int, ParsedRows]]:
    """Yield the pages of rows, each with its number of rows.

    Args:
        reader: Holds the file while it is read.
        blocks: Its content.
        file: Its entry in the report.
        form: Its columns.
        bucket_name: The bucket that all rows must be of.
        where: The file, for messages.
        check_md5: Gets the MD5 of the content, and raises if it is another file's.
        first_row: How many rows are skipped.
        row_count: The number of rows of a page.

    Raises:
        InvalidSource: It is not the file of the report, or not of its format.
        Misconfigured, LimitExceeded: This installation cannot read it; the message says what to do.
    """
    try:
        async with reader.open(file.size_bytes) as stored:
            digest = hashlib.md5(usedforsecurity=False)
            async for block in blocks:
                digest.update(block)
                await stored.append(block)
            check_md5(digest.hexdigest())
            pages = stored.pages(parquet_columns(form), first_row=first_row, row_count=row_count)
            async with aclosing(pages):
                async for rows in pages:
                    yield (
                        len(rows),
                        parse_values(
                            rows,
                            form,
                            bucket_name=bucket_name,
                            where=where,
                            first_row=first_row + 1,
                        ),
                    )
                    first_row += len(rows)
    except CorruptData as error:
        raise InvalidSource(f"{where}: {error}; use another report") from error
    except (Misconfigured, LimitExceeded) as error:
        raise error.converted_to(type(error), more=f". The file is {where}") from error
