"""A file of rows in the order in which they are added, which grows from checkpoint to checkpoint.

It is a `RowFile`, with a header, so that it is never empty.
"""

from __future__ import annotations

from application.engine.row_file import RowFile
from domain.item_sizes import part_bytes
from domain.listing import RowUpload
from domain.removal_rows import HEADER
from ports.results_store import ResultsStore


class GrowingFile:
    """The file, and its progress as the record has it after the next checkpoint.

    Attributes:
        upload: The progress of the last checkpoint.
    """

    def __init__(
        self,
        results: ResultsStore,
        key: str,
        upload: RowUpload,
        *,
        first_part_bytes: int,
        header: bytes = HEADER,
    ) -> None:
        self._results = results
        self._rows = RowFile(results, key)
        self._first_part_bytes = first_part_bytes
        self._page_count = 0
        self._key = key
        self._header = header
        self.upload = upload

    async def open(self) -> None:
        """Create the upload, or read the remainder of an earlier invocation.

        Raises:
            NotFound: the remainder that the record names does not exist.
        """
        if self.upload.upload_id is None:
            self.upload = RowUpload(upload_id=await self._results.create_upload(self._key))
            self.add(self._header)
        else:
            await self._rows.resume(self.upload)

    def add(self, rows: bytes) -> None:
        """Add rows, if there are any; each ends in a line feed."""
        self._page_count += 1
        self._rows.add_page(f"{self._page_count:016d}", rows)

    @property
    def full(self) -> bool:
        """Whether the rows fill a part."""
        return self._rows.size_bytes >= self._part_bytes()

    async def checkpoint(self, token: str, number: int) -> None:
        """Upload what fills a part, or write it as a remainder; the record then has `upload`.

        `token` and `number` make the name of the remainder unique.
        """
        if self.full:
            self.upload = await self._rows.save_part(self.upload)
        else:
            self.upload = await self._rows.save_remainder(self.upload, token, number)

    async def last_part(self) -> None:
        """Upload the rest; the record must have `upload` before the file is completed."""
        self.upload = await self._rows.save_part(self.upload)

    async def complete(self) -> None:
        """Complete the file.

        Raises:
            Conflict: another process has replaced a part; the upload never has the recorded parts.
        """
        await self._rows.complete(self.upload)

    def _part_bytes(self) -> int:
        return part_bytes(self._first_part_bytes, len(self.upload.part_e_tags))
