"""The results bucket: manifests, chunk files, reports, outcomes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol


class ResultsStore(Protocol):
    """Keeps files by key. Reads see the last write; a file is seen whole or not at all.

    Every method may raise the Retryable and Fatal errors of `ports.errors`.
    """

    async def put(self, key: str, content: bytes) -> None:
        """Write a file, over what may be there."""
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
        """Return a whole file; for small ones.

        Raises:
            NotFound: there is none.
        """
        ...

    def stream(self, key: str, *, position: int = 0) -> AsyncIterator[bytes]:
        """Yield the file from byte `position` on, in portions of bounded size; at its end, nothing.

        Raises:
            NotFound: there is none.
        """
        ...

    async def create_upload(self, key: str) -> str:
        """Begin a file that comes in parts; returns the upload's id."""
        ...

    async def upload_part(self, key: str, upload_id: str, part_number: int, content: bytes) -> str:
        """Send a part (numbers from 1; 5 MiB at least, but for the last one); returns its ETag.

        The same number again replaces the part.

        Raises:
            NotFound: the upload was completed or aborted.
        """
        ...

    async def complete_upload(self, key: str, upload_id: str, part_e_tags: Sequence[str]) -> str:
        """Make the file of all parts in order; returns its ETag, unquoted.

        Raises:
            NotFound: the upload was completed or aborted.
            Conflict: a part is not the one with this ETag.
        """
        ...

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop an upload; one that is not there is fine."""
        ...

    async def e_tag(self, key: str) -> str:
        """Return the file's ETag, unquoted.

        Raises:
            NotFound: there is none.
        """
        ...
