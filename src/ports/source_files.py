"""Files that name the keys of a job, in any bucket that the connector's role may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from domain.connector import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBlock:
    """Bytes of a file, the file's ETag (unquoted), and its size.

    `content` is empty only in a block of an empty file: then its ETag is unknown.
    """

    content: bytes
    e_tag: str | None
    size_bytes: int


class SourceFiles(Protocol):
    """Reads files in blocks, in the bucket's role if it names one.

    May raise the Retryable errors of `ports.errors`, AccessDenied (for the file or the role), and
    Misconfigured for a bucket that does not exist.
    """

    async def read(
        self, bucket: Bucket, key: str, *, position: int = 0, e_tag: str | None = None
    ) -> SourceBlock:
        """Return the bytes from `position` on, at least one, and as many as a block may have.

        One request. `position` is before the end of the file; 0 is also allowed in an empty one.
        With `e_tag` only from a file that has it.

        Raises:
            NotFound: There is no such file.
            Conflict: The file has another ETag.
            Refused: The position is not before its end.
        """
        ...
