"""Reads bytes of an S3 object by their positions: each read is a request of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import map_aws_errors
from adapters.aws.responses import Malformed, e_tag_of, required

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# S3 API Reference, "Error responses": a range that begins at the end of the object or after it.
# An empty object has no range (RFC 9110, section 15.5.17).
PAST_THE_END: Final = "InvalidRange"


async def get_range(
    client: S3Client, bucket_name: str, key: str, position: int, byte_count: int, **guard: Any
) -> tuple[bytes, str, int]:
    """Return up to `byte_count` bytes from `position` on, the unquoted ETag, and the size.

    `guard` has further parameters of GetObject. The size is that of the whole object.

    Raises:
        Refused: the position is not before the object's end (PAST_THE_END).
    """
    # Both ends of the range are inclusive (RFC 9110, section 14.1.2).
    last = position + byte_count - 1
    with map_aws_errors("s3", operation="GetObject", resource=f"{bucket_name}/{key}"):
        response = await client.get_object(
            Bucket=bucket_name, Key=key, Range=f"bytes={position}-{last}", **guard
        )
        async with response["Body"] as body:
            content = await body.read()
        size_bytes = int(required(response, "ContentRange").rpartition("/")[2])
        if not content or position + len(content) > size_bytes:
            raise Malformed(f"{len(content)} bytes from {position} on, of {size_bytes}")
        return content, e_tag_of(response, "ETag"), size_bytes
