"""A file of rows in the results bucket that grows from checkpoint to checkpoint.

It is a multipart upload. A part has a minimum size, so the rows since the last part are written as
a remainder: a file of its own. A remainder is written before the record names it, each under its
own key: a process that dies between the two, or whose lease expired, leaves a file that no process
reads. The upload is completed with the recorded ETags, so S3 refuses a part that another process
sent in the meantime.
"""

from __future__ import annotations

from dataclasses import replace

from application.results.files import listing_rest_key
from domain.listing import RowUpload
from ports.errors import NotFound
from ports.results_store import ResultsStore


class RowFile:
    """The rows that are not in a part yet, and how they are written."""

    def __init__(self, results: ResultsStore, key: str) -> None:
        self._results = results
        self.key = key
        self._rows = bytearray()

    @property
    def size_bytes(self) -> int:
        """The size of the rows that are not in a part yet."""
        return len(self._rows)

    async def resume(self, upload: RowUpload) -> None:
        """Read the remainder of an earlier invocation.

        Raises:
            NotFound: the remainder that the record names does not exist.
        """
        if upload.rest_key:
            self._rows += await self._results.get(upload.rest_key)

    def add(self, row: bytes) -> None:
        """Add a row, which ends in a line feed."""
        self._rows += row

    async def save_part(self, upload: RowUpload) -> RowUpload:
        """Upload the rows, if there are any, as the next part."""
        if not self._rows:
            return replace(upload, rest_key=None)
        number = len(upload.part_e_tags) + 1
        e_tag = await self._results.upload_part(
            self.key, upload.upload_id or "", number, bytes(self._rows)
        )
        self._rows.clear()
        return replace(upload, part_e_tags=(*upload.part_e_tags, e_tag), rest_key=None)

    async def save_remainder(self, upload: RowUpload, token: str, number: int) -> RowUpload:
        """Write the rows, if there are any, as the remainder.

        `token` and `number` make its key unique: the lease's token, and the number of keys that
        were listed. Between two remainders of one invocation other keys were listed.
        """
        if not self._rows:
            return replace(upload, rest_key=None)
        rest_key = listing_rest_key(self.key, token, number)
        await self._results.put(rest_key, bytes(self._rows))
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
