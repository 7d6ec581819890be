"""Copying an object in parts, for those over 5 GB.

All parts or nothing: each part is taken only from the version with the ETag that was seen, and an
upload that cannot be completed, or whose task is cancelled, is aborted.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from adapters.aws.errors import translated
from adapters.aws.object_attributes import CHECKSUMS, unsendable
from domain.customer_object import ObjectHead, WrittenObject
from domain.limits import UPLOAD_PART_BYTES_MIN, UPLOAD_PART_COUNT_MAX
from ports.errors import Conflict, NotFound, PortError

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

_MEBIBYTE: Final = 1024**2

# XML 1.0 has no way to write these, and the answers to an upload hold the key ("ListObjectsV2",
# EncodingType, says so of listings): its upload id could not be read.
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# S3 User Guide, "Checking object integrity for data uploads": of parts, these sums are only ever
# those of the parts' sums, while an object of one part has that of its bytes.
_COMPOSITE_ONLY: Final = ("SHA1", "SHA256")


@dataclass(frozen=True, slots=True)
class Part:
    """A part: its number from 1, and its first and last byte, both included."""

    number: int
    first: int
    last: int


def plan_parts(size_bytes: int, *, part_bytes: int) -> Iterator[Part]:
    """Yield the parts of an object: of `part_bytes`, or larger where 10,000 would not do.

    Objects go up to 50 TB (S3 User Guide, "Amazon S3 multipart upload limits"), so parts up to
    about 5 GB; they are whole mebibytes.
    """
    least = max(part_bytes, UPLOAD_PART_BYTES_MIN, ceil(size_bytes / UPLOAD_PART_COUNT_MAX))
    step = ceil(least / _MEBIBYTE) * _MEBIBYTE
    for number, first in enumerate(range(0, size_bytes, step), start=1):
        yield Part(number, first, min(first + step, size_bytes) - 1)


class MultipartCopier:
    """Copies objects onto themselves in parts.

    Args:
        client: S3.
        part_bytes: Size of a part where 10,000 of them suffice.
        parts_in_flight: Parts of one object copied at once.
    """

    def __init__(self, client: S3Client, *, part_bytes: int, parts_in_flight: int) -> None:
        self._client = client
        self._part_bytes = part_bytes
        self._parts_in_flight = parts_in_flight

    async def copy(
        self,
        bucket_name: str,
        head: ObjectHead,
        *,
        attributes: dict[str, Any],
        owner: dict[str, Any],
        source_owner: dict[str, Any],
    ) -> WrittenObject:
        """Copy the object onto itself.

        Args:
            bucket_name: Its bucket.
            head: The object as it was seen.
            attributes: Everything that CreateMultipartUpload has to be told of it.
            owner: The parameter of the bucket's expected owner, if there is one.
            source_owner: The same for the source of a copy.

        Raises:
            Conflict: the object changed, or the upload was ended by somebody else; the object is
                to be read again, because that may have been an earlier try of ours.
            NotFound: it is gone.
            Archived: its bytes are archived.
            Refused: it has metadata that cannot be said again, or a key that S3 cannot answer.
        """
        if _NOT_IN_XML.search(head.key):
            raise unsendable(head.key, "its key has signs that XML does not carry", "Key")
        where = f"{bucket_name}/{head.key}"
        target: dict[str, Any] = {"Bucket": bucket_name, "Key": head.key, **owner}
        checksum = await self._checksum(target, where)
        with translated("s3", operation="CreateMultipartUpload", resource=where):
            created = await self._client.create_multipart_upload(**target, **attributes, **checksum)
        target["UploadId"] = created["UploadId"]
        try:
            parts = await self._copy_parts(target, head, source_owner, where)
            with translated("s3", operation="CompleteMultipartUpload", resource=where):
                answer = await self._client.complete_multipart_upload(
                    **target,
                    MultipartUpload={"Parts": parts},
                    IfMatch=f'"{head.e_tag}"',
                )
        except NotFound as error:
            # Not the object is missing but the upload: aborted by somebody, or completed by a
            # request whose answer got lost and which the SDK sent again.
            if error.vendor_code == "NoSuchUpload":
                raise Conflict(
                    str(error),
                    operation=error.operation,
                    resource=where,
                    vendor_code=error.vendor_code,
                ) from error
            await self._abort(target, where)
            raise
        except BaseException:
            await self._abort(target, where)
            raise
        return WrittenObject(e_tag=answer["ETag"].strip('"'), version_id=answer.get("VersionId"))

    async def _abort(self, target: dict[str, Any], where: str) -> None:
        """Abort the upload, also for a task that was cancelled.

        If even this fails, the bucket's lifecycle rule has to clean up; what the caller must hear
        of is the first error.
        """
        with (
            suppress(PortError),
            translated("s3", operation="AbortMultipartUpload", resource=where),
        ):
            await self._client.abort_multipart_upload(**target)

    async def _checksum(self, target: dict[str, Any], where: str) -> dict[str, Any]:
        """Return the parameters that give the copy the checksum that the object has.

        Only asked for here: with checksums, HeadObject wants kms:Decrypt for an object under KMS
        (S3 API Reference, "HeadObject"), which a mere look at it should not need.
        """
        with translated("s3", operation="HeadObject", resource=where):
            answer: Any = await self._client.head_object(**target, ChecksumMode="ENABLED")
        # S3 API Reference, "HeadObject": entries that its headers cannot show.
        if answer.get("MissingMeta"):
            raise unsendable(target["Key"], "S3 does not show all of its metadata", "MissingMeta")
        for algorithm in CHECKSUMS:
            if f"Checksum{algorithm}" in answer:
                kind = {"ChecksumType": answer["ChecksumType"]} if "ChecksumType" in answer else {}
                if algorithm in _COMPOSITE_ONLY:
                    kind = dict.fromkeys(kind, "COMPOSITE")
                return {"ChecksumAlgorithm": algorithm, **kind}
        return {}

    async def _copy_parts(
        self, target: dict[str, Any], head: ObjectHead, source_owner: dict[str, Any], where: str
    ) -> list[CompletedPartTypeDef]:
        waiting = plan_parts(head.size_bytes, part_bytes=self._part_bytes)
        copied: dict[int, CompletedPartTypeDef] = {}

        async def work() -> None:
            for part in waiting:
                copied[part.number] = await self._copy_part(part, target, head, source_owner, where)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._parts_in_flight):
                    group.create_task(work())
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [copied[number] for number in sorted(copied)]

    async def _copy_part(
        self,
        part: Part,
        target: dict[str, Any],
        head: ObjectHead,
        source_owner: dict[str, Any],
        where: str,
    ) -> CompletedPartTypeDef:
        with translated("s3", operation="UploadPartCopy", resource=where):
            answer = await self._client.upload_part_copy(
                **target,
                **source_owner,
                PartNumber=part.number,
                CopySource={"Bucket": target["Bucket"], "Key": head.key},
                CopySourceRange=f"bytes={part.first}-{part.last}",
                CopySourceIfMatch=f'"{head.e_tag}"',
            )
        result: dict[str, Any] = dict(answer["CopyPartResult"])
        completed: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": result["ETag"]}
        # An upload with a checksum is completed with those of its parts.
        sums: Any = {
            name: result[name] for name in map("Checksum{}".format, CHECKSUMS) if name in result
        }
        completed.update(sums)
        return completed
