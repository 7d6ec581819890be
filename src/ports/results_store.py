"""The results bucket: manifests, chunk files, reports, outcomes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol


class ResultsStore(Protocol):
    """Stores files by key. Reads are strongly consistent; a file is read completely or not at all.

    Every method may raise the Retryable and Fatal errors of `ports.errors`.
    """

    async def put(self, key: str, content: bytes) -> None:
        """Write a file, or replace an existing one."""
        ...

    async def replace(self, key: str, content: bytes, *, e_tag: str | None) -> str:
        """Write a file only over the content with `e_tag` (None: where there is no file).

        A write that arrives late, after another one, changes nothing.

        Returns:
            The file's new ETag, unquoted.

        Raises:
            Conflict: the file has another ETag, or exists although `e_tag` is None.
        """
        ...

    async def get(self, key: str) -> bytes:
        """Return a whole file; for small files.

        Raises:
            NotFound: There is none.
        """
        ...

    async def read_range(self, key: str, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`, which is above `start`.

        Fewer if the file ends before `stop`; none if it ends before `start`.

        Raises:
            NotFound: There is none.
        """
        ...

    def stream(self, key: str, *, position: int = 0) -> AsyncIterator[bytes]:
        """Yield the file from byte `position` on, in blocks of bounded size; nothing at its end.

        Raises:
            NotFound: There is none.
        """
        ...

    async def create_upload(self, key: str) -> str:
        """Create a multipart upload for a file; return its id."""
        ...

    async def upload_part(self, key: str, upload_id: str, part_number: int, content: bytes) -> str:
        """Upload a part (numbers from 1; at least 5 MiB, except the last); return its ETag.

        The same number again replaces the part.

        Raises:
            NotFound: The upload was completed or aborted.
        """
        ...

    async def complete_upload(self, key: str, upload_id: str, part_e_tags: Sequence[str]) -> str:
        """Create the file from all parts in order; return its ETag, unquoted.

        Raises:
            NotFound: The upload was completed or aborted.
            Conflict: A part does not have this ETag.
        """
        ...

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Abort an upload; a missing one is ignored."""
        ...

    async def e_tag(self, key: str) -> str:
        """Return the file's ETag, unquoted.

        Raises:
            NotFound: There is none.
        """
        ...
