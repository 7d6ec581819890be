"""Files that name keys, on S3."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import Malformed, e_tag_of, required
from domain.connector import Bucket
from ports.errors import Refused
from ports.source_files import SourceBlock, SourceFiles

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

OpenClient = Callable[[str | None], Awaitable["S3Client"]]
"""Returns the client that acts in a role, or for None in the service's own."""

# An empty file has no range (RFC 9110, section 15.5.17).
_PAST_THE_END: Final = "InvalidRange"


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
        # Both ends of the range are inclusive (RFC 9110, section 14.1.2).
        last = position + self._block_bytes - 1
        try:
            with map_aws_errors("s3", operation="GetObject", resource=f"{bucket.name}/{key}"):
                response = await client.get_object(
                    Bucket=bucket.name, Key=key, Range=f"bytes={position}-{last}", **conditions
                )
                async with response["Body"] as body:
                    content = await body.read()
                size_bytes = int(required(response, "ContentRange").rpartition("/")[2])
                if not content or position + len(content) > size_bytes:
                    raise Malformed(f"{len(content)} bytes from {position} on, of {size_bytes}")
                return SourceBlock(
                    content=content, e_tag=e_tag_of(response, "ETag"), size_bytes=size_bytes
                )
        except Refused as error:
            if position or error.vendor_code != _PAST_THE_END:
                raise
            return SourceBlock(content=b"", e_tag=None, size_bytes=0)


_: type[SourceFiles] = S3SourceFiles
