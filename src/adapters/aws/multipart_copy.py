"""Multipart copies of an object onto itself.

Each part is copied only from the version with the known ETag, and completed only over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import map_aws_errors
from adapters.aws.object_attributes import CHECKSUMS, extra_permissions, not_copyable
from adapters.aws.responses import e_tag_of, optional, required
from domain.customer_object import ObjectHead, WrittenObject
from domain.limits import NOT_IN_XML
from domain.part_copy import CopiedPart, Part
from ports.errors import Conflict, NotFound

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

# S3 User Guide, "Checking object integrity for data uploads": for multipart uploads, these
# checksums are always composite (checksums of the parts' checksums), while an object of one part
# has the checksum of its bytes.
_COMPOSITE_ONLY: Final = ("SHA1", "SHA256")

_NO_UPLOAD: Final = "NoSuchUpload"


class MultipartCopies:
    """The requests of a multipart copy. `owner` and `owners` are parameters of expected owners."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    async def create(
        self, bucket_name: str, head: ObjectHead, *, attributes: dict[str, Any], owner: Any
    ) -> str:
        """Create an upload with these attributes and the object's checksum; return its id.

        Raises:
            NotFound: The object was deleted.
            Refused: Its metadata cannot be copied, or S3 cannot return its key.
        """
        if NOT_IN_XML.search(head.key):
            raise not_copyable(
                head.key, "its key has characters that are not allowed in XML", "Key"
            )
        where = f"{bucket_name}/{head.key}"
        target: dict[str, Any] = {"Bucket": bucket_name, "Key": head.key, **owner}
        checksum = await self._checksum(target, where)
        needed = extra_permissions(attributes)
        with map_aws_errors("s3", operation="CreateMultipartUpload", resource=where, needed=needed):
            created = await self._client.create_multipart_upload(**target, **attributes, **checksum)
            return required(created, "UploadId")

    async def copy_part(
        self, bucket_name: str, head: ObjectHead, upload_id: str, part: Part, *, owners: Any
    ) -> CopiedPart:
        """Copy a part.

        Raises:
            Conflict: The object changed, or the upload no longer exists.
            NotFound: The object was deleted.
            Archived: Its bytes are archived.
        """
        where = f"{bucket_name}/{head.key}"
        with _upload_expected(), map_aws_errors("s3", operation="UploadPartCopy", resource=where):
            response = await self._client.upload_part_copy(
                Bucket=bucket_name,
                Key=head.key,
                UploadId=upload_id,
                PartNumber=part.number,
                CopySource={"Bucket": bucket_name, "Key": head.key},
                CopySourceRange=f"bytes={part.first}-{part.last}",
                CopySourceIfMatch=f'"{head.e_tag}"',
                **owners,
            )
            result = required(response, "CopyPartResult", of=dict)
            names = map("Checksum{}".format, CHECKSUMS)
            return CopiedPart(
                number=part.number,
                e_tag=required(result, "ETag"),
                # An upload with a checksum is completed with those of its parts.
                checksums={name: required(result, name) for name in names if name in result},
            )

    async def complete(
        self,
        bucket_name: str,
        head: ObjectHead,
        upload_id: str,
        parts: Sequence[CopiedPart],
        *,
        owner: Any,
    ) -> WrittenObject:
        """Complete the upload, which replaces the object.

        Raises:
            Conflict: The object changed, or the upload or a part no longer exists.
            NotFound: The object was deleted.
        """
        where = f"{bucket_name}/{head.key}"
        completed: Any = [{"PartNumber": p.number, "ETag": p.e_tag, **p.checksums} for p in parts]
        with (
            _upload_expected(),
            map_aws_errors("s3", operation="CompleteMultipartUpload", resource=where),
        ):
            response = await self._client.complete_multipart_upload(
                Bucket=bucket_name,
                Key=head.key,
                UploadId=upload_id,
                MultipartUpload={"Parts": completed},
                IfMatch=f'"{head.e_tag}"',
                **owner,
            )
            return WrittenObject(
                e_tag=e_tag_of(response, "ETag"), version_id=optional(response, "VersionId")
            )

    async def abort(self, bucket_name: str, key: str, upload_id: str, *, owner: Any) -> None:
        """Abort an upload; a missing one is ignored."""
        where = f"{bucket_name}/{key}"
        with (
            suppress(NotFound),
            map_aws_errors("s3", operation="AbortMultipartUpload", resource=where),
        ):
            await self._client.abort_multipart_upload(
                Bucket=bucket_name, Key=key, UploadId=upload_id, **owner
            )

    async def _checksum(self, target: dict[str, Any], where: str) -> dict[str, Any]:
        """Return the parameters that give the copy the object's checksum.

        It is requested only here: with checksums, HeadObject requires kms:Decrypt for an object
        under KMS (S3 API Reference, "HeadObject"), which a plain head should not need.
        """
        with map_aws_errors("s3", operation="HeadObject", resource=where):
            response: Any = await self._client.head_object(**target, ChecksumMode="ENABLED")
        # S3 API Reference, "HeadObject": entries that its headers cannot represent.
        if response.get("MissingMeta"):
            raise not_copyable(
                target["Key"], "S3 does not return all of its metadata", "MissingMeta"
            )
        for algorithm in CHECKSUMS:
            if f"Checksum{algorithm}" in response:
                kind = (
                    {"ChecksumType": response["ChecksumType"]} if "ChecksumType" in response else {}
                )
                if algorithm in _COMPOSITE_ONLY:
                    kind = dict.fromkeys(kind, "COMPOSITE")
                return {"ChecksumAlgorithm": algorithm, **kind}
        return {}


@contextmanager
def _upload_expected() -> Iterator[None]:
    """Distinguish a missing upload from a missing object.

    It was aborted by another process, or completed by a request whose response was lost and which
    the SDK sent again. In both cases the object must be read again.
    """
    try:
        yield
    except NotFound as error:
        if error.vendor_code != _NO_UPLOAD:
            raise
        raise error.converted_to(Conflict) from error
