"""Files that name keys, on S3."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from adapters.aws.ranged_get import PAST_THE_END, get_range
from domain.connector import Bucket
from ports.errors import Refused
from ports.source_files import SourceBlock, SourceFiles

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

OpenClient = Callable[[str | None], Awaitable["S3Client"]]
"""Returns the client that acts in a role, or for None in the service's own."""


class S3SourceFiles:
    """Reads objects by ranges of their bytes: each block is a request, and no connection is idle.

    Args:
        open_client: Opens the client of a role; it caches them.
        block_bytes: The number of bytes of a block.
    """

    def __init__(self, open_client: OpenClient, *, block_bytes: int = 4 * 1024**2) -> None:
        self._open_client = open_client
        self._block_bytes = block_bytes

    async def read(
        self, bucket: Bucket, key: str, *, position: int = 0, e_tag: str | None = None
    ) -> SourceBlock:
        client = await self._open_client(bucket.role_arn)
        conditions: dict[str, Any] = {} if e_tag is None else {"IfMatch": f'"{e_tag}"'}
        if bucket.expected_owner is not None:
            conditions["ExpectedBucketOwner"] = bucket.expected_owner
        try:
            content, found, size_bytes = await get_range(
                client, bucket.name, key, position, self._block_bytes, **conditions
            )
        except Refused as error:
            if position or error.vendor_code != PAST_THE_END:
                raise
            return SourceBlock(content=b"", e_tag=None, size_bytes=0)
        return SourceBlock(content=content, e_tag=found, size_bytes=size_bytes)


_: type[SourceFiles] = S3SourceFiles
