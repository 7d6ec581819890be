"""The results bucket on S3."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from adapters.aws.errors import map_aws_errors
from adapters.aws.ranged_get import PAST_THE_END, get_range
from adapters.aws.responses import Malformed, e_tag_of, required
from ports.errors import Conflict, NotFound, Refused, Unavailable
from ports.results_store import ResultsStore

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# S3 User Guide, "Creating an S3 Batch Operations job": a manifest under a KMS key cannot be read,
# so the bucket's default must not apply.
_ENCRYPTION: Final[Literal["AES256"]] = "AES256"


class S3ResultsStore:
    """Stores files as objects of one bucket.

    Args:
        client: S3.
        bucket_name: The results bucket.
        block_bytes: The number of bytes that `stream` reads in one request and yields at a time.
    """

    def __init__(
        self, client: S3Client, *, bucket_name: str, block_bytes: int = 1024 * 1024
    ) -> None:
        self._client = client
        self._bucket = bucket_name
        self._portion_bytes = block_bytes

    async def put(self, key: str, content: bytes) -> None:
        with map_aws_errors("s3", operation="PutObject", resource=self._where(key)):
            await self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ServerSideEncryption=_ENCRYPTION
            )

    async def replace(self, key: str, content: bytes, *, e_tag: str | None) -> str:
        """See the port.

        S3 User Guide, "How to prevent object overwrites with conditional writes" (checked 2026-11):
        a condition that does not hold is a 412, a concurrent write a 409, and If-Match on a key
        that does not exist a 404.
        """
        condition: dict[str, Any] = {"IfMatch": f'"{e_tag}"'} if e_tag else {"IfNoneMatch": "*"}
        try:
            with map_aws_errors("s3", operation="PutObject", resource=self._where(key)):
                response = await self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=content,
                    ServerSideEncryption=_ENCRYPTION,
                    **condition,
                )
                return e_tag_of(response, "ETag")
        except NotFound as error:
            if error.vendor_code != "NoSuchKey":
                raise
            raise error.converted_to(Conflict) from error

    async def get(self, key: str) -> bytes:
        with map_aws_errors("s3", operation="GetObject", resource=self._where(key)):
            response = await self._client.get_object(Bucket=self._bucket, Key=key)
            async with response["Body"] as body:
                return await body.read()

    async def read_range(self, key: str, start: int, stop: int) -> bytes:
        try:
            with map_aws_errors("s3", operation="GetObject", resource=self._where(key)):
                response = await self._client.get_object(
                    # Both ends are inclusive.
                    Bucket=self._bucket,
                    Key=key,
                    Range=f"bytes={start}-{stop - 1}",
                )
                async with response["Body"] as body:
                    content = await body.read()
                if len(content) > stop - start:
                    raise Malformed(f"{len(content)} bytes, and {stop - start} were requested")
                return content
        except Refused as error:
            if error.vendor_code == PAST_THE_END:
                return b""
            raise

    async def stream(self, key: str, *, position: int = 0) -> AsyncIterator[bytes]:
        """See the port.

        Each block is a separate request: a reader may take minutes between two of them, and an idle
        connection breaks in the meantime. All blocks are of the same file, by its ETag.
        """
        e_tag = None
        while True:
            try:
                content, e_tag, size_bytes = await self._read_portion(key, position, e_tag)
            except Refused as error:
                if error.vendor_code == PAST_THE_END:
                    return
                raise
            except Conflict as error:
                raise Unavailable(
                    f"{self._where(key)} changed while it was read",
                    operation="GetObject",
                    resource=self._where(key),
                    vendor_code=error.vendor_code,
                ) from error
            yield content
            position += len(content)
            if position >= size_bytes:
                return

    async def create_upload(self, key: str) -> str:
        with map_aws_errors("s3", operation="CreateMultipartUpload", resource=self._where(key)):
            response = await self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ServerSideEncryption=_ENCRYPTION
            )
            return required(response, "UploadId")

    async def upload_part(self, key: str, upload_id: str, part_number: int, content: bytes) -> str:
        with map_aws_errors("s3", operation="UploadPart", resource=self._where(key)):
            response = await self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=part_number,
                Body=content,
            )
            return e_tag_of(response, "ETag")

    async def complete_upload(self, key: str, upload_id: str, part_e_tags: Sequence[str]) -> str:
        with map_aws_errors("s3", operation="CompleteMultipartUpload", resource=self._where(key)):
            response = await self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={
                    "Parts": [
                        {"PartNumber": number, "ETag": f'"{e_tag}"'}
                        for number, e_tag in enumerate(part_e_tags, start=1)
                    ]
                },
            )
            return e_tag_of(response, "ETag")

    async def abort_upload(self, key: str, upload_id: str) -> None:
        with (
            contextlib.suppress(NotFound),
            map_aws_errors("s3", operation="AbortMultipartUpload", resource=self._where(key)),
        ):
            await self._client.abort_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id
            )

    async def e_tag(self, key: str) -> str:
        with map_aws_errors("s3", operation="HeadObject", resource=self._where(key)):
            response = await self._client.head_object(Bucket=self._bucket, Key=key)
            return e_tag_of(response, "ETag")

    async def _read_portion(
        self, key: str, position: int, e_tag: str | None
    ) -> tuple[bytes, str, int]:
        """Return bytes from `position` on, the file's ETag, and its size."""
        guard = {} if e_tag is None else {"IfMatch": f'"{e_tag}"'}
        return await get_range(
            self._client, self._bucket, key, position, self._portion_bytes, **guard
        )

    def _where(self, key: str) -> str:
        return f"{self._bucket}/{key}"


_: type[ResultsStore] = S3ResultsStore
