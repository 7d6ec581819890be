"""A file of rows in the results bucket that grows from checkpoint to checkpoint.

It is a multipart upload. A part has a minimum size, so the rows since the last part are written as
a remainder: a file of its own. A remainder is written before the record names it, each under its
own key: a process that dies between the two, or whose lease expired, leaves a file that no process
reads. The upload is completed with the recorded ETags, so S3 refuses a part that another process
sent in the meantime.

Pages of several ranges of keys arrive in any order. The rows of a part, or of a remainder, are in
the order of their keys, so that a chunk has keys that are near to each other; rows of different
parts are not.
"""

from __future__ import annotations

from dataclasses import replace

from application.results.files import listing_rest_key
from domain.listing import RowUpload
from ports.errors import NotFound
from ports.results_store import ResultsStore


class RowFile:
    """The rows that are not in a part yet, and how they are written.

    Attributes:
        size_bytes: The size of these rows.
    """

    def __init__(self, results: ResultsStore, key: str) -> None:
        self._results = results
        self.key = key
        # The rows of each page, with its first key. No two pages overlap.
        self._pages: list[tuple[str, bytes]] = []
        self.size_bytes = 0

    async def resume(self, upload: RowUpload) -> None:
        """Read the remainder of an earlier invocation.

        Raises:
            NotFound: the remainder that the record names does not exist.
        """
        if upload.rest_key:
            self.add_page("", await self._results.get(upload.rest_key))

    def add_page(self, first_key: str, rows: bytes) -> None:
        """Add the rows of a page, if there are any; each ends in a line feed."""
        if rows:
            self._pages.append((first_key, rows))
            self.size_bytes += len(rows)

    def _in_order(self) -> bytes:
        return b"".join(rows for _, rows in sorted(self._pages))

    async def save_part(self, upload: RowUpload) -> RowUpload:
        """Upload the rows, if there are any, as the next part."""
        if not self._pages:
            return replace(upload, rest_key=None)
        number = len(upload.part_e_tags) + 1
        e_tag = await self._results.upload_part(
            self.key, upload.upload_id or "", number, self._in_order()
        )
        self._pages, self.size_bytes = [], 0
        return replace(upload, part_e_tags=(*upload.part_e_tags, e_tag), rest_key=None)

    async def save_remainder(self, upload: RowUpload, token: str, number: int) -> RowUpload:
        """Write the rows, if there are any, as the remainder.

        `token` and `number` make its key unique: the lease's token, and the number of keys that
        were listed. Between two remainders of one invocation other keys were listed.
        """
        if not self._pages:
            return replace(upload, rest_key=None)
        rest_key = listing_rest_key(self.key, token, number)
        await self._results.put(rest_key, self._in_order())
        return replace(upload, rest_key=rest_key)

    async def complete(self, upload: RowUpload) -> str:
        """Complete the upload, and return the file's ETag.

        Raises:
            Conflict: another process has replaced a part; the upload never has the recorded parts.
        """
        try:
            return await self._results.complete_upload(
                self.key, upload.upload_id or "", upload.part_e_tags
            )
        except NotFound:
            # An earlier attempt completed the upload and died before it recorded that.
            return await self._results.e_tag(self.key)
